"""study.py and verify.py themselves, in a copy of the checkout whose jobs are short; how study.py ends."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from common.rows import IDENTITY, Row
from conftest import LIMIT, ROOT, Checkout, Process
from test_rows import read, sealed, write


def results_of(rows: list[Row], *more: str) -> list[Row]:
    """Return rows in order, without what differs from run to run, and without more columns."""
    left_out = ("seconds", "checksum", *more)
    found = [{column: row[column] for column in row if column not in left_out} for row in rows]
    return sorted(found, key=lambda row: (row["network"], row["round"], row["settings"]))


SMALL = '''"""Two variants, of which one is another experiment's, too: a study of a moment."""

from common.networks import SIMPLE, WS1
from common.rows import Variant

QUESTION = "Is it quick?"
VARIANTS = {"usual": Variant(WS1, {}, range(2)), "few": Variant(SIMPLE, {"nb_train_pairs": 20}, range(5))}
'''
ENDLESS = 'VARIANTS["endless"] = Variant(SIMPLE, {"nb_epochs": 10**9}, range(5, 9))'  # after the others


class Study(Checkout):
    """A copy of the checkout whose jobs are short, without results, and with an experiment more: a file and a line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ignored = shutil.ignore_patterns("__pycache__", "results", "figures", "*.pdf")
        shutil.copytree(ROOT / "report", folder / "report", ignore=ignored)
        self.results = folder / "report" / "results"
        self.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)
        (folder / "report" / "experiments" / "small.py").write_text(SMALL, encoding="utf-8")
        self.edit("report/experiments/catalogue.py", "    tuning,\n)", "    small,\n    tuning,\n)")
        self.edit("report/experiments/catalogue.py", "tuning, ladder)", "tuning, ladder, small)")

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "report" / f"{name}.py"), *arguments]

    def finish(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of report/ to its end."""
        variables = {**os.environ, **environment}
        done = subprocess.run(
            self.command(name, *arguments), capture_output=True, text=True, timeout=LIMIT, check=False, env=variables
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def rows(self, name: str) -> list[Row]:
        return read(self.results / f"{name}.csv")


@pytest.fixture
def copy(tmp_path: Path) -> Study:
    return Study(tmp_path / "a checkout")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A copy with two rounds of the small experiment, made by two workers without git."""
    study = Study(tmp_path_factory.mktemp("made") / "a checkout")
    done = study.finish("study", "small", "--rounds", "2", "--workers", "2", PATH="/nothing/there")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "small: 100%" in done.stderr  # the progress bar
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", done.stderr)  # with the time that has passed and that is left
    return study


def test_the_command_runs_what_is_asked_for(made: Study) -> None:
    expected = {"claims": "WSModel1", "small": "SimpleModel"}  # each in the file of the first that needs it
    assert sorted(file.stem for file in made.results.glob("*.csv")) == list(expected)
    for name, network in expected.items():
        rows = made.rows(name)
        assert sorted((row["network"], row["round"]) for row in rows) == [(network, "0"), (network, "1")]
        for row in rows:
            assert (row["train_total"], row["total"]) == ("20" if name == "small" else "50", "50")
            assert row["commit"] == "unknown"
            assert row == sealed(row)


ENDINGS = {
    "Ctrl-C": lambda process, _: os.killpg(process.pid, signal.SIGINT),  # to all, as from a terminal
    "SIGKILL": lambda process, _: process.kill(),
    "a worker's SIGKILL": lambda _, children: children[0].kill(),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process ends with its parent")
@pytest.mark.parametrize("how", ENDINGS)
def test_an_end_at_any_time_loses_nothing(copy: Study, how: str) -> None:
    """And leaves no process, while jobs are running that never end."""
    with (copy.folder / "report" / "experiments" / "small.py").open("a") as file:
        file.write(ENDLESS)
    command = copy.command("study", "small", "--workers", "2")
    with Process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.time() + LIMIT
        while len(before := copy.rows("small")) < 5:
            assert time.time() < deadline
            time.sleep(0.1)
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        ENDINGS[how](process, children)
        assert psutil.wait_procs(children, timeout=10)[1] == []
        _, errors = process.communicate(timeout=10)
    assert "Traceback" not in errors
    killed = "error: a process was killed, most often because memory ran out. Finished rows are kept; start again"
    assert (killed in errors) == ("worker" in how)
    assert copy.rows("small") == before == [sealed(row) for row in before]


CLUSTER = """
from distributed import LocalCluster
options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
with LocalCluster(protocol="tcp://", **options) as cluster:
    print(cluster.scheduler_address, flush=True)
    input()
"""


def test_dask_workers_make_the_same_rows(made: Study, copy: Study) -> None:
    """One whose `git` tells who made a row."""
    tools = copy.folder / "tools"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\necho abcdef0\n")
    (tools / "git").chmod(0o755)
    with Process(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=copy.folder.parent,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(copy.folder / "report")},
    ) as cluster:
        assert cluster.stdout is not None
        done = copy.finish("study", "small", "--rounds", "2", "--dask", cluster.stdout.readline().strip())
        assert done.returncode == 0, done.stderr
        cluster.communicate("\n")  # which ends it
    for name in ("claims", "small"):
        assert {row["commit"] for row in copy.rows(name)} == {"abcdef0"}
        assert results_of(copy.rows(name), "commit") == results_of(made.rows(name), "commit")


# ---- verify.py -------------------------------------------------------------------------------------------------------


def test_rows_come_out_again_and_a_changed_digit_is_found(made: Study, copy: Study) -> None:
    """All of the copy's; where there are none, that is said."""
    done = copy.finish("verify", "small")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: there are no saved rows of small. Run report/study.py.\n"
    shutil.copytree(made.results, copy.results)
    first, second = copy.rows("small")
    other = f"{float(second['last_loss']) + 0.000001:.6f}"
    changed = sealed({**second, "last_loss": other})
    write(copy.results / "small.csv", first, changed)
    done = copy.finish("verify", "small", "--seed", "5")
    assert (done.returncode, done.stderr) == (1, "")
    head, *lines, last = done.stdout.splitlines()
    assert head == "4 rows, sampled with --seed 5"
    assert last == "3 of 4 rows are equal to the last digit."
    texts = {f"last_loss {other}, now {second['last_loss']}": [changed], "equal": [*copy.rows("claims"), first]}
    expected = [f"{' '.join(row[name] for name in IDENTITY)}: {text}" for text, rows in texts.items() for row in rows]
    assert sorted(line.partition(" of 4  ")[2] for line in lines) == sorted(expected)
    assert [int(line.split()[0]) for line in lines] == list(range(1, 5))
