"""`python test.py` itself, run in copies of the checkout, and what every command does before it computes."""

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
import torch
from conftest import ROOT, Checkout, environment_of_a_user

import helpers

HEAD = "network      parameters  first loss  last loss  test accuracy  wrong  seconds"
LINE = re.compile(
    r"^(?P<name>\w+) +(?P<parameters>[\d,]+) +(?P<first>\d\.\d{4}) +(?P<last>\d\.\d{4})"
    r" +(?P<accuracy>[\d.]+) % +(?P<wrong>\d+) +\d+\.\d$"
)
SAME_DIGITS = bool(torch.cpu.get_capabilities().get("avx2"))  # x86-64 with AVX2
FIRST_LOSS, LAST_LOSS, ACCURACY = 0.01, 0.03, 3.0  # what another processor may change by rounding


def networks(output: str) -> list[dict[str, str]]:
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


@pytest.fixture(scope="module")
def default_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("default") / "clone")


@pytest.fixture(scope="module")
def default_run(default_checkout: Checkout) -> str:
    """The output of a default run without a network; it leaves the checkout as it was."""
    before = default_checkout.files()
    status, output, errors = default_checkout.run()
    assert (status, errors) == (0, "")
    assert default_checkout.files() == before
    return output


@pytest.fixture(scope="module")
def quick_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Exit status, output and errors of runs of one epoch in one checkout, by where their output goes."""
    checkout = Checkout(tmp_path_factory.mktemp("quick") / "clone")
    checkout.set(NB_EPOCHS=1)

    def run(redirect: str) -> tuple[int, str, str]:
        if redirect != "| head -1":
            return checkout.run(redirect=redirect)
        with checkout.start() as process:
            assert process.stdout is not None
            assert process.stderr is not None
            head = process.stdout.readline()
            process.stdout.close()
            return process.wait(600), head, process.stderr.read()

    with ThreadPoolExecutor(2) as pool:
        redirects = ("", "| head -1", ">/dev/full", ">&-", "2>&-")
        return dict(zip(redirects, pool.map(run, redirects), strict=True))


@pytest.fixture(scope="module")
def plain(quick_runs: dict[str, tuple[int, str, str]]) -> list[dict[str, str]]:
    """What a run of one epoch prints of each network."""
    status, output, errors = quick_runs[""]
    assert (status, errors) == (0, "")
    return networks(output)


# ---------------------------------------------------------------------------------------------------------------------
# Results


def test_a_default_run_prints_what_the_docstring_says(default_run: str) -> None:
    wanted, found = networks(documented()), networks(default_run)
    assert [network["name"] for network in found] == ["SimpleModel", "WSModel", "AuxModel"]
    if SAME_DIGITS:
        assert found == wanted
    for said, got in zip(wanted, found, strict=True):
        assert got["parameters"] == said["parameters"]
        assert float(got["first"]) == pytest.approx(float(said["first"]), abs=FIRST_LOSS)
        assert float(got["last"]) == pytest.approx(float(said["last"]), abs=LAST_LOSS)
        assert float(got["accuracy"]) == pytest.approx(float(said["accuracy"]), abs=ACCURACY)


def test_readme_shows_the_same_run_as_the_docstring() -> None:
    assert documented() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_accuracy_agrees_with_the_count_and_the_columns_are_aligned(default_run: str) -> None:
    for network in networks(default_run):
        assert network["accuracy"] == f"{100 - int(network['wrong']) / 10:.1f}"  # of 1000 pairs
    assert {len(line) for line in default_run.splitlines()} == {len(HEAD)}


def test_all_networks_learn_and_the_auxiliary_loss_helps(default_run: str) -> None:
    simple, sharing, auxiliary = (float(network["accuracy"]) for network in networks(default_run))
    assert 75 < simple < auxiliary
    assert 75 < sharing < auxiliary


def test_an_old_processed_folder_changes_nothing(quick: Checkout, plain: list[dict[str, str]]) -> None:
    """torchvision before 0.5 wrote its tensors there, and later ones read them unchecked."""
    processed = quick.raw.parent / "processed"
    processed.mkdir()
    for name, number in (("training.pt", 60000), ("test.pt", 10000)):
        torch.save((torch.zeros(number, 28, 28, dtype=torch.uint8), torch.zeros(number).long()), processed / name)
    before = quick.files()
    status, output, errors = quick.run()
    assert (status, errors) == (0, "")
    assert networks(output) == plain
    assert quick.files() == before


def test_another_seed_gives_other_results(quick: Checkout, plain: list[dict[str, str]]) -> None:
    quick.set(SEED=1)
    status, output, _ = quick.run()
    assert status == 0
    for other, network in zip(networks(output), plain, strict=True):
        assert other["name"] == network["name"]
        assert other["first"] != network["first"]


def test_a_network_alone_gives_what_it_gives_beside_the_others(quick: Checkout, plain: list[dict[str, str]]) -> None:
    lines = (quick.folder / "test.py").read_text(encoding="utf-8").splitlines(keepends=True)
    others = ("        start(run, data, SimpleModel", "        start(run, data, WSModel")
    kept = [line for line in lines if not line.startswith(others)]
    assert len(kept) == len(lines) - 2
    (quick.folder / "test.py").write_text("".join(kept), encoding="utf-8")
    status, output, _ = quick.run()
    assert status == 0
    assert networks(output) == plain[2:]


def test_the_exploration_classes_run_when_their_lines_are_uncommented(
    quick: Checkout, plain: list[dict[str, str]]
) -> None:
    quick.uncomment("start(run, data, WSModel1")
    quick.uncomment("start(run, data, AuxModel1")
    status, output, errors = quick.run()
    assert (status, errors) == (0, "")
    found = networks(output)
    assert [network["name"] for network in found] == ["SimpleModel", "WSModel", "WSModel1", "AuxModel", "AuxModel1"]
    assert [network for network in found if not network["name"].endswith("1")] == plain


# ---------------------------------------------------------------------------------------------------------------------
# What a user may do, and what a machine may lack


def test_from_another_folder_without_home(quick: Checkout, tmp_path: Path, plain: list[dict[str, str]]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o500)
    status, output, errors = quick.run(cwd=elsewhere, without=("HOME", "USERPROFILE", "XDG_CONFIG_HOME"))
    assert (status, errors) == (0, "")
    assert networks(output) == plain
    assert list(elsewhere.iterdir()) == []


def test_a_missing_gz_without_a_network(quick: Checkout) -> None:
    gz = quick.raw / "t10k-labels-idx1-ubyte.gz"
    gz.unlink()
    before = quick.files()
    status, output, errors = quick.run()
    assert (status, output) == (1, "")
    assert errors.startswith(f"error: {gz} is missing and cannot be downloaded (")
    assert "Restore it" in errors
    assert "run again online" in errors
    assert errors.count("\n") == 1
    assert quick.files() == before


def test_a_learning_rate_that_is_too_high(quick: Checkout) -> None:
    """One step: the loss is computed before it, and is finite."""
    quick.set(LEARNING_RATE=1e38, MINI_BATCH_SIZE=1000)
    status, output, errors = quick.run()
    assert (status, output) == (1, f"{HEAD}\n")
    assert re.fullmatch(r"error: SimpleModel diverged.* not finite\. Lower LEARNING_RATE.*\n", errors)


@pytest.mark.parametrize(("redirect", "reason"), [("| head -1", "Broken pipe"), (">/dev/full", "No space left")])
def test_output_that_cannot_be_written(quick_runs: dict[str, tuple[int, str, str]], redirect: str, reason: str) -> None:
    if redirect == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    status, output, errors = quick_runs[redirect]
    assert status == 1
    assert output == (f"{HEAD}\n" if redirect == "| head -1" else "")
    assert re.fullmatch(rf"error: the results cannot be printed: .*{reason}.*\n", errors)


def test_output_that_is_closed(quick_runs: dict[str, tuple[int, str, str]], plain: list[dict[str, str]]) -> None:
    assert quick_runs[">&-"] == (0, "", "")
    status, output, errors = quick_runs["2>&-"]
    assert (status, errors) == (0, "")
    assert networks(output) == plain


@pytest.mark.parametrize(
    ("variables", "without"),
    [
        # what a notebook hands to `python test.py`, and a home in which matplotlib can keep nothing
        ({"MPLBACKEND": "module://matplotlib_inline.backend_inline", "HOME": "/dev/null/home"}, ()),
        ({"PYTHONIOENCODING": "ascii"}, ("HOME",)),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, ()),
    ],
)
def test_the_plot_line_without_a_screen(
    tmp_path: Path, plain: list[dict[str, str]], variables: dict[str, str], without: tuple[str, ...]
) -> None:
    """In a folder whose name the console cannot always show."""
    checkout = Checkout(tmp_path / "Übung")
    checkout.set(NB_EPOCHS=1)
    checkout.uncomment("plot_losses(results)")
    before = checkout.files()
    not_homes = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR")
    status, output, errors = checkout.run(without=(*not_homes, *without), **variables)
    assert (status, errors) == (0, "")
    *table, figure = output.splitlines()
    assert figure.startswith("figure: ")
    assert figure.endswith(f"{os.sep}losses.png")
    if "MPLBACKEND" in variables:
        assert figure == f"figure: {checkout.folder / 'losses.png'}"
    assert (checkout.folder / "losses.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert set(checkout.files()) - set(before) == {"losses.png"}
    assert networks("\n".join(table)) == plain  # drawing changes no result


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
class TestCtrlC:
    def test_in_training(self, quick: Checkout) -> None:
        text = (quick.folder / "test.py").read_text(encoding="utf-8")
        line = "WSModel, train_model_WS"
        assert text.count(f"{line})") == 1
        text = text.replace(f"{line})", f"{line}, nb_epochs=10**6)")
        (quick.folder / "test.py").write_text(text, encoding="utf-8")
        process = quick.start()
        guard = threading.Timer(300, process.kill)
        guard.start()
        assert process.stdout is not None
        assert process.stdout.readline() == f"{HEAD}\n"
        assert process.stdout.readline().startswith("SimpleModel ")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
        guard.cancel()
        assert process.returncode == 130
        assert errors == "\nInterrupted. Finished: SimpleModel.\n"
        assert output == ""

    @pytest.mark.parametrize("seconds", [0.5, 1.5])
    def test_while_starting(self, checkout: Checkout, seconds: float) -> None:
        process = checkout.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert process.returncode in (130, -signal.SIGINT)
        assert output in ("", f"{HEAD}\n")
        assert errors in ("", "\nInterrupted. Finished: no network.\n")


@pytest.fixture
def main_job() -> Iterator[ModuleType]:
    """test.py as a module."""
    spec = importlib.util.spec_from_file_location("main_job", ROOT / "test.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    helpers.STOP.clear()


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("NB_EPOCHS", 0, "a whole number of at least 1"),
        ("NB_EPOCHS", "50", "a whole number of at least 1"),
        ("MINI_BATCH_SIZE", 2.5, "a whole number of at least 1"),
        ("LEARNING_RATE", -1, "a finite number above 0"),
        ("LEARNING_RATE", 0, "a finite number above 0"),
        ("NB_TRAIN_PAIRS", 30001, "a whole number from 1 to 30000"),
        ("NB_TEST_PAIRS", 5001, "a whole number from 1 to 5000"),
        ("AUX_WEIGHT", -0.5, "a finite number of at least 0"),
        ("SEED", None, "a whole number of at least 0"),
    ],
)
def test_an_invalid_setting_ends_the_command_before_anything_is_done(
    main_job: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: object,
    allowed: str,
) -> None:
    monkeypatch.setattr(helpers, setting, value)
    monkeypatch.setattr(main_job, "load_round", None)  # not reached
    with pytest.raises(SystemExit) as caught:
        main_job.main()
    assert caught.value.code == f"error: {setting} = {value!r}: it must be {allowed}."
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("closed", [False, True])  # whether there are no standard errors
def test_what_is_still_being_trained_ends_with_the_command(
    main_job: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], closed: bool
) -> None:
    def interrupted(_: helpers.Round) -> Iterator[helpers.Result]:
        assert not helpers.STOP.is_set()
        yield helpers.Result("First", 7, [2.0, 1.0], 3, 10, 0.1, torch.nn.Identity())
        raise KeyboardInterrupt

    helpers.STOP.set()  # as an earlier call in the same session leaves it
    monkeypatch.setattr(main_job, "train_networks", interrupted)
    if closed:
        monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as caught:
        main_job.main()
    assert caught.value.code == 130
    assert helpers.STOP.is_set()
    output, errors = capsys.readouterr()
    assert [line.split()[:7] for line in output.splitlines()[1:]] == [
        ["First", "7", "2.0000", "1.0000", "70.0", "%", "3"]
    ]
    assert errors == ("" if closed else "\nInterrupted. Finished: First.\n")


# ---------------------------------------------------------------------------------------------------------------------
# The same digits on every x86-64 processor

# Runs a file as a module that is imported, in a process of its own, and says which instructions PyTorch then uses.
# PyTorch decides that when it first computes: too early, and the variables that helpers sets do nothing.
IMPORTED = """
import os, runpy, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
runpy.run_path(sys.argv[1], run_name="imported")
import torch
print("matplotlib" in sys.modules, torch.backends.cpu.get_cpu_capability(), *map(os.environ.get, sys.argv[2:]))
"""
OURS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
USERS = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "AUTO"}
COMMANDS = ["test.py", "report/study.py", "report/build.py", "report/verify.py", "report/benchmark.py"]


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """What each command has done once it is imported, and test.py where the user has values of the variables."""

    def run(command: str) -> list[str]:
        name, _, user = command.partition(" ")
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, str(ROOT / name), *OURS],
            capture_output=True,
            env=environment_of_a_user(**(USERS if user else {})),
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    commands = [*COMMANDS, "helpers.py with the user's values"]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(commands, pool.map(run, commands), strict=True))


@pytest.mark.skipif(not SAME_DIGITS, reason="not an x86-64 processor with AVX2")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_computes_before_its_instructions_are_chosen(imported: dict[str, list[str]], command: str) -> None:
    assert imported[command][1:] == ["AVX2", *OURS.values()]


@pytest.mark.skipif(not SAME_DIGITS, reason="not an x86-64 processor with AVX2")
def test_a_users_own_choice_of_instructions_is_kept(imported: dict[str, list[str]]) -> None:
    assert imported["helpers.py with the user's values"][1:] == ["DEFAULT", *USERS.values()]


def test_matplotlib_is_not_loaded_unless_it_draws(imported: dict[str, list[str]]) -> None:
    assert imported["test.py"][0] == "False"
