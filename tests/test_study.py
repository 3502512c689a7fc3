"""The study's command, its workers, and verify.py's, in a copy of the checkout whose jobs are short."""

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
from common.checks import read_rows
from common.measuring import run_job
from common.networks import AUX1, SIMPLE, WS
from common.rows import COLUMNS, IDENTITY, Job, Key, Row, Variant
from common.running import run_missing
from conftest import LIMIT, ROOT, Checkout
from distributed import KilledWorker
from experiments import course, last_layer
from experiments.catalogue import BY_NAME, all_jobs, jobs_by_file
from filelock import FileLock
from test_rows import read, sealed, write

import helpers
from helpers import UserError

FEW = {"nb_train_pairs": 20, "nb_test_pairs": 20}
QUICK = {job.key: job for job in Variant(SIMPLE, {**FEW, "nb_epochs": 1}, (0, 1))}
FIRST, SECOND = QUICK.values()


def results_of(rows: list[Row], *more: str) -> list[Row]:
    """Return rows in order, without what differs from run to run, and without more columns."""
    left_out = ("seconds", "checksum", *more)
    found = [{column: row[column] for column in row if column not in left_out} for row in rows]
    return sorted(found, key=lambda row: (row["network"], row["round"], row["settings"]))


# ---------------------------------------------------------------------------------------------------------------------
# One job, and a file of rows


def test_a_row_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the parts that it is made of."""
    monkeypatch.setattr(measuring, "commit", lambda: "1234567")
    job = Job(AUX1, {**FEW, "nb_epochs": 2, "mini_batch_size": 10, "hidden": 20}, 3, keeps="losses")
    row = run_job(job)
    data = helpers.load_round(3, **FEW)
    training = {**AUX1.model_class.settings, "nb_epochs": 2, "mini_batch_size": 10}
    result = helpers.run(data, lambda: AUX1.make(hidden=20), AUX1.train, data.train_classes, **training)
    assert list(row) == COLUMNS
    assert [row[name] for name in IDENTITY] == list(job.key)
    assert row["parameters"] == str(helpers.nb_parameters(result.model))
    assert [row["first_loss"], row["last_loss"]] == [str(round(loss, 6)) for loss in result.losses]
    assert json.loads(row["details"]) == [round(loss, 4) for loss in result.losses]
    assert row["train_wrong"] == str(helpers.nb_wrong(result.model, data.train_input, data.train_target))
    assert row["wrong"] == str(result.nb_wrong)
    assert row["train_total"] == row["total"] == "20"
    read_digits = [scores.argmax(1) for scores in result.model.digit_scores(data.test_input).unbind(1)]
    wrong = sum(int((read_digits[n] != data.test_classes[:, n]).sum()) for n in (0, 1))
    assert row["digits_wrong"] == str(wrong)
    assert (row["torch"].split("+")[0], row["arithmetic"]) == provenance.this_machine()
    assert (row["error"], row["commit"]) == ("", "1234567")
    assert row == sealed(row)
    assert float(row["seconds"]) > 0


def test_the_course_of_a_training_is_that_of_shorter_ones() -> None:
    """Learning has no schedule: after each epoch it is what a training of so many epochs gives."""
    settings = {"nb_train_pairs": 60, "nb_test_pairs": 40, "mini_batch_size": 20}
    row = run_job(Job(WS, {**settings, "nb_epochs": 3}, 3, keeps="course"))
    for n, (loss, train_wrong, wrong) in enumerate(json.loads(row["details"]), 1):
        shorter = run_job(Job(WS, {**settings, "nb_epochs": n}, 3))
        assert [shorter[name] for name in ("last_loss", "train_wrong", "wrong")] == [
            str(loss),
            str(train_wrong),
            str(wrong),
        ]
    assert n == 3


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


def test_a_row_cut_short_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "results" / "test.csv"
    run_missing(file, [FIRST], QUICK, workers=1)
    head = file.read_text().partition("\n")[0]
    file.write_text(f"{head}\nSimpleModel,{{}},0,{'9' * 1000}")  # by a crash
    run_missing(file, [FIRST], QUICK, workers=1)
    before = file.read_text()
    assert before.count("\n") == 2
    run_missing(file, [FIRST, SECOND], QUICK, workers=1)  # of which one is there
    assert file.read_text().startswith(before)
    assert len(read(file)) == 2
    assert list(read_rows(file, QUICK)) == list(QUICK)


def test_a_job_that_diverges_is_a_row(tmp_path: Path) -> None:
    file, job = tmp_path / "test.csv", Job(SIMPLE, {**FEW, "learning_rate": 1e30, "mini_batch_size": 5}, 0)
    run_missing(file, [job], {job.key: job}, workers=1)
    (row,) = read_rows(file, {job.key: job}).values()
    assert re.match(r"SimpleModel diverged in epoch \d of 50 \(loss ", row["error"])
    assert row["wrong"] == row["last_loss"] == row["parameters"] == ""


@pytest.mark.parametrize("other", [{"arithmetic": "AVX9"}, {"torch": "9.9.9"}], ids=str)
def test_rows_of_another_kind_are_not_added_to(tmp_path: Path, other: Row) -> None:
    file, row = tmp_path / "test.csv", sealed({**run_job(FIRST), **other})
    before = write(file, row).read_text()
    here, there = provenance.this_machine(), (row["torch"].split("+")[0], row["arithmetic"])
    with pytest.raises(UserError) as refused:
        run_missing(file, [SECOND], QUICK, workers=1)
    kinds = f"{file} has rows of torch {there[0]}, {there[1]}; here it is torch {here[0]}, {here[1]}. "
    assert str(refused.value).startswith(f"{kinds}They are not mixed: move the file away")
    assert file.read_text() == before


def test_two_studies_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "test.csv"
    with FileLock(f"{file}.lock"), pytest.raises(UserError, match="another process is adding rows to"):
        run_missing(file, [FIRST], QUICK, workers=1)
    assert not file.exists()


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file in the folder's place")
    file = tmp_path / "results" / "test.csv"
    with pytest.raises(
        UserError, match=rf"{file} cannot be written: .* Finished rows are kept; start again to go on\."
    ):
        run_missing(file, [FIRST], QUICK, workers=1)
    run_missing(file, [], QUICK, workers=1)  # nothing is missing: nothing is written


def test_a_worker_that_the_system_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "test.csv"

    def all_but_one(jobs: list[Job], *_: object) -> Iterator[Row]:
        yield run_job(jobs[0])
        raise running.TerminatedWorkerError("a page of words")

    monkeypatch.setattr(running, "run_all", all_but_one)
    message = rf"memory ran out\. 1 new rows are in {file}; start again with fewer --workers"
    with pytest.raises(UserError, match=message):
        run_missing(file, [FIRST, SECOND], QUICK)
    assert len(read(file)) == 1


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
        list(running.run_all([FIRST], 1, client))


def test_a_dask_worker_of_several_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    assert running.run_on_dask(FIRST)["round"] == "0"
    worker.state.nthreads = 2
    with pytest.raises(UserError, match=r"^a Dask worker has 2 threads: start the workers with --nthreads 1\.$"):
        running.run_on_dask(FIRST)


# ---------------------------------------------------------------------------------------------------------------------
# The command, in this process

Asked = list[tuple[Path, list[Job], dict[Key, Job], int, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    """What the command would run, where nothing is saved: file, jobs, all jobs, workers, client."""
    calls: Asked = []
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    monkeypatch.setattr(study, "run_missing", lambda *arguments: calls.append(arguments))
    return calls


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["study.py", *arguments])
    study.main()


def test_what_is_asked_for_is_run(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    """Each job in the file of the first experiment that needs it; in the first rounds of each variant."""
    command(monkeypatch, "last_layer", "course", "--rounds", "2", "--workers", "3")
    jobs = {file.stem: jobs for file, jobs, *_ in asked}
    assert list(jobs) == list(BY_NAME)
    assert {name: len(own) for name, own in jobs.items() if own} == {
        "claims": 4,  # linear on ReLU
        "sharing": 4,  # the same with three times the epochs
        "last_layer": 24,
        "course": 2 * len(course.VARIANTS),
    }
    assert sum(map(len, jobs.values())) == 2 * (len(last_layer.VARIANTS) + len(course.VARIANTS))
    assert {job.round for job in jobs["course"]} == {1200, 1201}
    assert {(workers, client) for *_, workers, client in asked} == {(3, None)}


def test_only_what_is_missing_is_run(monkeypatch: pytest.MonkeyPatch, asked: Asked, tmp_path: Path) -> None:
    """Whatever file it is in; without arguments, all that there is."""
    shutil.copy(ROOT / "report" / "results" / "claims.csv", tmp_path / "another_name.csv")
    command(monkeypatch)
    jobs = {file.stem: jobs for file, jobs, *_ in asked}
    expected = {name: list(of_file.values()) for name, of_file in jobs_by_file().items()}
    assert jobs.pop("claims") == []
    expected.pop("claims")
    assert jobs == expected
    assert {len(every) for _, _, every, *_ in asked} == {len(all_jobs())}
    assert {(workers, client) for *_, workers, client in asked} == {(-1, None)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["claim"], "unknown experiment claim; there are claims, confirmation, "),
        (["--rounds", "0"], "'0' is not a whole number above 0"),
        (["--workers", "two"], "'two' is not a whole number above 0"),
    ],
)
def test_a_mistake_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: Asked,
    arguments: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert asked == []


def test_a_wrong_setting_is_refused_before_anything(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    monkeypatch.setattr(helpers, "NB_EPOCHS", 0)
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims")
    assert str(end.value.code).startswith("error: NB_EPOCHS = 0: it must be ")
    assert asked == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "nonsense://"])
def test_no_dask_cluster(monkeypatch: pytest.MonkeyPatch, asked: Asked, address: str) -> None:
    import distributed

    monkeypatch.setattr(distributed, "Client", None)  # not reached: one that fails cannot be closed
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims", "--dask", address)
    assert re.fullmatch(rf"error: the Dask scheduler {address} cannot be used: .+\.", str(end.value.code))
    assert "NoneType" not in str(end.value.code)
    assert asked == []


def test_nothing_is_said_or_changed_where_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in study.RESULTS.iterdir()}
    command(monkeypatch, "claims", "confirmation")
    assert capfd.readouterr() == ("", "")
    assert {file: file.stat().st_mtime_ns for file in study.RESULTS.iterdir()} == before


# ---------------------------------------------------------------------------------------------------------------------
# The commands, each in a process of its own

SMALL = '''"""Two variants, of which one is another experiment's, too: a study of a moment."""

from common.networks import SIMPLE, WS1
from common.rows import Variant

QUESTION = "Is it quick?"
VARIANTS = {"usual": Variant(WS1, {}, range(2)), "few": Variant(SIMPLE, {"nb_train_pairs": 20}, range(5))}
'''


class Study(Checkout):
    """A copy of the checkout whose jobs are short, without results, and with an experiment more: a file and a line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ignored = shutil.ignore_patterns("__pycache__", "results", "figures", "*.pdf")
        shutil.copytree(ROOT / "report", folder / "report", ignore=ignored)
        self.results = folder / "report" / "results"
        self.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)
        (folder / "report" / "experiments" / "small.py").write_text(SMALL, encoding="utf-8")
        self.edit("report/experiments/catalogue.py", '    "tuning",\n', '    "tuning",\n    "small",\n')

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "report" / f"{name}.py"), *arguments]

    def finish(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of report/ to its end, in one process unless it is told how many workers there are."""
        variables = {**os.environ, "LOKY_MAX_CPU_COUNT": "1", **environment}
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


using_made = pytest.mark.xdist_group("rows by the command")


@pytest.fixture(scope="session")  # others run between those that use it
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A copy with two rounds of the small experiment, made by two workers without git."""
    study = Study(tmp_path_factory.mktemp("made") / "a checkout")
    done = study.finish("study", "small", "--rounds", "2", "--workers", "2", PATH="/nothing/there")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "small: 100%" in done.stderr  # the progress bar
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", done.stderr)  # with the time that has passed and that is left
    return study


@using_made
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


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_end_from_outside_loses_nothing(copy: Study, how: str) -> None:
    """And leaves no process: Ctrl-C goes to the workers, too, as from a terminal, SIGTERM to the command alone.

    The jobs with few pairs are done soon; those that are running at the end would take much longer than the wait.
    """
    copy.set(NB_EPOCHS=50)
    file = copy.results / "train_pairs.csv"
    process = subprocess.Popen(
        copy.command("study", "train_pairs", "--workers", "2"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    deadline = time.time() + LIMIT
    while len(read(file)) < 3:
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
    rows = read(file)
    assert 3 <= len(rows) < 100
    assert f"Interrupted: {len(rows)} new rows are in {file}. Start again to go on." in errors
    assert rows == [sealed(row) for row in rows]


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


@using_made
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
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1"]
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
        done = copy.finish("study", "small", "--rounds", "2", "--dask", address)
        assert done.returncode == 0, done.stderr
        different = r"these Dask machines run different code: .*tcp://127\.0\.0\.1:"
        with pytest.raises(UserError, match=different), study.dask_client(address):
            pass
        monkeypatch.setattr(study, "code_version", lambda: provenance.code_version(copy.folder))
        with pytest.raises(ValueError, match="^of a run$"), study.dask_client(address):
            raise ValueError("of a run")  # not of the scheduler, and not told as one
        with study.dask_client(address) as client:
            pause = client.run(lambda dask_worker: dask_worker.memory_manager.memory_pause_fraction)
            assert list(pause.values()) == [False]
            too_many = Job(SIMPLE, {"validation": True, "nb_train_pairs": 29990, "nb_test_pairs": 50}, 0)
            with pytest.raises(UserError, match=r"^50 pairs of 20 images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS\.$"):
                list(running.run_all([too_many], 1, client))
    for name in ("claims", "small"):
        assert {row["commit"] for row in copy.rows(name)} == {"abcdef0"}
        assert results_of(copy.rows(name), "commit") == results_of(made.rows(name), "commit")


# ---------------------------------------------------------------------------------------------------------------------
# verify.py


@using_made
def test_rows_come_out_again_and_a_changed_digit_is_found(made: Study, copy: Study) -> None:
    """All of the copy's."""
    shutil.copytree(made.results, copy.results)
    first, second = copy.rows("small")
    other = f"{float(second['last_loss']) + 0.000001:.6f}"
    changed = sealed({**second, "last_loss": other})
    write(copy.results / "small.csv", first, changed)
    done = copy.finish("verify", "small", "--seed", "5")
    assert (done.returncode, done.stderr) == (1, "")
    head, *lines, last = done.stdout.splitlines()
    assert head == "4 rows, drawn with --seed 5"
    assert last == "3 of 4 rows are equal to the last digit."
    texts = {f"last_loss {other}, now {second['last_loss']}": [changed], "equal": [*copy.rows("claims"), first]}
    expected = [f"{' '.join(row[name] for name in IDENTITY)}: {text}" for text, rows in texts.items() for row in rows]
    assert sorted(line.partition(" of 4  ")[2] for line in lines) == sorted(expected)
    assert [int(line.split()[0]) for line in lines] == list(range(1, 5))
