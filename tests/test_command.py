"""`python test.py` itself, run in copies of the checkout; what it prints, its processes, and how it ends."""

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import torch
from conftest import LIMIT, ROOT, Checkout
from torch import nn

import helpers
from helpers import DivergenceError, Result
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, train_model_WS

HEAD = "network      parameters  first loss  last loss  test accuracy  wrong  seconds"
LINE = re.compile(
    r"^(?P<name>\w+) +(?P<parameters>[\d,]+) +(?P<first>\d\.\d{4}) +(?P<last>\d\.\d{4})"
    r" +(?P<accuracy>[\d.]+) % +(?P<wrong>\d+) +\d+\.\d$"
)
SAME_DIGITS = bool(torch.cpu.get_capabilities().get("avx2"))  # x86-64 with AVX2
FIRST_LOSS, LAST_LOSS, ACCURACY = 0.01, 0.03, 3.0  # what another processor may change by rounding
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def lines_of(output: str) -> list[dict[str, str]]:
    """Return what a table of results says of each network."""
    head, *lines = output.splitlines()
    assert head == HEAD
    found = [LINE.match(line) for line in lines]
    assert all(found), output
    return [match.groupdict() for match in found if match]


def documented() -> str:
    """Return the table in test.py's docstring."""
    text = ast.get_docstring(ast.parse((ROOT / "test.py").read_text(encoding="utf-8")))
    assert text is not None
    return textwrap.dedent(text[text.index(f"    {HEAD}") :]).rstrip("\n") + "\n"


# ---- Runs of the real command, each in a copy ------------------------------------------------------------------------

OWN_NETWORKS = """
from torch import nn


class Own(nn.Module):  # scores alone; a lambda in it, dropout, a layer without a size
    def __init__(self):
        super().__init__()
        self.squash = lambda x: x.relu()
        self.first, self.last = nn.LazyLinear(20), nn.Linear(20, 2)

    def forward(self, pairs):
        return self.last(nn.functional.dropout(self.squash(self.first(pairs.reshape(len(pairs), -1))), 0.3))


def local_class():
    class Local(WSModel):
        pass

    return Local()


"""
USERS = {"ATEN_CPU_CAPABILITY": "default"}
SESSION = """
import sys
print("loaded", sorted({"torchvision", "torch._dynamo", "matplotlib"} & set(sys.modules)))
data = load_round(0)
print("instructions", helpers.torch.backends.cpu.get_cpu_capability())
print("counted", all(helpers.nb_wrong(r.model, data.test_input, data.test_target) == r.nb_wrong for r in results[1:]))
print("alone", [run(data, Own, train_model).losses == results[0].losses for _ in range(2)])
"""
AGAIN = """
helpers.NB_EPOCHS, helpers.NB_ROUNDS, helpers.SEED = 2, 2, 1
again = main()
print("again", [(r.nb_round, len(r.losses)) for r in again], again[0].losses[0] != results[0].losses[0])
"""


def with_own_networks(folder: Path, start_method: str) -> tuple[int, str, str]:
    """Run test.py with networks of a user's own, then go on typing in the same session."""
    checkout = Checkout(folder)
    checkout.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=200, NB_TEST_PAIRS=200)
    checkout.edit("test.py", "def networks(", f"{OWN_NETWORKS}def networks(")
    checkout.edit("test.py", 'START_METHOD = "fork" if', f'START_METHOD = "{start_method}" if True else "fork" if')
    checkout.edit("test.py", "data, SimpleModel, train_model)", "data, Own, train_model)")
    checkout.edit("test.py", "data, WSModel, train_model_WS)", "data, lambda: WSModel((8, 16)), train_model_WS)")
    checkout.edit("test.py", "data, AuxModel, train", "data, partial(AuxModel, hidden=30), train")
    exploration = "partial(run, data, WSModel1, train_model_WS, **WSModel1.settings)"
    checkout.edit("test.py", f"# {exploration}", "partial(run, data, local_class, train_model_WS)")
    checkout.edit("test.py", "    results = main()", "    helpers.SEED = 5  # from outside\n    results = main()")
    if start_method == "spawn":  # where each process loads PyTorch: two networks show it
        checkout.edit("test.py", "        partial(run, data, lambda: WSModel((8, 16)), train_model_WS),\n", "")
        checkout.edit(
            "test.py",
            "        partial(run, data, partial(AuxModel, hidden=30), train_model_AM, data.train_classes),\n",
            "",
        )
    return checkout.run("-i", typed=SESSION + (AGAIN if start_method == "fork" else ""), **USERS)


def by_default(folder: Path) -> tuple[int, str, str]:
    """Run test.py with its last line uncommented, in a folder with a space; it leaves nothing but its figure."""
    checkout = Checkout(folder / "a clone")
    checkout.edit("test.py", "    # plot_losses(results)", "    plot_losses(results)")
    before = checkout.files()
    status, output, errors = checkout.run()
    figure = checkout.folder / "losses.png"
    if SAME_DIGITS:
        assert figure.read_bytes() == (ROOT / "report" / "figures" / "losses.png").read_bytes()
    lines, path = output.split("figure: ")
    assert path == f"{figure}\n"
    figure.unlink()
    assert checkout.files() == before
    return status, lines, errors


def endless(folder: Path) -> subprocess.Popen[str]:
    """Start test.py with a second network that learns for ever; return when the first has its line."""
    checkout = Checkout(folder)
    checkout.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)
    checkout.edit("test.py", "WSModel, train_model_WS)", "WSModel, train_model_WS, nb_epochs=10**6)")
    process = checkout.start()
    assert process.stdout is not None
    assert process.stdout.readline() == f"{HEAD}\n"
    assert process.stdout.readline().startswith("SimpleModel ")
    return process


def ended(folder: Path, end: Callable[[psutil.Process, list[psutil.Process]], object]) -> tuple[int, str, str]:
    """End such a run; return its exit status and what it still prints. It leaves no process."""
    with endless(folder) as process:
        parent = psutil.Process(process.pid)
        children = parent.children()
        try:
            assert children
            end(parent, children)
            output, errors = process.communicate(timeout=LIMIT / 4)  # before what it left is killed
            assert not psutil.wait_procs(children, timeout=LIMIT / 4)[1]
        finally:
            for left in psutil.wait_procs([*children, parent], timeout=0)[1]:
                left.kill()
    return process.returncode, output, errors


def interrupt(process: psutil.Process, children: list[psutil.Process]) -> None:
    """Send Ctrl-C to all, as a terminal does."""
    for each in [*children, process]:
        each.send_signal(signal.SIGINT)


def kill_the_busiest(_: psutil.Process, children: list[psutil.Process]) -> None:
    max(children, key=lambda child: child.cpu_times().user).kill()


def without_a_reader(folder: Path) -> tuple[int, str, str]:
    """Run test.py, and close its output after the first line, as head does."""
    checkout = Checkout(folder)
    checkout.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)
    with checkout.start() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        head = process.stdout.readline()
        process.stdout.close()
        return process.wait(LIMIT), head, process.stderr.read()


def interrupted_while_starting(folder: Path) -> tuple[int, str, str]:
    with Checkout(folder).start() as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
    return process.returncode, output, errors


RUNS: dict[str, Callable[[Path], tuple[int, str, str]]] = {
    "default": by_default,
    "fork": partial(with_own_networks, start_method="fork"),
    "spawn": partial(with_own_networks, start_method="spawn"),
    "Ctrl-C": partial(ended, end=interrupt),
    "killed": partial(ended, end=lambda process, _: process.kill()),
    "child killed": partial(ended, end=kill_the_busiest),
    "head": without_a_reader,
    "Ctrl-C while starting": interrupted_while_starting,
}
Runs = dict[str, Future[tuple[int, str, str]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Exit status, output and errors of each run: two at a time, while the first tests are made."""
    with ThreadPoolExecutor(2) as pool:
        folders = {name: tmp_path_factory.mktemp("run") / "clone" for name in RUNS}
        yield {name: pool.submit(function, folders[name]) for name, function in RUNS.items()}


def test_the_runs_of_the_real_command_are_started(runs: Runs) -> None:
    """They are looked at below."""
    assert runs.keys() == RUNS.keys()


# ---- In this process -------------------------------------------------------------------------------------------------


def load_module(monkeypatch: pytest.MonkeyPatch, name: str, file: Path) -> ModuleType:
    """Return a file as a module of this name."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # where processes look for what they call
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def main_job(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """test.py as a module, whose networks train for an epoch on 50 pairs."""
    module = load_module(monkeypatch, "main_job", ROOT / "test.py")
    for name, value in {"NB_EPOCHS": 1, "NB_TRAIN_PAIRS": 50, "NB_TEST_PAIRS": 50}.items():
        monkeypatch.setattr(helpers, name, value)
    return module


def result(name: str, nb_round: int, nb_wrong: int) -> Result:
    """Return an invented result of 200 test pairs."""
    return Result(name, nb_round, 1234, [2.0, 1.0], nb_wrong, 200, 1.25, nn.Identity())


INVALID = [
    ("NB_EPOCHS", 0, "a whole number from 1 to 100,000"),
    ("NB_EPOCHS", True, "a whole number from 1 to 100,000"),
    ("NB_ROUNDS", 1001, "a whole number from 1 to 1,000"),
    ("MINI_BATCH_SIZE", 2.5, "a whole number from 1 to 30,000"),
    ("LEARNING_RATE", 0, "a number from 1e-09 to 1,000,000,000"),
    ("LEARNING_RATE", 10**400, "a number from 1e-09 to 1,000,000,000"),
    ("LEARNING_RATE", float("nan"), "a number from 1e-09 to 1,000,000,000"),
    ("AUX_WEIGHT", -0.5, "a number from 0 to 1,000"),
    ("NB_TRAIN_PAIRS", 30001, "a whole number from 1 to 30,000"),
    ("NB_TEST_PAIRS", 5001, "a whole number from 1 to 5,000"),
    ("SEED", None, "a whole number from 0 to 9,223,372,036,854,775,808"),
]


@pytest.mark.parametrize(("setting", "value", "allowed"), INVALID)
def test_an_invalid_setting_ends_the_command_before_anything_is_done(
    main_job: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: object,
    allowed: str,
) -> None:
    monkeypatch.setattr(helpers, setting, value)
    monkeypatch.setattr(main_job, "networks", None)  # not reached
    with pytest.raises(SystemExit) as caught:
        main_job.main()
    assert caught.value.code == f"error: {setting} = {value!r}: it must be {allowed}."
    assert capsys.readouterr().out == ""


def test_valid_settings_and_every_setting_has_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "helpers.py").read_text(encoding="utf-8")
    settings = text[text.index("# ---- Settings") : text.index("RANGES")]
    assert re.findall(r"^([A-Z_]+) = ", settings, re.MULTILINE) == sorted(
        helpers.RANGES, key=lambda name: settings.index(f"\n{name} = ")
    )
    for name, value in {"LEARNING_RATE": 1, "AUX_WEIGHT": 0, "SEED": 10**12, "NB_TEST_PAIRS": 5000}.items():
        monkeypatch.setattr(helpers, name, value)
    helpers.check_settings()


def test_rounds_come_in_order_and_are_those_of_the_networks_alone(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What they pass on is on disk, and nothing of it is left: a pool waits for ever for half of a long message."""
    monkeypatch.setattr(helpers, "NB_ROUNDS", 3)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = main_job.main()
    assert list(tmp_path.iterdir()) == []
    assert main_job.work(str(tmp_path), 0, 0) is None
    assert [file.name for file in tmp_path.iterdir()] == ["0 0"]
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"round  {HEAD}"
    names = ["SimpleModel", "WSModel", "AuxModel"]
    assert [(int(line[:5]), line[7:].split()[0]) for line in lines[1:10]] == [(r, n) for r in range(3) for n in names]
    assert [(each.nb_round, each.name) for each in results] == [(r, n) for r in range(3) for n in names]
    for number in range(3):
        data = helpers.load_round(number)
        simple, sharing, _ = results[3 * number : 3 * number + 3]
        for found, make, function in ((simple, SimpleModel, train_model), (sharing, WSModel, train_model_WS)):
            alone = helpers.run(data, make, function)
            assert (found.losses, found.nb_wrong) == (alone.losses, alone.nb_wrong)
            for key, value in alone.model.state_dict().items():
                assert torch.equal(found.model.state_dict()[key], value)
            assert not found.model.training
    assert lines[10] == ""
    assert lines[11].split("  ")[-4:] == ["difference", "wins", "ties", "losses"]
    assert [line.split()[0] for line in lines[12:]] == names


def test_the_summary_by_hand(main_job: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 200 pairs one is half a point. Round 2 of WSModel diverged; AuxModel1 has no base network here."""
    outcomes: list[Any] = [result("SimpleModel", 0, 40), result("WSModel", 0, 30), result("AuxModel1", 0, 2)]
    outcomes += [result("SimpleModel", 1, 44), result("WSModel", 1, 46), result("AuxModel1", 1, 6)]
    outcomes += [result("SimpleModel", 2, 42), DivergenceError("it diverged"), result("AuxModel1", 2, 4)]
    outcomes += [result("SimpleModel", 3, 38), result("WSModel", 3, 38), result("AuxModel1", 3, 4)]
    main_job.print_summary(outcomes, 3)
    assert capsys.readouterr().out.splitlines()[2:] == [
        "SimpleModel       4        79.50 %       1.29",  # 80, 78, 79, 81: the root of 5 / 3
        "WSModel           3        81.00 %       4.00  SimpleModel         +1.33     1     1       1",  # 5, -1, 0
        "AuxModel1         4        98.00 %       0.82",  # 99, 97, 98, 98: the root of 2 / 3
    ]
    diverged = DivergenceError("it diverged")  # in its only round: no line
    main_job.print_summary(
        [result("AuxModel1", 0, 20), diverged, result("AuxModel", 0, 40), result("AuxModel1", 0, 30)], 4
    )
    assert capsys.readouterr().out.splitlines()[2:] == [
        "AuxModel1         1        90.00 %        nan  AuxModel           +10.00     1     0       0",
        "AuxModel          1        80.00 %        nan",
        "AuxModel1         1        85.00 %        nan  AuxModel            +5.00     1     0       0",
    ]


def test_a_mistake_in_a_network_shows_its_file_and_line(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleModel, "forward", lambda self, pairs: self.no_such_thing(pairs))
    with pytest.raises(AttributeError, match="no_such_thing") as caught:
        main_job.main()
    text = "".join(traceback.format_exception(caught.value))
    assert re.search(r'test_command\.py", line \d+, in <lambda>\n +monkeypatch\.setattr\(SimpleModel', text)


def test_a_network_that_diverges_leaves_the_others_their_lines(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    genuine = main_job.networks

    def networks(nb_round: int) -> list[Any]:
        first, second, third = genuine(nb_round)
        return [first, partial(second, learning_rate=1e30), third]

    monkeypatch.setattr(main_job, "networks", networks)
    with pytest.raises(SystemExit) as caught:
        main_job.main()
    assert caught.value.code == 1
    head, first, second, third = capfd.readouterr().out.splitlines()
    assert [head, first[:12], third[:9]] == [HEAD, "SimpleModel ", "AuxModel "]
    assert re.fullmatch(r"WSModel diverged.* Lower LEARNING_RATE.*\.", second)


def test_an_error_of_the_user_is_one_message(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the first round, before anything is trained."""
    monkeypatch.setattr(helpers, "NB_TRAIN_PAIRS", 29990)
    monkeypatch.setattr(main_job, "load_round", lambda r: helpers.load_round(1000 + r, validation=True))
    with pytest.raises(SystemExit) as caught:
        main_job.main()
    assert caught.value.code == "error: 50 pairs of 20 images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS."
    assert HEAD not in capfd.readouterr().out


def test_what_is_trained_in_this_process(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """One network in one round, where a debugger works, and those on a GPU. Of two rounds, none: no pool can be had."""
    jobs, genuine = main_job.networks(0), main_job.networks
    monkeypatch.setattr(main_job, "ProcessPoolExecutor", None)
    monkeypatch.setattr(main_job, "networks", lambda nb_round: genuine(nb_round)[:1])
    assert [result.name for result in main_job.main()] == ["SimpleModel"]
    monkeypatch.setattr(helpers, "NB_ROUNDS", 2)
    with pytest.raises(TypeError):
        main_job.main()
    monkeypatch.setattr(main_job, "outcome_of", lambda nb_round, place: (nb_round, place))
    monkeypatch.setattr(helpers, "DEVICE", torch.device("cuda"))
    assert list(main_job.outcomes_of(jobs)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_the_exploration_classes_run_when_their_lines_are_uncommented() -> None:
    """As Python reads them: each network with its own training function, settings, and classes if it is given them."""
    text = (ROOT / "test.py").read_text(encoding="utf-8").replace("# partial(run", "partial(run")
    calls = [
        [ast.unparse(argument) for argument in [*node.args, *(keyword.value for keyword in node.keywords)]]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node).startswith("partial(run, ")
    ]
    assert calls == [
        ["run", "data", "SimpleModel", "train_model"],
        ["run", "data", "WSModel", "train_model_WS"],
        ["run", "data", "WSModel1", "train_model_WS", "WSModel1.settings"],
        ["run", "data", "AuxModel", "train_model_AM", "data.train_classes"],
        ["run", "data", "AuxModel1", "train_model_AM", "data.train_classes", "AuxModel1.settings"],
    ]


def test_the_figure_has_the_format_of_its_suffix_and_leaves_the_session_alone(
    main_job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":9")  # a screen, but nobody who ran this file
    monkeypatch.setenv("MPLBACKEND", "module://no_such_backend")
    before = set(sys.modules), dict(os.environ)
    main_job.plot_losses([result(f"Network{n}", 0, 1) for n in range(12)], tmp_path / "a figure.pdf")
    assert (tmp_path / "a figure.pdf").read_bytes().startswith(b"%PDF")
    assert dict(os.environ) == before[1]
    assert "matplotlib.backends.backend_tkagg" not in set(sys.modules) - before[0]


def test_every_network_is_drawn_in_its_own_colour(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.drawing import COLOURS, MARKERS
    from matplotlib.axes import Axes

    drawn: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Axes, "plot", lambda _, x, y, **style: drawn.append((list(x), y, style)))
    monkeypatch.setattr(Axes, "legend", lambda _: None)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
    names = [*main_job.COLOURS, "Own", "Another"]
    main_job.plot_losses([result(name, r, 1) for r in (3, 4) for name in names])
    assert [style["label"] for *_, style in drawn] == [*names, *[None] * 7]
    assert [style["color"] for *_, style in drawn[:6]] == [*main_job.COLOURS.values(), None]
    assert [line[:2] for line in drawn] == [([1, 2], [2.0, 1.0])] * 14
    assert {network.name: colour for network, colour in COLOURS.items()} == main_job.COLOURS
    assert {network.name: marker for network, marker in MARKERS.items()} == main_job.MARKERS


# ---- The same digits on every x86-64 processor, and on a GPU in every run --------------------------------------------

OURS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}


@pytest.mark.skipif(not SAME_DIGITS, reason="not an x86-64 processor with AVX2")
def test_the_instructions_are_ours_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch reads the variables when it first computes. On a GPU, algorithms that repeat, or a warning: 1."""
    assert [os.environ[name] for name in OURS] == list(OURS.values())
    assert (torch.get_deterministic_debug_mode(), torch.backends.cpu.get_cpu_capability()) == (0, "AVX2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in (*OURS, "CUBLAS_WORKSPACE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_CBWR", "AUTO")  # a user's
    try:
        on_gpu = load_module(monkeypatch, "helpers_on_gpu", ROOT / "helpers.py")
        assert (on_gpu.DEVICE.type, torch.get_deterministic_debug_mode()) == ("cuda", 1)
        found = [os.environ[name] for name in (*OURS, "CUBLAS_WORKSPACE_CONFIG")]
        assert found == ["avx2", "AVX2", "AUTO", ":4096:8"]
    finally:
        torch.set_deterministic_debug_mode(0)


# ---- The real command ------------------------------------------------------------------------------------------------


def test_a_default_run_prints_what_the_docstring_says(runs: Runs) -> None:
    status, output, errors = runs["default"].result()
    assert (status, errors) == (0, "")
    wanted, found = lines_of(documented()), lines_of(output)
    if SAME_DIGITS:
        assert found == wanted
    for said, got in zip(wanted, found, strict=True):
        assert (got["name"], got["parameters"]) == (said["name"], said["parameters"])
        assert float(got["first"]) == pytest.approx(float(said["first"]), abs=FIRST_LOSS)
        assert float(got["last"]) == pytest.approx(float(said["last"]), abs=LAST_LOSS)
        assert float(got["accuracy"]) == pytest.approx(float(said["accuracy"]), abs=ACCURACY)
        assert got["accuracy"] == f"{100 - int(got['wrong']) / 10:.1f}"  # of 1000 pairs
    assert {len(line) for line in output.splitlines()} == {len(HEAD)}
    assert documented() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_any_network_works_and_everything_can_be_used_again(runs: Runs, method: str) -> None:
    """A class of test.py, one of a function, a lambda and a partial; the same numbers from either kind of process."""
    status, output, errors = runs[method].result()
    assert status == 0, errors
    assert "Error" not in errors
    lines = output.splitlines()
    expected = {"loaded": "[]", "counted": "True", "alone": "[True, True]"}
    if SAME_DIGITS:
        expected["instructions"] = "DEFAULT"  # the user's, not AVX2
    names = ["Own", "Local"]
    if method == "fork":
        expected["again"] = f"{[(number, 2) for number in (0, 0, 0, 0, 1, 1, 1, 1)]} True"
        names = ["Own", "WSModel", "Local", "AuxModel"]
    said = dict(line.split(" ", 1) for line in lines if line.split(" ")[0] in expected)
    assert said == expected
    results = [re.sub(r" +\d+\.\d$", "", line) for line in lines[: len(names) + 1]]  # without seconds
    assert [line.split()[0] for line in results] == ["network", *names]
    assert set(results) <= {re.sub(r" +\d+\.\d$", "", line) for line in runs["fork"].result()[1].splitlines()}


@needs_signals
def test_how_a_run_ends(runs: Runs) -> None:
    """At once, with every process gone, and no word but where the system killed one."""
    assert runs["Ctrl-C"].result() == (130, "", "")
    assert runs["killed"].result() == (-signal.SIGKILL, "", "")
    said = "error: a process was killed, most often because memory ran out. Close other programs.\n"
    assert runs["child killed"].result() == (1, "", said)
    assert runs["head"].result() == (1, f"{HEAD}\n", "")
    status, output, errors = runs["Ctrl-C while starting"].result()
    assert status in (130, -signal.SIGINT)
    assert (output in ("", f"{HEAD}\n"), errors) == (True, "")
