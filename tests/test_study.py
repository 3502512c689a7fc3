"""Jobs, files of rows, and what study.py runs, in this process."""

import json
import os
import re
import resource
import shutil
import sys
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import study
from common import measuring, provenance, running
from common.measuring import run_job
from common.networks import AUX1, SIMPLE, WS
from common.results import read_rows
from common.rows import COLUMNS, IDENTITY, Job, Row, Variant
from common.running import run_missing
from conftest import ROOT
from distributed import Client, KilledWorker
from experiments import course, last_layer
from experiments.catalogue import EXPERIMENTS, jobs_by_file
from filelock import FileLock
from test_rows import read, sealed, write

import helpers
from helpers import UserError

FEW = {"nb_train_pairs": 20, "nb_test_pairs": 20}
QUICK = {job.key: job for job in Variant(SIMPLE, {**FEW, "nb_epochs": 1}, (0, 1))}
FIRST, SECOND = QUICK.values()

# ---- One job, and a file of rows -------------------------------------------------------------------------------------


def test_a_row_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the parts that it is made of."""
    monkeypatch.setattr(measuring, "commit", lambda: "1234567")
    job = Job(AUX1, {**FEW, "nb_epochs": 2, "mini_batch_size": 10, "hidden": 20}, 3, details="losses")
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
    row = run_job(Job(WS, {**settings, "nb_epochs": 3}, 3, details="course"))
    for n, (loss, train_wrong, wrong) in enumerate(json.loads(row["details"]), 1):
        shorter = run_job(Job(WS, {**settings, "nb_epochs": n}, 3))
        found = [shorter[name] for name in ("last_loss", "train_wrong", "wrong")]
        assert found == list(map(str, (loss, train_wrong, wrong)))
    assert n == 3


def test_a_row_names_all_that_rounding_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")
    for name, value in zip(helpers.SAME_DIGITS, ("avx2", "AVX2", "COMPATIBLE"), strict=True):
        monkeypatch.setenv(name, value)
    assert provenance.instruction_set() == "AVX2 avx2 AVX2 COMPATIBLE"
    monkeypatch.setenv("MKL_CBWR", "OFF")
    assert provenance.instruction_set() == "AVX2 avx2 AVX2 OFF"
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "DEFAULT")
    assert provenance.instruction_set() == "DEFAULT"


@pytest.mark.parametrize(
    ("script", "commit"),
    [("echo 1234567", "1234567"), ("echo fatal: no repository >&2; exit 128", "unknown"), ("echo 12", "unknown")],
)
def test_the_commit_is_a_hash_or_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, commit: str
) -> None:
    """Whatever git says; and without git."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit.__wrapped__() == "unknown"
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    assert provenance.commit.__wrapped__() == commit


class Here(ProcessPoolExecutor):
    """Workers that run a job at once, in this process, and count the jobs."""

    def __init__(self) -> None:
        self.count = 0

    def submit(self, function: Any, *arguments: Any, **_: Any) -> Future[Any]:
        self.count += 1
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("cut", ["nothing", "half a row", "the head", "all"])
def test_only_what_is_missing_is_run_and_a_cut_row_again(tmp_path: Path, cut: str) -> None:
    """By an end at any moment, or a full disk."""
    file, workers = tmp_path / "results" / "test.csv", Here()
    run_missing(file, [FIRST], workers)
    text = file.read_text()
    head = text.partition("\n")[0]
    left = {"nothing": text, "half a row": f"{head}\nSimpleModel,{{}},0,{'9' * 1000}", "the head": head[:50], "all": ""}
    file.write_text(left[cut])
    run_missing(file, [FIRST, SECOND], workers)
    assert workers.count == (2 if cut == "nothing" else 3)
    assert file.read_text().startswith(f"{head}\n")
    assert set(read_rows(file)) == {FIRST.key, SECOND.key}


def test_a_job_that_diverges_is_a_row(tmp_path: Path) -> None:
    file, job = tmp_path / "test.csv", Job(SIMPLE, {**FEW, "learning_rate": 1e30, "mini_batch_size": 5}, 0)
    run_missing(file, [job], Here())
    (row,) = read_rows(file).values()
    assert re.match(r"SimpleModel diverged in epoch \d of 50 \(loss ", row["error"])
    assert row["wrong"] == row["last_loss"] == row["parameters"] == ""


@pytest.mark.parametrize("other", [{"arithmetic": "AVX9"}, {"torch": "9.9.9"}, {"code": "0" * 12}], ids=str)
@pytest.mark.parametrize("new", [False, True])
def test_rows_that_cannot_be_compared_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Row, new: bool
) -> None:
    """Those of the file with this machine's, and, on other machines, a worker's. Other code may have made old rows."""
    file, row = tmp_path / "test.csv", sealed({**run_job(FIRST), **other})
    if new:
        monkeypatch.setattr(running, "run_job", lambda _: sealed({**run_job(SECOND), **other}))
        before = write(file, run_job(FIRST)).read_text()
    else:
        before = write(file, row).read_text()
    if not new and "code" in other:
        run_missing(file, [SECOND], Here())
        return
    here, there = provenance.this_machine(), (row["torch"].split("+")[0], row["arithmetic"])
    kinds = f"{file}: rows of torch {there[0]}, {there[1]}, and of torch {here[0]}, {here[1]}, as here, are not mixed."
    said = "a worker runs other code, version 000000000000: update its checkout." if "code" in other else kinds
    with pytest.raises(UserError, match=f"^{re.escape(said)}"):
        run_missing(file, [SECOND], Here())
    assert file.read_text() == before


def test_two_studies_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "test.csv"
    with FileLock(f"{file}.lock"), pytest.raises(UserError, match="another process is adding rows to"):
        run_missing(file, [FIRST], Here())
    assert not file.exists()


def test_a_full_disk(tmp_path: Path) -> None:
    """It ends in the middle of a row. What was whole stays, and the study goes on from there."""
    file = tmp_path / "test.csv"
    run_missing(file, [FIRST], Here())
    before, limits = file.read_text(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
    try:
        with pytest.raises(UserError, match=rf"^{file} cannot be written: .*too large"):
            run_missing(file, [SECOND], Here())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(file.read_text()) == len(before) + 50
    run_missing(file, [FIRST, SECOND], Here())
    assert file.read_text().startswith(before)
    assert len(read(file)) == 2


def test_an_error_waits_for_no_job_that_has_not_begun(tmp_path: Path) -> None:
    """As of a full disk: the message comes when those that run are done, and not after the whole study."""
    done, waiting = Future[Any](), Future[Any]()
    done.set_result(sealed({**run_job(FIRST), "torch": "9.9.9"}))
    workers = Here()
    workers.submit = Mock(side_effect=[done, waiting])  # type: ignore[method-assign]
    with pytest.raises(UserError, match="are not mixed"):
        run_missing(tmp_path / "test.csv", [FIRST, SECOND], workers)
    assert waiting.cancelled()


def test_a_worker_that_is_lost(tmp_path: Path) -> None:
    """Here, killed by the system; on Dask, with its scheduler, or without this code. What is finished is kept."""
    file = tmp_path / "test.csv"
    on_dask = r"^Dask failed: .*\. Finished rows are kept; see report/README\.md, and start again\.$"
    for error, said in (
        (BrokenProcessPool(), "^a process was killed, most often because memory ran out. Finished rows are kept; "),
        (CancelledError("of a row"), on_dask),
        (KilledWorker("a row", SimpleNamespace(address="tcp://a_worker"), 3), on_dask),
        (ModuleNotFoundError("No module named 'common'"), on_dask),
    ):
        lost: Future[Any] = Future()
        lost.set_exception(error)
        workers = (Mock if said == on_dask else Here)()
        workers.submit = Mock(side_effect=[lost])
        with pytest.raises(UserError, match=said):
            run_missing(file, [SECOND], workers)
        run_missing(file, [FIRST], Here())
        assert len(read(file)) == 1


def test_a_dask_worker_of_several_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    assert running.run_alone(FIRST)["round"] == "0"
    worker.state.nthreads = 2
    with pytest.raises(UserError, match=r"^a Dask worker has 2 threads: start the workers with --nthreads 1\.$"):
        running.run_alone(FIRST)


# ---- The command, in this process ------------------------------------------------------------------------------------

Asked = list[tuple[Path, list[Job], Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    """What the command would run, where nothing is saved: file, jobs, workers."""
    calls: Asked = []
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    monkeypatch.setattr(study, "run_missing", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(study.fingerprints, "record", lambda *_: None)
    return calls


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["study.py", *arguments])
    study.main()


def test_what_is_asked_for_is_run(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    """Each job in the file of the first experiment that needs it; in the first rounds of each variant."""
    command(monkeypatch, "last_layer", "course", "--rounds", "2", "--workers", "3")
    jobs = {file.stem: jobs for file, jobs, *_ in asked}
    assert list(jobs) == list(EXPERIMENTS)
    assert {name: len(own) for name, own in jobs.items() if own} == {
        "claims": 4,  # linear on ReLU
        "sharing": 4,  # the same with three times the epochs
        "last_layer": 42,
        "course": 2 * len(course.VARIANTS),
    }
    assert sum(map(len, jobs.values())) == 2 * (len(last_layer.VARIANTS) + len(course.VARIANTS))
    assert {job.round for job in jobs["course"]} == {1200, 1201}
    assert {workers._max_workers for *_, workers in asked} == {3}


def test_only_what_is_missing_is_run(monkeypatch: pytest.MonkeyPatch, asked: Asked, tmp_path: Path) -> None:
    """Whatever file it is in; without arguments, all that there is."""
    shutil.copy(ROOT / "report" / "results" / "claims.csv", tmp_path / "another_name.csv")
    command(monkeypatch)
    jobs = {file.stem: jobs for file, jobs, *_ in asked}
    expected = {name: list(of_file.values()) for name, of_file in jobs_by_file().items()}
    assert jobs.pop("claims") == []
    expected.pop("claims")
    assert jobs == expected
    assert {workers._max_workers for *_, workers in asked} == {len(os.sched_getaffinity(0))}


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


def test_fingerprints_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    monkeypatch.setattr(study.fingerprints, "record", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims")
    assert re.search(r"cannot be written: .*No space left on device\. Finished rows are kept", str(end.value.code))
    assert asked == []


@pytest.mark.parametrize(
    ("address", "error"),
    [("tcp://127.0.0.1:9", None), ("tls://127.0.0.1:9", TypeError("no certificate")), ("", ValueError("no address"))],
)
def test_no_dask_cluster(monkeypatch: pytest.MonkeyPatch, asked: Asked, address: str, error: Exception | None) -> None:
    quick = lambda address, timeout: Client(address, timeout=timeout / 10)  # noqa: E731
    monkeypatch.setattr("distributed.Client", quick if error is None else Mock(side_effect=error))
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "claims", "--dask", address)
    assert re.fullmatch(rf"error: the Dask scheduler '{address}' cannot be used: .+\.", str(end.value.code))
    assert asked == []


def test_a_dask_cluster_without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Mock(wait_for_workers=Mock(side_effect=TimeoutError("only 0 of 1 workers arrived")))
    monkeypatch.setattr("distributed.Client", Mock(return_value=client))
    with pytest.raises(
        UserError, match=r"^the Dask scheduler 'tcp://a' cannot be used: only 0 of 1 workers arrived\.$"
    ):
        study.dask_workers("tcp://a")


def test_nothing_is_changed_where_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in study.RESULTS.iterdir()}
    command(monkeypatch, "claims", "confirmation")
    assert capfd.readouterr() == ("No row is missing.\n", "")
    assert {file: file.stat().st_mtime_ns for file in study.RESULTS.iterdir()} == before
