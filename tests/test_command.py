"""`python test.py` itself, run in fresh copies of the checkout."""

import ast
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, Checkout, without_seconds

LINE = re.compile(
    r"^(?P<name>\w+): (?P<parameters>[\d,]+) parameters\n"
    r"  loss at the first epoch  (?P<first>\d\.\d{4})\n"
    r"  loss at the last epoch   (?P<last>\d\.\d{4})\n"
    r"  test accuracy            (?P<accuracy>[\d.]+) % \((?P<wrong>\d+) of (?P<total>\d+) wrong\)\n"
    r"  seconds                  \d+\.\d\n",
    re.MULTILINE,
)
# What another processor may change by rounding: see the README, "What a default run prints".
FIRST_LOSS, LAST_LOSS, ACCURACY = 0.01, 0.03, 3.0


def networks(text: str) -> list[dict[str, str]]:
    """Return what the text says of each network."""
    return [match.groupdict() for match in LINE.finditer(text)]


@pytest.fixture(scope="module")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of a default run in a fresh checkout, without a network."""
    status, output, errors = Checkout(tmp_path_factory.mktemp("default") / "clone").run()
    assert (status, errors) == (0, "")
    return output


def test_a_default_run_prints_what_the_docstring_says(default_run: str) -> None:
    documented = ast.get_docstring(ast.parse((ROOT / "test.py").read_text()))
    assert documented is not None
    shown = "\n".join(line.removeprefix("    ") for line in documented.splitlines()) + "\n"
    said, found = networks(shown), networks(default_run)
    assert [network["name"] for network in found] == ["SimpleModel", "WSModel", "AuxModel"]
    assert len(said) == 3
    for wanted, got in zip(said, found, strict=True):
        for same in ("name", "parameters", "total"):
            assert got[same] == wanted[same]
        assert float(got["first"]) == pytest.approx(float(wanted["first"]), abs=FIRST_LOSS)
        assert float(got["last"]) == pytest.approx(float(wanted["last"]), abs=LAST_LOSS)
        assert float(got["accuracy"]) == pytest.approx(float(wanted["accuracy"]), abs=ACCURACY)


def test_readme_shows_the_same_run_as_the_docstring() -> None:
    documented = ast.get_docstring(ast.parse((ROOT / "test.py").read_text()))
    assert documented is not None
    start = documented.index("    SimpleModel: ")
    shown = "\n".join(line.removeprefix("    ") for line in documented[start:].splitlines())
    assert shown.count("\n") == 21
    assert shown in (ROOT / "README.md").read_text()


def test_the_counts_and_the_summary_agree_with_the_results(default_run: str) -> None:
    summary = default_run[default_run.index("network  ") :].splitlines()
    assert len(summary) == 4
    for line, network in zip(summary[1:], networks(default_run), strict=True):
        assert int(network["total"]) == 1000
        assert float(network["accuracy"]) == pytest.approx(100 - int(network["wrong"]) / 10)
        cells = [network[key] for key in ("name", "parameters", "first", "last", "accuracy")]
        assert line.split()[:7] == [*cells, "%", network["wrong"]]


def test_all_networks_learn_and_the_auxiliary_loss_helps(default_run: str) -> None:
    simple, sharing, auxiliary = (float(network["accuracy"]) for network in networks(default_run))
    assert 75 < simple < auxiliary
    assert 75 < sharing < auxiliary


def test_the_same_seed_prints_the_same_and_another_does_not(quick: Checkout) -> None:
    once, again = quick.run(), quick.run()
    assert once[0] == again[0] == 0
    assert without_seconds(once[1]) == without_seconds(again[1])
    quick.set(SEED=1)
    other = quick.run()
    assert other[0] == 0
    assert without_seconds(other[1]) != without_seconds(once[1])


def test_a_network_does_not_depend_on_those_before_it(quick: Checkout) -> None:
    _, output, _ = quick.run()
    text = (quick.folder / "test.py").read_text()
    others = ("        start(run, data, SimpleModel", "        start(run, data, WSModel")
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(others)]
    assert len(kept) == len(text.splitlines()) - 2
    (quick.folder / "test.py").write_text("".join(kept))
    status, output_alone, _ = quick.run()
    assert status == 0
    assert networks(output_alone) == networks(output)[2:]
    assert len(networks(output_alone)) == 1


def test_four_first_runs_at_the_same_time(quick: Checkout) -> None:
    processes = [quick.start() for _ in range(4)]
    outputs = [(*process.communicate(timeout=600), process.returncode) for process in processes]
    assert {(errors, status) for _, errors, status in outputs} == {("", 0)}
    assert len({without_seconds(output) for output, _, _ in outputs}) == 1
    assert sorted(file.name for file in quick.raw.iterdir() if not file.name.endswith(".gz")) == [
        ".lock",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    ]


@pytest.mark.parametrize("damage", ["cut short", "a byte changed", "empty"])
def test_a_damaged_extracted_file_is_rebuilt(quick: Checkout, damage: str) -> None:
    status, output, _ = quick.run()
    assert status == 0
    file = quick.raw / "train-images-idx3-ubyte"
    good = file.read_bytes()
    middle = len(good) // 2
    file.write_bytes(
        {"cut short": good[:middle], "a byte changed": good[:middle] + b"!" + good[middle + 1 :]}.get(damage, b"")
    )
    again = quick.run()
    assert (again[0], again[2]) == (0, "")
    assert without_seconds(again[1]) == without_seconds(output)
    assert file.read_bytes() == good


def test_a_damaged_gz_without_a_network(quick: Checkout) -> None:
    gz = quick.raw / "t10k-labels-idx1-ubyte.gz"
    gz.write_bytes(b"not what was published")
    status, output, errors = quick.run()
    assert (status, output) == (1, "")
    assert "Traceback" not in errors
    # the md5 sum of the text above, as `md5sum` gives it
    for part in (str(gz), "a7bbfc26f084ba5ee3bc3bfaf2d6d735", "ec29112dd5afa0611ce80d1b7f02629c", "git checkout"):
        assert part in errors
    assert gz.read_bytes() == b"not what was published"
    assert len(list(quick.raw.glob("*.gz"))) == 4


def test_a_missing_gz_without_a_network(quick: Checkout) -> None:
    (quick.raw / "t10k-labels-idx1-ubyte.gz").unlink()
    status, output, errors = quick.run()
    assert (status, output) == (1, "")
    assert "Traceback" not in errors
    assert "missing: t10k-labels-idx1-ubyte.gz" in errors
    assert str(quick.raw) in errors
    assert len(list(quick.raw.glob("*.gz"))) == 3


def test_another_data_folder_is_filled_from_the_checkout(quick: Checkout, tmp_path: Path) -> None:
    status, _, errors = quick.run(PYTORCH_DATA_DIR=str(tmp_path / "new" / "folder"))
    assert (status, errors) == (0, "")
    assert (tmp_path / "new" / "folder" / "MNIST" / "raw" / "train-images-idx3-ubyte").stat().st_size == 47_040_016
    assert len(list(quick.raw.iterdir())) == 4  # nothing was extracted there


def test_a_data_folder_that_cannot_be_written(quick: Checkout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, in which no folder can be made")
    folder = tmp_path / "file" / "data"
    status, output, errors = quick.run(PYTORCH_DATA_DIR=str(folder))
    assert (status, output) == (1, "")
    assert "Traceback" not in errors
    assert "PYTORCH_DATA_DIR" in errors
    assert str(folder) in errors


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("NB_EPOCHS", 0, "at least 1"),
        ("NB_EPOCHS", "50", "at least 1"),
        ("MINI_BATCH_SIZE", 2.5, "at least 1"),
        ("LEARNING_RATE", -1, "above 0"),
        ("NB_TRAIN_PAIRS", 30001, "from 1 to 30000"),
        ("NB_TEST_PAIRS", 5001, "from 1 to 5000"),
        ("AUX_WEIGHT", -0.5, "at least 0"),
        ("SEED", None, "at least 0"),
    ],
)
def test_a_setting_that_makes_no_sense(quick: Checkout, setting: str, value: object, allowed: str) -> None:
    quick.set(**{setting: value})
    status, output, errors = quick.run()
    assert (status, output) == (1, "")
    assert errors.startswith(f"error: {setting} = {value!r}: ")
    assert allowed in errors
    assert errors.count("\n") == 1
    assert not (quick.raw / "train-images-idx3-ubyte").exists()  # refused before anything was done


def test_a_learning_rate_of_100(checkout: Checkout) -> None:
    checkout.set(LEARNING_RATE=100)
    status, output, errors = checkout.run()
    assert status == 1
    assert re.fullmatch(
        r"error: SimpleModel: the loss is (nan|inf) in epoch \d+ of 50\. Lower LEARNING_RATE.*\n", errors
    )
    assert "accuracy" not in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
class TestCtrlC:
    def test_in_training(self, checkout: Checkout) -> None:
        checkout.set(NB_EPOCHS=2000, NB_TRAIN_PAIRS=10)
        process = checkout.start()
        guard = threading.Timer(300, process.kill)
        guard.start()
        lines = []
        while not lines or "seconds" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "ended before the first network was trained"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
        guard.cancel()
        assert process.returncode == 130
        assert errors == "\nInterrupted. Finished: SimpleModel.\n"
        assert "WSModel" not in output  # ended at once, not when the others were trained

    @pytest.mark.parametrize("seconds", [0.5, 1.5])
    def test_while_starting(self, checkout: Checkout, seconds: float) -> None:
        process = checkout.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert process.returncode in (130, -signal.SIGINT)
        assert output == ""
        assert errors in ("", "\nInterrupted. Finished: no network.\n")


def test_from_another_folder_without_home(quick: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o500)
    status, output, errors = quick.run(cwd=elsewhere, without=("HOME", "USERPROFILE", "XDG_CONFIG_HOME"))
    assert (status, errors) == (0, "")
    assert len(networks(output)) == 3
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("home", ["none", "one that cannot be written"])
def test_the_plot_line_without_a_screen(quick: Checkout, tmp_path: Path, home: str) -> None:
    _, plain, _ = quick.run()
    quick.uncomment("plot_losses(results)")
    (tmp_path / "file").touch()
    options = {"without": ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR")}
    if home != "none":
        options["HOME"] = str(tmp_path / "file" / "home")
    status, output, errors = quick.run(**options)
    assert (status, errors) == (0, "")
    printed = output.splitlines()
    assert printed[-1] == f"figure: {quick.folder / 'losses.png'}"
    assert (quick.folder / "losses.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert without_seconds("\n".join(printed[:-1]) + "\n") == without_seconds(plain)  # drawing changes no result


def test_the_exploration_classes_run_when_their_lines_are_uncommented(quick: Checkout) -> None:
    _, base, _ = quick.run()
    quick.uncomment("start(run, data, WSModel1")
    quick.uncomment("start(run, data, AuxModel1")
    status, output, errors = quick.run()
    assert (status, errors) == (0, "")
    assert [network["name"] for network in networks(output)] == [
        "SimpleModel",
        "WSModel",
        "WSModel1",
        "AuxModel",
        "AuxModel1",
    ]
    assert [network for network in networks(output) if not network["name"].endswith("1")] == networks(base)


def test_nothing_is_imported_that_the_run_does_not_use(quick: Checkout) -> None:
    text = (quick.folder / "test.py").read_text()
    (quick.folder / "test.py").write_text(text + "\nassert 'matplotlib' not in sys.modules\n")
    assert quick.run()[0] == 0


def test_mnist_is_read_once(quick: Checkout) -> None:
    quick.run()  # extracts
    text = (quick.folder / "test.py").read_text()
    count = "import torchvision.datasets.mnist as m\nreads = []\ngenuine = m.read_image_file\n"
    count += "m.read_image_file = lambda path: reads.append(path) or genuine(path)\n"
    text = text.replace("from helpers import", count + "from helpers import", 1) + "\nassert len(reads) == 2, reads\n"
    (quick.folder / "test.py").write_text(text)
    status, _, errors = quick.run()
    assert (status, errors) == (0, "")
