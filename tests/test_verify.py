"""verify.py: its draw, what it says, and saved rows that come out again; verify.py itself is in test_command_study."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import verify
from common import fingerprints
from common.measuring import run_job
from common.networks import BASE, EXPLORATION, SIMPLE, WS1
from common.provenance import this_machine
from common.results import Results, differences
from common.rows import COLUMNS, IDENTITY, RESULTS, Job, Row, Variant, key_of
from conftest import all_results
from experiments.catalogue import EXPERIMENTS, jobs_of
from plain import rows
from test_rows import read, row_of, sealed, write

import helpers
from models.WSharing import WSModel1


def keys_of(name: str) -> set[Any]:
    return {job.key for job in jobs_of(EXPERIMENTS[name])}


def test_the_sample_takes_the_experiments_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that two experiments need is drawn for one of them."""
    monkeypatch.setattr(verify, "read_all", lambda *_: (all_results().by_key, {}))
    names = ["confirmation", "ablation", "tuning"]  # of which none needs another's
    drawn = verify.sample_rows(names, 8, 3)
    of_drawn = [next(name for name in names if job.key in keys_of(name)) for job, _ in drawn]
    assert of_drawn == [*names, *names, *names[:2]]
    assert all(job.key == key_of(row) for job, row in drawn)
    number = len(keys_of("ablation"))
    assert {job.key for job, _ in verify.sample_rows(["ablation"], number + 9, 0)} == keys_of("ablation")
    keys = [[job.key for job, _ in verify.sample_rows(["claims"], 9, seed)] for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
    every = [job.key for job, _ in verify.sample_rows(list(EXPERIMENTS), 10**6, 3)]
    assert len(every) == len(set(every)) == len(rows())


def test_what_differs() -> None:
    """All but what says how a row was made, and the words of an error."""
    row = row_of()
    made_by = dict.fromkeys(("seconds", "cpu", "torch", "arithmetic", "commit", "code", "checksum"), "x")
    assert differences({**row, **made_by}, row) == []
    results = [column for column in COLUMNS if column not in (*IDENTITY, *made_by, "error")]
    wanted = [f"{column} 7, now {row[column]}" for column in results]
    assert differences({**row, **dict.fromkeys(results, "7")}, row) == wanted
    lost = {**row, "error": "it diverged"}
    assert differences(lost, row) == ["error 'it diverged', now ''"]
    assert differences(lost, {**row, "error": "it has diverged"}) == []


# ---- The command, with rows that are not really run ------------------------------------------------------------------


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two rows of the claims, and none of others; each that is run again comes out as it is saved."""
    rows_of_two = [
        {**row, "torch": this_machine()[0], "arithmetic": this_machine()[1]} for row in read(RESULTS / "claims.csv")
    ]
    rows_of_two = [row for row in rows_of_two if row["network"] in ("SimpleModel", "WSModel")][:2]
    write(tmp_path / "claims.csv", *map(sealed, rows_of_two))

    def run_all(jobs: list[Job], _: Any) -> Iterator[Row]:
        for job in reversed(jobs):
            yield next(row for row in rows_of_two if key_of(row) == job.key)

    monkeypatch.setattr(verify, "RESULTS", tmp_path)
    monkeypatch.setattr(verify, "run_all", run_all)
    return tmp_path


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit status."""
    monkeypatch.setattr(sys, "argv", ["verify.py", *arguments])
    with pytest.raises(SystemExit) as end:
        verify.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def test_rows_of_long_jobs_are_sampled_where_their_experiment_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    first, second = read(results / "claims.csv")
    write(results / "claims.csv", sealed({**first, "seconds": "60.5"}), sealed({**second, "seconds": "60"}))
    assert command(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 rows, ")
    assert lines[1].startswith(f"  1 of 1  {' '.join(key_of(second))}: equal")
    for arguments, drawn in ((["claims"], 2), (["claims", "--rows", "1"], 1)):
        assert command(monkeypatch, *arguments) == 0
        assert capsys.readouterr().out.startswith(f"{drawn} rows, sampled with --seed ")


@pytest.mark.parametrize("other", [{"arithmetic": "AVX9"}, {"torch": "9.9.9"}], ids=str)
def test_rows_of_another_instruction_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path, other: Row
) -> None:
    first, second = read(results / "claims.csv")
    write(results / "claims.csv", first, sealed({**second, **other}))
    assert command(monkeypatch) == 0
    line = capsys.readouterr().out.splitlines()[1]
    there = {"torch": this_machine()[0], "arithmetic": this_machine()[1], **other}
    assert line.startswith("Rows were made with torch ")
    assert f"torch {there['torch']}, {there['arithmetic']}" in line.partition(", this machine uses ")[0]
    here = f", this machine uses torch {this_machine()[0]}, {this_machine()[1]}: expect small differences."
    assert line.endswith(here)


def test_what_cannot_be_verified(monkeypatch: pytest.MonkeyPatch, results: Path) -> None:
    message = r"^there are no saved rows of authors, tuning\. Run report/study\.py\.$"
    with pytest.raises(helpers.UserError, match=message):
        verify.sample_rows(["authors", "tuning"], 20, 0)
    assert command(monkeypatch, "--rows", "0") == 2
    write(results / "claims.csv", {**read(results / "claims.csv")[0], "wrong": "1"})
    with pytest.raises(helpers.UserError, match=r"claims\.csv, line 2 was changed: "):
        verify.sample_rows(["claims"], 20, 0)
    monkeypatch.setattr(helpers, "NB_EPOCHS", 0)
    monkeypatch.setattr(sys, "argv", ["verify.py"])
    with pytest.raises(helpers.UserError, match="NB_EPOCHS = 0"):
        verify.main()


# ---- A short run of each kind ----------------------------------------------------------------------------------------

SMALL = {"nb_train_pairs": 20, "nb_test_pairs": 20}


def test_rows_outlive_an_edit_that_keeps_the_results_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two kinds in two rounds: an edit, a refusal, verify.py --every, no refusal; an edit that changes results."""
    variants = {network: Variant(network, SMALL, range(2)) for network in (SIMPLE, WS1)}
    jobs = {job.key: job for variant in variants.values() for job in variant}
    monkeypatch.setattr(verify, "RESULTS", tmp_path)
    monkeypatch.setattr(verify, "all_jobs", lambda: jobs)
    monkeypatch.setattr(sys, "argv", ["verify.py", "--every"])
    fingerprints.record(fingerprints.kinds_of(jobs.values()), {}, tmp_path)
    write(tmp_path / "small.csv", *(run_job(job) for job in jobs.values()))
    assert len(Results(jobs, tmp_path).by_key) == 4

    monkeypatch.setattr(fingerprints, "code_version", lambda: "ba9876543210")
    with pytest.raises(helpers.UserError, match=r"Run report/verify\.py --every"):
        Results(jobs, tmp_path)
    verify.main()
    assert capsys.readouterr().out == "The code gives the saved rows: the fingerprints of all 2 kinds are equal.\n"
    assert len(Results(jobs, tmp_path).by_key) == 4
    assert fingerprints.read(tmp_path).code[1:] == ["ba9876543210"]

    monkeypatch.setattr(fingerprints, "code_version", lambda: "0a1b2c3d4e5f")
    monkeypatch.setitem(WSModel1.settings, "balance", 2.0)
    different = r"of 1 of 2 kinds:\n  WSModel1 {.*} \(rows in small\.csv\): another result\n"
    with pytest.raises(helpers.UserError, match=different):
        verify.main()
    with pytest.raises(helpers.UserError, match=r"Run report/verify\.py --every"):
        Results(jobs, tmp_path)


# ---- A saved round comes out again -----------------------------------------------------------------------------------

AGAIN = [Job(net, {"nb_train_pairs": 125}, 3) for net in BASE]
AGAIN += [Job(net, {"nb_train_pairs": 125}, 1) for net in EXPLORATION]  # with every setting of theirs


@pytest.mark.parametrize("job", AGAIN, ids=str)
def test_a_saved_round_comes_out_again(job: Job) -> None:
    """To the last digit, on a machine that computes as the rows' did; else as nearly as rounding allows."""
    row, new = rows()[job.key[0], job.key[1], job.round], run_job(job)
    if this_machine() == (row["torch"].split("+")[0], row["arithmetic"]):
        assert differences(row, new) == []
    assert new["parameters"] == row["parameters"]
    assert float(new["first_loss"]) == pytest.approx(float(row["first_loss"]), abs=0.01)
    assert int(new["wrong"]) == pytest.approx(int(row["wrong"]), abs=0.03 * int(row["total"]))
