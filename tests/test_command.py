"""`python test.py` itself, run in copies of the checkout; what it prints, its processes, and how it ends."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import psutil
import pytest
import torch
from conftest import LIMIT, ROOT, SAME_DIGITS, Checkout

import helpers
from helpers import DivergenceError, Result
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, train_model_WS

HEAD = "network      parameters  first loss  last loss  test accuracy  wrong  seconds"
LINE = re.compile(
    r"^(?P<name>\w+) +(?P<parameters>[\d,]+) +(?P<first>\d\.\d{4}) +(?P<last>\d\.\d{4})"
    r" +(?P<accuracy>[\d.]+) % +(?P<wrong>\d+) +\d+\.\d$"
)
FIRST_LOSS, LAST_LOSS, ACCURACY = 0.01, 0.03, 3.0  # what another processor may change by rounding


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


# ---- In this process -------------------------------------------------------------------------------------------------


def result(name: str, nb_round: int, nb_wrong: int, *bases: str) -> Result:
    """Return an invented result of 200 test pairs."""
    return Result((name, *bases), nb_round, 1234, [2.0, 1.0], nb_wrong, 200, 1.25, None)


def test_rounds_come_in_order_and_are_those_of_the_networks_alone(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(helpers, "NB_ROUNDS", 3)
    results = main_job.main(main_job.networks)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"round  {HEAD}"
    names = ["SimpleModel", "WSModel", "AuxModel"]
    assert [(int(line[:5]), line[7:].split()[0]) for line in lines[1:10]] == [(r, n) for r in range(3) for n in names]
    assert [(each.nb_round, each.name, each.model) for each in results] == [
        (r, n, None) for r in range(3) for n in names
    ]
    for number in range(3):
        data = helpers.load_round(number)
        for found, make, function in zip(
            results[3 * number :], (SimpleModel, WSModel), (train_model, train_model_WS), strict=False
        ):
            alone = helpers.run(data, make, function)
            assert (found.losses, found.nb_wrong) == (alone.losses, alone.nb_wrong)
    assert lines[10] == ""
    assert lines[11].split("  ")[-4:] == ["difference", "wins", "ties", "losses"]
    assert [line.split()[0] for line in lines[12:]] == names


def test_the_summary_by_hand(main_job: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 200 pairs one is half a point. Round 2 of WSModel diverged."""
    outcomes: list[Any] = [result("SimpleModel", 0, 40), result("WSModel", 0, 30)]
    outcomes += [result("SimpleModel", 1, 44), result("WSModel", 1, 46)]
    outcomes += [result("SimpleModel", 2, 42), DivergenceError("it diverged")]
    outcomes += [result("SimpleModel", 3, 38), result("WSModel", 3, 38)]
    main_job.print_summary(outcomes, 2)
    assert capsys.readouterr().out.splitlines()[2:] == [
        "SimpleModel       4        79.50 %       1.29",  # 80, 78, 79, 81: the root of 5 / 3
        "WSModel           3        81.00 %       4.00  SimpleModel         +1.33     1     1       1",  # 5, -1, 0
    ]


OTHERS = {  # what each network of a list is compared with, the names of base classes after its own
    "the base network that its class is derived from": (["SimpleModel", "WSModel", "Own WSModel"], "WSModel"),
    "that of an exploration class": (["SimpleModel", "WSModel", "Own WSModel1 WSModel"], "WSModel"),
    "that of the base network in whose place it stands": (["AuxModel", "SimpleModel", "Own WSModel"], "SimpleModel"),
    "else the first": (["AuxModel WSModel", "WSModel", "Own Module"], "AuxModel"),
    "AuxModel has a difference, too": (["SimpleModel", "Own Module", "AuxModel WSModel"], "SimpleModel"),
    "the first of a name": (["SimpleModel", "WSModel", "WSModel", "AuxModel WSModel"], "WSModel"),
    "one of the same name": (["SimpleModel", "WSModel", "WSModel"], "SimpleModel"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_a_network_is_compared_with(main_job: ModuleType, capsys: pytest.CaptureFixture[str], case: str) -> None:
    names, other = OTHERS[case]
    parts = map(str.split, names)
    main_job.print_summary([result(name, 0, 20, *bases) for name, *bases in parts], len(names))
    *_, line = capsys.readouterr().out.splitlines()
    assert line.split("nan  ")[1].split()[0] == other
    assert line.startswith("WSModel 2 ") == (case == "one of the same name")


def test_a_network_that_diverges_leaves_the_others_their_lines_and_the_figure(
    main_job: ModuleType, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def networks(nb_round: int) -> list[Any]:
        first, second, third = main_job.networks(nb_round)
        return [first, partial(second, learning_rate=1e30), third]

    results = main_job.main(networks)
    head, first, second, third = capfd.readouterr().out.splitlines()
    assert [head, first[:12], third[:9]] == [HEAD, "SimpleModel ", "AuxModel "]
    assert re.fullmatch(r"WSModel diverged.* Lower LEARNING_RATE.*\.", second)
    assert [each.name for each in results] == ["SimpleModel", "AuxModel"]
    main_job.plot_losses(results, tmp_path / "a figure.pdf")
    assert (tmp_path / "a figure.pdf").read_bytes().startswith(b"%PDF")
    assert main_job.main(lambda nb_round: []) == []


def test_an_error_of_the_user_is_one_message(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the first round, before anything is trained; or of a network, in its process."""
    with pytest.raises(SystemExit) as caught:
        main_job.main(
            lambda _: [lambda: helpers.run(helpers.load_round(0), SimpleModel, train_model_WS, balance=1.0)] * 2
        )
    assert str(caught.value.code).startswith("error: SimpleModel.forward must return (scores, digit_scores)")
    monkeypatch.setattr(helpers, "NB_TRAIN_PAIRS", 29990)
    capfd.readouterr()
    with pytest.raises(SystemExit) as caught:
        main_job.main(lambda r: [helpers.load_round(1000 + r, validation=True)])
    assert caught.value.code == "error: 50 pairs, but only 20 images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS."
    assert HEAD not in capfd.readouterr().out


def test_a_process_that_cannot_be_started_is_told(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since only few are allowed: fork says EAGAIN."""
    fork = Mock(Pipe=main_job.FORK.Pipe)
    fork.Process.return_value.start.side_effect = BlockingIOError(11, "Resource temporarily unavailable")
    monkeypatch.setattr(main_job, "FORK", fork)
    with pytest.raises(SystemExit) as caught:
        main_job.main(main_job.networks)
    assert str(caught.value.code).startswith("error: a network's process cannot be started: [Errno 11] ")


def test_what_is_trained_in_this_process(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """One network in one round, where a debugger works; those on a GPU; all where there is no fork."""
    processes: list[int] = []

    def networks(_: int) -> list[Any]:
        return [lambda: (processes.append(os.getpid()), result("Own", 0, 1))[1]] * 2

    main_job.main(networks)
    assert processes == []
    main_job.main(lambda r: networks(r)[:1])
    assert processes == [os.getpid()]
    with monkeypatch.context() as patch:
        patch.setattr(helpers, "DEVICE", torch.device("cuda"))
        main_job.main(networks)
    monkeypatch.setattr(main_job, "FORK", None)
    main_job.main(networks)
    assert processes == [os.getpid()] * 5


def test_as_many_processes_as_cores_or_networks(main_job: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the cores that this process may use."""
    started: list[int] = []
    genuine = main_job.FORK.Process
    spy = lambda **options: (started.append(len(psutil.Process().children())), genuine(**options))[1]  # noqa: E731
    monkeypatch.setattr(main_job, "FORK", type("Fork", (), {"Process": staticmethod(spy), "Pipe": main_job.FORK.Pipe}))
    job = lambda: (time.sleep(0.3), result("Own", 0, 1))[1]  # noqa: E731
    for cores, nb_networks, most in ((1, 2, 2), (4, 2, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        monkeypatch.setattr(helpers, "NB_ROUNDS", 3)
        started.clear()
        assert len(main_job.main(lambda _, n=nb_networks: [job] * n)) == 3 * nb_networks
        assert max(started) == most - 1


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


def test_a_network_has_one_label_and_the_same_colour_everywhere(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the user's own has PyPlot's next colour."""
    from common.plotting import STYLES
    from matplotlib.axes import Axes

    drawn: list[Any] = []
    monkeypatch.setattr(Axes, "plot", lambda *_, **style: drawn.append(style))
    monkeypatch.setattr(Axes, "legend", lambda _: None)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
    main_job.plot_losses([result(name, r, 1) for r in (3, 4) for name in ("WSModel", "Own")])
    assert [style["label"] for style in drawn] == ["WSModel", "Own", None, None]
    assert [(style["color"], style["marker"]) for style in drawn[:2]] == [main_job.STYLES["WSModel"], (None, ".")]
    assert {network.name: style for network, style in STYLES.items()} == main_job.STYLES


# ---- The real command, each in a copy --------------------------------------------------------------------------------

OWN = """
def warm():
    print("warming up", flush=True)
    return run(load_round(5, nb_train_pairs=20, nb_test_pairs=10), WSModel, train_model_WS, nb_epochs=1).model


def networks(nb_round):
    data = load_round(nb_round)
    class Local(SimpleModel):
        def forward(self, pairs):
            print("pairs", *pairs.shape)
            return super().forward(pairs)
    return [
        lambda: run(data, Local, train_model),
        partial(run, data, make=warm, train_function=train_model_WS),
        partial(run, data, partial(AuxModel, hidden=30), train_model_AM, data.train_classes),
    ]


helpers.torch.set_num_threads(2)
helpers.torch.ones(2000, 2000) @ helpers.torch.ones(2000, 2000)  # in threads that a process does not inherit
"""


def quick(folder: Path, **settings: Any) -> Checkout:
    """Return a copy whose networks train for an epoch on few pairs."""
    checkout = Checkout(folder / "clone")
    checkout.set(**{"NB_EPOCHS": 1, "NB_TRAIN_PAIRS": 200, "NB_TEST_PAIRS": 50, **settings})
    return checkout


def test_a_default_run_prints_what_the_docstring_says(tmp_path: Path) -> None:
    """With its last line uncommented, in a folder with a space; it leaves nothing but its figure."""
    checkout = Checkout(tmp_path / "a clone")
    checkout.edit("test.py", "    # plot_losses(results)", "    plot_losses(results)")
    before = checkout.files()
    status, output, errors = checkout.run(MPLBACKEND="module://no_such_package.backend_inline")  # as from a notebook
    assert (status, errors) == (0, "")
    figure = checkout.folder / "losses.png"
    output, path = output.split("figure: ")
    assert path == f"{figure}\n"
    wanted, found = lines_of(documented()), lines_of(output)
    if SAME_DIGITS:
        assert found == wanted
        assert figure.read_bytes() == (ROOT / "report" / "figures" / "losses.png").read_bytes()
    for said, got in zip(wanted, found, strict=True):
        assert (got["name"], got["parameters"]) == (said["name"], said["parameters"])
        assert float(got["first"]) == pytest.approx(float(said["first"]), abs=FIRST_LOSS)
        assert float(got["last"]) == pytest.approx(float(said["last"]), abs=LAST_LOSS)
        assert float(got["accuracy"]) == pytest.approx(float(said["accuracy"]), abs=ACCURACY)
        assert got["accuracy"] == f"{100 - int(got['wrong']) / 10:.1f}"  # of 1000 pairs
    assert {len(line) for line in output.splitlines()} == {len(HEAD)}
    assert documented() in (ROOT / "README.md").read_text(encoding="utf-8")
    benchmark = json.loads((ROOT / "report" / "results" / "benchmark.json").read_text(encoding="utf-8"))
    assert documented().splitlines() == benchmark["printed"]  # beside README's sentence on speed
    figure.unlink()
    assert checkout.files() == before


def test_any_network_works_and_what_it_prints_is_there(tmp_path: Path) -> None:
    """A class of a function, a lambda, a partial, keywords, a network trained before, once; threads in the parent.

    In a pipe, with a profiler, where nothing can be written but the output; then typed on in the same session.
    """
    checkout = quick(tmp_path)
    checkout.edit(
        "test.py", "    results = main(networks)", f"{textwrap.indent(OWN, '    ')}\n    results = main(networks)"
    )
    typed = "print([r.name for r in results])\nagain = main(networks)\n"
    typed += "print([a[:6] == r[:6] for a, r in zip(again, results)])"
    status, output, errors = checkout.run("-i", typed=f"{typed}\n", TMPDIR="/nothing/there")
    assert status == 0, errors
    lines = output.splitlines()
    assert lines.count("warming up") == 2  # once in each run
    assert lines.count("pairs 100 2 14 14") == 2 * 2
    assert lines.count("pairs 50 2 14 14") == 2
    assert "['Local', 'WSModel', 'AuxModel']" in lines
    assert "[True, True, True]" in lines
    names = [line.split()[0] for line in lines if re.match(r"(?!pairs)\w+ +\d", line)]
    assert names == ["Local", "WSModel", "AuxModel"] * 2
    status, profiled, errors = checkout.run("-m", "cProfile")
    assert (status, errors) == (0, "")
    assert profiled.count("pairs 100 2 14 14") == 2


MISTAKES = {
    "a name": ("return self.no_such_thing(pairs)", r"AttributeError: .*no_such_thing"),
    "an exception of two arguments": (
        "raise type('Two', (Exception,), {'__init__': lambda self, a, b: None})(1, 2)",
        "Two",
    ),
    "an exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_at_once_with_its_file_and_line(tmp_path: Path, mistake: str) -> None:
    """As one traceback, whatever the networks before it do."""
    checkout = quick(tmp_path)
    code, message = MISTAKES[mistake]
    checkout.edit("test.py", "SimpleModel, train_model)", "SimpleModel, train_model, nb_epochs=10**6)")
    own = f"class Own(WSModel):\n    def forward(self, pairs):\n        {code}\n\n\n"
    checkout.edit("test.py", "def networks(", f"{own}def networks(")
    checkout.edit("test.py", "data, WSModel, train_model_WS)", "data, Own, train_model_WS)")
    status, output, errors = checkout.run()
    assert (status, output) == (1, f"{HEAD}\n")
    assert errors.count("Traceback") == 1
    assert re.search(rf'test\.py", line \d+, in forward\n.*\n(\S*\.)?{message}', errors, re.DOTALL), errors


def to_all(process: psutil.Process, children: list[psutil.Process], number: int) -> None:
    for each in [*children, process]:
        each.send_signal(number)


KILLED = "error: a process was killed, most often because memory ran out.\n"
ENDINGS = {
    "Ctrl-C": (lambda process, children: to_all(process, children, signal.SIGINT), -signal.SIGINT, ""),
    "SIGINT": (lambda process, _: process.send_signal(signal.SIGINT), -signal.SIGINT, ""),
    "SIGTERM": (lambda process, _: process.terminate(), -signal.SIGTERM, ""),
    "SIGKILL": (lambda process, _: process.kill(), -signal.SIGKILL, ""),
    "a child's SIGKILL": (lambda _, children: children[0].kill(), 1, KILLED),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no processes")
@pytest.mark.parametrize(("how", "when"), [*((how, "after a line") for how in ENDINGS), ("Ctrl-C", "while training")])
def test_how_a_run_ends(tmp_path: Path, how: str, when: str) -> None:
    """At once, with every process gone, and no word but where the system killed one of the networks' processes."""
    end, status, said = ENDINGS[how]
    checkout = quick(tmp_path)
    endless = "WSModel, train_model_WS" if when == "after a line" else "SimpleModel, train_model"
    checkout.edit("test.py", f"{endless})", f"{endless}, nb_epochs=10**6)")
    with checkout.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{HEAD}\n"
        if when == "after a line":
            assert process.stdout.readline().startswith("SimpleModel ")
        parent = psutil.Process(process.pid)
        children = wait_for_children(parent)
        end(parent, children)
        output, errors = process.communicate(timeout=LIMIT / 4)
        assert psutil.wait_procs(children, timeout=LIMIT / 4)[1] == []
    assert (process.returncode, errors) == (status, said)
    assert "Traceback" not in output


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no processes")
def test_ctrl_c_ends_the_training_and_not_the_session(tmp_path: Path) -> None:
    """After `python -i`, as in a notebook."""
    checkout = quick(tmp_path)
    checkout.edit("test.py", "WSModel, train_model_WS)", "WSModel, train_model_WS, nb_epochs=10**6)")
    with checkout.start("-i", stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{HEAD}\n"
        children = wait_for_children(psutil.Process(process.pid))
        to_all(psutil.Process(process.pid), children, signal.SIGINT)
        output, errors = process.communicate("print('still here')\n", timeout=LIMIT / 4)
        assert psutil.wait_procs(children, timeout=LIMIT / 4)[1] == []
    assert output.endswith("still here\n")
    assert "KeyboardInterrupt" in errors


def wait_for_children(parent: psutil.Process) -> list[psutil.Process]:
    """Return the processes of the networks that are being trained, once the kernel is asked to end them."""
    deadline = time.time() + LIMIT / 4
    while not (children := [each for each in parent.children() if each.cpu_times().user > 0.1]):
        assert time.time() < deadline
        time.sleep(0.05)
    return children


def test_an_end_while_pytorch_is_loaded_and_a_reader_that_is_gone(tmp_path: Path) -> None:
    checkout = quick(tmp_path)
    with checkout.start() as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, errors) == (-signal.SIGINT, "")
    assert output in ("", f"{HEAD}\n")
    with checkout.start() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == f"{HEAD}\n"
        process.stdout.close()  # as head does
        assert (process.wait(LIMIT), process.stderr.read()) == (1, "")
