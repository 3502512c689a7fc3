"""The study's command, its workers, and verify.py's, in a copy of the checkout whose runs are short."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import study
from common import measuring, provenance, running
from common.measuring import run_job
from common.networks import AUX1, SIMPLE, Network
from common.rows import COLUMNS, Job, read_rows
from common.running import run_missing
from conftest import LIMIT, ROOT, Checkout
from distributed import KilledWorker
from experiments.catalogue import EXPERIMENTS, name_of
from filelock import FileLock
from plain import ROUNDS
from test_rows import sealed, write

import helpers
from helpers import UserError

FEW = {"nb_train_pairs": 20, "nb_test_pairs": 20}
Row = dict[str, str]


def saved(file: Path) -> list[Row]:
    """Return a file's rows, none if there is no file; a last line that is being written is left out."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as opened:
        return [row for row in csv.DictReader(opened) if row["checksum"]]


def results_of(rows: list[Row], *more: str) -> list[Row]:
    """Return rows in order, without what differs from run to run, and without more columns."""
    left_out = ("seconds", "checksum", *more)
    found = [{column: row[column] for column in row if column not in left_out} for row in rows]
    return sorted(found, key=lambda row: (row["network"], row["round"], row["settings"]))


def quick(network: Network, nb_round: int, **training: float) -> Job:
    """A run of a moment."""
    return Job("test", network, nb_round, {}, {"nb_epochs": 1, **training}, FEW)


# ---------------------------------------------------------------------------------------------------------------------
# One run, and a file of rows


def test_a_row_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the parts that it is made of."""
    monkeypatch.setattr(measuring, "commit", lambda: "1234567")
    counts: list[int] = []

    def details(model: Any, data: helpers.Round) -> list[int]:
        counts.append(helpers.nb_wrong(model, data.test_input, data.test_target))
        return counts

    job = quick(AUX1, 3, mini_batch_size=10, nb_epochs=2)._replace(model={"hidden": 20}, details=details)
    row = run_job(job)
    data = helpers.load_round(3, **FEW)
    settings = {**AUX1.make.settings, "nb_epochs": 2, "mini_batch_size": 10}
    result = helpers.run(data, lambda: AUX1.make(hidden=20), AUX1.train, data.train_classes, **settings)
    assert list(row) == COLUMNS
    assert [row[name] for name in ("experiment", "network", "round", "settings")] == list(job.key)
    assert row["parameters"] == str(helpers.nb_parameters(result.model))
    assert [row["first_loss"], row["last_loss"]] == [str(round(loss, 6)) for loss in result.losses]
    assert row["train_wrong"] == str(helpers.nb_wrong(result.model, data.train_input, data.train_target))
    assert row["wrong"] == str(result.nb_wrong) == str(counts[0])
    assert row["train_total"] == row["total"] == "20"
    assert row["details"] == f"[{counts[0]}]"
    read = [scores.argmax(1) for scores in result.model.digit_scores(data.test_input).unbind(1)]
    wrong = sum(int((read[n] != data.test_classes[:, n]).sum()) for n in (0, 1))
    assert row["digits_wrong"] == str(wrong)
    assert row["torch"].split("+")[0] == provenance.this_machine()[0]
    assert row["arithmetic"] == provenance.this_machine()[1]
    assert row["error"] == ""
    assert row["commit"] == "1234567"
    assert row == sealed(row)
    assert float(row["seconds"]) > 0


def test_a_row_names_all_that_rounding_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")
    for name, value in zip(helpers.SAME_DIGITS, ("avx2", "AVX2", "COMPATIBLE"), strict=True):
        monkeypatch.setenv(name, value)
    assert provenance.arithmetic() == "AVX2 avx2 AVX2 COMPATIBLE"
    monkeypatch.setenv("MKL_CBWR", "OFF")
    assert provenance.arithmetic() == "AVX2 avx2 AVX2 OFF"
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "DEFAULT")
    assert provenance.arithmetic() == "DEFAULT"


@pytest.mark.parametrize(
    ("script", "commit"),
    [("echo 1234567", "1234567"), ("echo fatal: no repository >&2; exit 128", "unknown"), ("echo 12", "unknown")],
)
def test_the_commit_is_one_that_the_gate_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, commit: str
) -> None:
    """Whatever git says; and without git."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit.__wrapped__() == "unknown"
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    assert provenance.commit.__wrapped__() == commit


def test_only_what_is_missing_is_run_again(tmp_path: Path) -> None:
    file, every = tmp_path / "results" / "test.csv", [quick(SIMPLE, r) for r in (0, 1)]
    run_missing(file, [every[0], every[0]], every, workers=1)
    assert [row["round"] for row in saved(file)] == ["0"]  # the same run once
    head = file.read_text().partition("\n")[0]
    file.write_text(f"{head}\ntest,SimpleModel,0,{'9' * 1000}")  # cut short, as by a crash
    run_missing(file, every[:1], every, workers=1)
    before = file.read_text()
    assert before.count("\n") == 2
    run_missing(file, every, every, workers=1)
    assert file.read_text().startswith(before)
    assert list(read_rows(file, every)) == [job.key for job in every]


def test_a_run_that_diverges_is_a_row(tmp_path: Path) -> None:
    file, job = tmp_path / "test.csv", quick(SIMPLE, 0, learning_rate=1e30, mini_batch_size=5)
    run_missing(file, [job], [job], workers=1)
    (row,) = read_rows(file, [job]).values()
    assert row["error"].startswith("SimpleModel diverged in epoch 1 of 1 (loss ")
    assert row["wrong"] == row["last_loss"] == row["parameters"] == ""
    run_missing(file, [job], [job], workers=1)
    assert len(saved(file)) == 1  # it is not run again


@pytest.mark.parametrize("other", [{"arithmetic": "AVX9"}, {"torch": "9.9.9"}], ids=str)
def test_rows_of_another_kind_are_not_added_to(tmp_path: Path, other: Row) -> None:
    file, every = tmp_path / "test.csv", [quick(SIMPLE, r) for r in (0, 1)]
    row = sealed({**run_job(every[0]), **other})
    write(file, row)
    before = file.read_text()
    run_missing(file, every[:1], every, workers=1)  # nothing is missing
    here, there = provenance.this_machine(), (row["torch"].split("+")[0], row["arithmetic"])
    with pytest.raises(UserError) as refused:
        run_missing(file, every, every, workers=1)
    kinds = f"{file} has rows of torch {there[0]}, {there[1]}; here it is torch {here[0]}, {here[1]}. "
    assert str(refused.value).startswith(f"{kinds}They are not mixed: move the file away")
    assert file.read_text() == before


def test_two_studies_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    file, job = tmp_path / "test.csv", quick(SIMPLE, 0)
    with FileLock(f"{file}.lock"), pytest.raises(UserError, match="another process is adding rows to"):
        run_missing(file, [job], [job], workers=1)
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_fine_where_nothing_is_missing(tmp_path: Path) -> None:
    file, every = tmp_path / "test.csv", [quick(SIMPLE, r) for r in (0, 1)]
    run_missing(file, every[:1], every, workers=1)
    (tmp_path / "test.csv.lock").unlink(missing_ok=True)
    (tmp_path / "test.csv.lock").mkdir()  # for root, too, no lock can be had
    run_missing(file, every[:1], every, workers=1)
    with pytest.raises(
        UserError, match=rf"{file} cannot be written: .* Finished rows are kept; start again to go on\."
    ):
        run_missing(file, every, every, workers=1)


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file in the folder's place")
    file, job = tmp_path / "results" / "test.csv", quick(SIMPLE, 0)
    with pytest.raises(UserError, match=f"{file} cannot be written: "):
        run_missing(file, [job], [job], workers=1)


def test_a_worker_that_the_system_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, every = tmp_path / "test.csv", [quick(SIMPLE, r) for r in (0, 1)]

    def all_but_one(jobs: list[Job], *_: object) -> Iterator[Row]:
        yield run_job(jobs[0])
        raise running.TerminatedWorkerError("a page of words")

    monkeypatch.setattr(running, "run_all", all_but_one)
    with pytest.raises(
        UserError, match=rf"want of memory\. 1 new rows are in {file}; start again with fewer --workers"
    ):
        run_missing(file, every, every)
    assert len(saved(file)) == 1


@pytest.mark.parametrize(
    "error",
    [CancelledError("of a row"), KilledWorker("a row", SimpleNamespace(address="tcp://a_worker"), 3)],
    ids=["scheduler", "worker"],
)
def test_a_dask_cluster_that_is_lost(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Its scheduler was killed, or a worker for want of memory."""

    def lost() -> Row:
        raise error

    client = SimpleNamespace(map=lambda *_, **__: None)
    monkeypatch.setattr("distributed.as_completed", lambda _: [SimpleNamespace(result=lost)])
    with pytest.raises(UserError, match=r"^the Dask cluster was lost \(.*\)\. Finished rows are kept; start again\.$"):
        list(running.run_all([quick(SIMPLE, 0)], 1, client))


def test_a_dask_worker_of_several_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        worker = SimpleNamespace(state=SimpleNamespace(nthreads=number))
        monkeypatch.setattr("distributed.get_worker", lambda worker=worker: worker)
        if number == 1:
            assert running.run_on_dask(quick(SIMPLE, 0))["round"] == "0"
        else:
            with pytest.raises(
                UserError, match=r"^a Dask worker has 2 threads: start the workers with --nthreads 1\.$"
            ):
                running.run_on_dask(quick(SIMPLE, 0))


# ---------------------------------------------------------------------------------------------------------------------
# The command, in this process


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the command would run: file, runs, all runs of the file, workers."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(study, "run_missing", lambda *arguments: found.append(arguments))
    return found


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["study.py", *arguments])
    study.main()


def test_what_is_asked_for_is_run(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[Any, ...]]) -> None:
    command(monkeypatch, "last_layer", "epochs", "--rounds", "2", "--workers", "3")
    assert [(file.name, len(jobs), len(every), *rest) for file, jobs, every, *rest in asked] == [
        ("last_layer.csv", 12, 6 * len(ROUNDS["last_layer"]), 3, None),
        ("claims.csv", 4, 5 * len(ROUNDS["claims"]), 3, None),
        ("epochs.csv", 36, 18 * len(ROUNDS["epochs"]), 3, None),
    ]
    assert sorted({job.round for job in asked[2][1]}) == [1200, 1201]


def test_nothing_is_said_where_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copy(study.RESULTS / "claims.csv", tmp_path)
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    command(monkeypatch, "claims", "--rounds", "3")
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["claims.csv"]


def test_everything_is_run_without_arguments(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[Any, ...]]) -> None:
    command(monkeypatch)
    assert [file.stem for file, *_ in asked] == [name_of(experiment) for experiment in EXPERIMENTS]
    for _, jobs, every, workers, client in asked:
        assert {job.key for job in jobs} == {job.key for job in every}
        assert (workers, client) == (-1, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["claim"], "unknown experiment claim; there are claims, confirmation, "),
        (["--rounds", "0"], "'0' is not a whole number above 0"),
        (["--rounds", "-1"], "'-1' is not a whole number above 0"),
        (["--workers", "two"], "'two' is not a whole number above 0"),
    ],
)
def test_a_mistake_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[Any, ...]],
    arguments: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize(
    ("name", "value"), [("NB_EPOCHS", 0), ("LEARNING_RATE", -1), ("MINI_BATCH_SIZE", 2.5), ("SEED", -1)]
)
def test_a_wrong_setting_is_refused_before_anything(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[Any, ...]], name: str, value: float
) -> None:
    monkeypatch.setattr(helpers, name, value)
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims")
    assert str(end.value.code).startswith(f"error: {name} = {value}: it must be ")
    assert asked == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "nonsense://"])
def test_no_dask_cluster(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[Any, ...]], address: str) -> None:
    import distributed

    monkeypatch.setattr(distributed, "Client", None)  # not reached: one that fails cannot be closed
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims", "--dask", address)
    assert re.fullmatch(rf"error: the Dask scheduler {address} cannot be used: .+\.", str(end.value.code))
    assert asked == []


# ---------------------------------------------------------------------------------------------------------------------
# The commands, each in a process of its own


class Study(Checkout):
    """A copy of the checkout whose runs are short, without results."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("common", "experiments"):
            shutil.copytree(
                ROOT / "report" / name, folder / "report" / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for file in (ROOT / "report").glob("*.py"):
            shutil.copy(file, folder / "report")
        self.results = folder / "report" / "results"
        self.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "report" / f"{name}.py"), *arguments]

    def finish(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of report/ to its end."""
        variables = {**os.environ, **environment}
        done = subprocess.run(
            self.command(name, *arguments), capture_output=True, text=True, timeout=600, check=False, env=variables
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def rows(self, name: str) -> list[Row]:
        return saved(self.results / f"{name}.csv")


@pytest.fixture
def copy(tmp_path: Path) -> Study:
    return Study(tmp_path / "a checkout")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A copy with two rounds of the prior and of the claims that it compares with, made by two workers without git."""
    study = Study(tmp_path_factory.mktemp("made") / "a checkout")
    done = study.finish("study", "prior", "--rounds", "2", "--workers", "2", PATH="/nothing/there")
    assert (done.returncode, done.stdout) == (0, "")
    assert "prior: 100%" in done.stderr  # the progress bar
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", done.stderr)  # with the time that has passed and that is left
    return study


def test_the_command_runs_what_is_asked_for(made: Study) -> None:
    expected = {"claims": ["WSModel1"], "prior": ["WSModel1", "WSModel1"]}
    assert sorted(file.stem for file in made.results.glob("*.csv")) == list(expected)
    for name, names in expected.items():
        found = made.rows(name)
        assert sorted((row["network"], row["round"]) for row in found) == sorted((n, r) for n in names for r in "01")
        for row in found:
            assert row["experiment"] == name
            assert row["train_total"] == row["total"] == "50"
            assert row["commit"] == "unknown"
            assert row == sealed(row)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_end_from_outside_loses_nothing(copy: Study, how: str) -> None:
    """And leaves no process: Ctrl-C goes to the workers, too, as from a terminal, SIGTERM to the command alone.

    The runs with few pairs are done soon; those that are running at the end would take much longer than the wait.
    """
    copy.set(NB_EPOCHS=50)
    file = copy.results / "train_pairs.csv"
    arguments = copy.command("study", "train_pairs", "--workers", "2")
    process = subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, start_new_session=True, stdout=subprocess.PIPE
    )
    deadline = time.time() + 120
    while len(saved(file)) < 3:
        assert time.time() < deadline
        time.sleep(0.1)
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    assert process.wait(timeout=60) == 130
    deadline = time.time() + 3
    while left := processes_of(process.pid):
        assert time.time() < deadline, left
        time.sleep(0.1)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    found = saved(file)
    assert 3 <= len(found) < 21
    assert f"Interrupted: {len(found)} new rows are in {file}. Start again to go on." in errors
    assert found == [sealed(row) for row in found]


def processes_of(session: int) -> list[psutil.Process]:
    """Return the processes of a session that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass
    return found


def test_damaged_data(copy: Study) -> None:
    """Found in the worker processes, and told by the command."""
    (copy.raw / "train-labels-idx1-ubyte.gz").write_bytes(b"no labels")
    done = copy.finish("study", "claims", "--rounds", "1", "--workers", "2")
    assert done.returncode == 1
    assert re.search(r"^error: .*train-labels-idx1-ubyte.gz is damaged: its md5 is ", done.stderr, re.MULTILINE)
    assert copy.rows("claims") == []


def test_dask_workers_make_the_same_rows_however_few_they_are(
    made: Study, copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker of one thread: a `git` that only it has tells who made a row. A client with other code is refused."""
    tools, address_file = copy.folder / "tools", copy.folder / "scheduler.json"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\necho abcdef0\n")
    (tools / "git").chmod(0o755)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": copy.folder}
    options = ["--scheduler-file", str(address_file), "--no-dashboard"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nworkers", "1", "--nthreads", "1"]
    with ExitStack() as cluster:

        def start(arguments: list[str]) -> None:
            variables = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
            process = cluster.enter_context(subprocess.Popen([*arguments, *options], **quiet, env=variables))
            cluster.callback(process.terminate)

        start(scheduler)
        deadline = time.time() + 60
        while not address_file.exists() or not address_file.read_text():
            assert time.time() < deadline
            time.sleep(0.1)
        address = json.loads(address_file.read_text())["address"]
        start(worker)
        done = copy.finish("study", "prior", "--rounds", "2", "--dask", address)
        assert done.returncode == 0, done.stderr
        different = r"these Dask machines run different code: .*tcp://127\.0\.0\.1:"
        with pytest.raises(UserError, match=different), study.dask_client(address):
            pass
        monkeypatch.setattr(study, "code_version", lambda: provenance.code_version(copy.folder))
        with pytest.raises(ValueError, match="^of a run$"), study.dask_client(address):
            raise ValueError("of a run")  # not of the scheduler, and not told as one
    for name in ("claims", "prior"):
        assert {row["commit"] for row in copy.rows(name)} == {"abcdef0"}
        assert results_of(copy.rows(name), "commit") == results_of(made.rows(name), "commit")


# ---------------------------------------------------------------------------------------------------------------------
# The code is edited

GATE = """
import sys
sys.path.insert(0, "report")
from common.saved import Saved
from experiments.catalogue import BY_NAME, jobs_of
from helpers import UserError
try:
    print(len(Saved(jobs_of(BY_NAME["prior"], 2)).by_key))
except UserError as error:
    print(error)
"""


def test_rows_outlive_an_edit_that_keeps_the_results_and_no_other(made: Study, copy: Study) -> None:
    """By the commands: an edit, the gate, verify.py --every, the gate again; then edits that change results."""

    def gate() -> str:
        command = [sys.executable, "-c", GATE]
        done = subprocess.run(command, capture_output=True, text=True, cwd=copy.folder, timeout=LIMIT, check=True)
        return done.stdout.strip()

    shutil.copytree(made.results, copy.results)
    assert gate() == "6"
    helpers_text = (copy.folder / "helpers.py").read_text(encoding="utf-8")
    (copy.folder / "helpers.py").write_text(helpers_text.replace("batch_losses", "each_loss"), encoding="utf-8")
    assert re.match(r"\w+: WSModel1 in round \d with .* was run by other code\. Run report/verify\.py --every", gate())
    done = copy.finish("verify", "--every", "prior", "claims")
    assert (done.returncode, done.stdout) == (0, "3 rows, one of each kind, are equal to the last digit.\n")
    assert len(copy.rows("again")) == 3
    assert gate() == "6"
    copy.edit("models/WSharing.py", '"balance": 1.0', '"balance": 2.0')
    done = copy.finish("verify", "--every", "prior", "claims")
    assert done.returncode == 1
    different = r"^error: \w+: WSModel1 in round \d with .*: this code gives another result: \w+_loss [\d.]+, now "
    assert re.search(different, done.stderr, re.MULTILINE)
    copy.edit("models/WSharing.py", '"balance": 2.0', '"balance": 1.0')
    copy.edit("models/WSharing.py", "hidden: int = 150) -> None", "hidden: int = 140) -> None")
    done = copy.finish("verify", "--every", "prior", "claims")
    assert done.returncode == 1
    assert re.search(r"WSModel1 in round \d: parameters = '59368': it must be 56678", done.stderr)


# ---------------------------------------------------------------------------------------------------------------------
# verify.py


def test_rows_come_out_again_and_a_changed_digit_is_found(made: Study, copy: Study) -> None:
    """All of the copy's, with a worker per core."""
    shutil.copytree(made.results, copy.results)
    rows = copy.rows("prior")
    other = f"{float(rows[2]['last_loss']) + 0.000001:.6f}"
    changed = sealed({**rows[2], "last_loss": other})
    write(copy.results / "prior.csv", *rows[:2], changed, rows[3])
    done = copy.finish("verify", "prior", "claims", "--seed", "5")
    assert (done.returncode, done.stderr) == (1, "")
    head, *lines, last = done.stdout.splitlines()
    assert head == "6 rows, drawn with --seed 5"
    assert last == "5 of 6 rows are equal to the last digit."
    said = {f"last_loss {other}, now {rows[2]['last_loss']}": [changed]}
    said["equal"] = [*copy.rows("claims"), *rows[:2], rows[3]]
    expected = [
        f"{' '.join(row[name] for name in ('experiment', 'network', 'round', 'settings'))}: {text}"
        for text, found in said.items()
        for row in found
    ]
    assert sorted(line.partition(" of 6  ")[2] for line in lines) == sorted(expected)
    assert [int(line.split()[0]) for line in lines] == list(range(1, 7))
