"""Jobs, files of rows, and what study.py runs, in this process."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import study
from common import measuring, provenance, running
from common.checks import read_rows
from common.measuring import run_job
from common.networks import AUX1, SIMPLE, WS
from common.rows import COLUMNS, IDENTITY, Job, Key, Row, Variant
from common.running import run_missing
from conftest import ROOT
from experiments import course, last_layer
from experiments.catalogue import BY_NAME, all_jobs, jobs_by_file
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
        found = [shorter[name] for name in ("last_loss", "train_wrong", "wrong")]
        assert found == list(map(str, (loss, train_wrong, wrong)))
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


def test_a_dask_cluster_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scheduler was killed, or a worker for want of memory."""
    from distributed import KilledWorker

    client = SimpleNamespace(map=lambda *_, **__: None)
    said = r"^the Dask cluster was lost \(.*\)\. Finished rows are kept; start again\.$"
    for error in (CancelledError("of a row"), KilledWorker("a row", SimpleNamespace(address="tcp://a_worker"), 3)):
        lost = Mock(side_effect=error)
        monkeypatch.setattr("distributed.as_completed", lambda _, lost=lost: [SimpleNamespace(result=lost)])
        with pytest.raises(UserError, match=said):
            list(running.run_all([FIRST], 1, client))


def test_a_dask_worker_of_several_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    assert running.run_on_dask(FIRST)["round"] == "0"
    worker.state.nthreads = 2
    with pytest.raises(UserError, match=r"^a Dask worker has 2 threads: start the workers with --nthreads 1\.$"):
        running.run_on_dask(FIRST)


# ---- The command, in this process ------------------------------------------------------------------------------------

Asked = list[tuple[Path, list[Job], dict[Key, Job], int, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    """What the command would run, where nothing is saved: file, jobs, all jobs, workers, client."""
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
