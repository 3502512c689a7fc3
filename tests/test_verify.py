"""verify.py: its draw, what it says, and saved rows that come out again; the command itself is in test_study."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import verify
from common.measuring import run_job
from common.networks import AUX1, BASE, SIMPLE
from common.provenance import this_machine
from common.rows import RESULTS, Job, Row
from common.saved import RESULT_COLUMNS, differences
from experiments import claims, epochs, train_pairs
from experiments.catalogue import EXPERIMENTS, name_of
from plain import ROUNDS
from test_rows import sealed, write

import helpers

NAMES = [name_of(experiment) for experiment in EXPERIMENTS]


def saved(name: str, folder: Path = RESULTS) -> list[Row]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def key(row: Row) -> tuple[str, str, str, str]:
    return row["experiment"], row["network"], row["round"], row["settings"]


def test_the_draw_takes_the_experiments_in_turn() -> None:
    found = [job.experiment for job, _ in verify.draw(NAMES, 25, 3)]
    assert found == [*NAMES, *NAMES][:25]
    size = 2 * len(ROUNDS["errors"])  # it has no more rows
    drawn = verify.draw(["claims", "errors"], 3 * size, 3)
    assert [job.experiment for job, _ in drawn[: 2 * size]] == ["claims", "errors"] * size
    assert [job.experiment for job, _ in drawn[2 * size :]] == ["claims"] * size
    assert len({job.key for job, _ in drawn}) == 3 * size
    assert all(job.key == key(row) for job, row in drawn)


def test_the_draw_is_repeated_by_its_seed() -> None:
    keys = [[job.key for job, _ in verify.draw(["claims"], 9, seed)] for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
    every = {job.key for job, _ in verify.draw(["claims"], 1000, 0)}
    assert every == {key(row) for row in saved("claims")}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        (
            {"seconds": "1", "cpu": "x", "torch": "x", "arithmetic": "x", "commit": "x", "code": "x", "checksum": "x"},
            [],
        ),
        ({"wrong": "7"}, ["wrong 7, now 150"]),
        ({"train_wrong": "7"}, ["train_wrong 7, now 0"]),
        ({"parameters": "1"}, ["parameters 1, now 58918"]),
        ({"first_loss": "0.71"}, ["first_loss 0.71, now 0.7"]),
        ({"last_loss": "0.100001"}, ["last_loss 0.100001, now 0.1"]),
        ({"digits_wrong": "7", "dead_scores": "1"}, ["digits_wrong 7, now 1700", "dead_scores 1, now 0"]),
        ({"joint_wrong": "7", "head_wrong": "7"}, ["joint_wrong 7, now 200", "head_wrong 7, now 2"]),
        ({"highest_wrong": "7"}, ["highest_wrong 7, now 300"]),
        ({"details": "{}"}, ["details {}, now "]),
        ({"total": "7", "train_total": "7"}, ["train_total 7, now 1000", "total 7, now 1000"]),
        ({"error": "it diverged"}, ["error 'it diverged', now ''"]),
    ],
    ids=str,
)
def test_what_differs(values: Row, said: list[str]) -> None:
    new = {"parameters": "58918", "first_loss": "0.7", "last_loss": "0.1", "train_wrong": "0", "train_total": "1000"}
    new |= {"wrong": "150", "total": "1000", "digits_wrong": "1700", "highest_wrong": "300", "joint_wrong": "200"}
    new |= {"head_wrong": "2", "dead_scores": "0", "details": "", "error": "", "seconds": "5"}
    assert differences({**new, **values}, new) == said


def test_the_words_of_an_error_may_change() -> None:
    row = {**dict.fromkeys(RESULT_COLUMNS, ""), "error": "it diverged"}
    assert differences(row, {**row, "error": "it has diverged"}) == []
    assert differences(row, {**row, "error": ""}) == ["error 'it diverged', now ''"]


# ---------------------------------------------------------------------------------------------------------------------
# The command, with rows that are not really run


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two rows of the claims, and none of others; each that is run again comes out as it is saved."""
    rows = [{**row, "torch": this_machine()[0], "arithmetic": this_machine()[1]} for row in saved("claims")[:2]]
    write(tmp_path / "claims.csv", *map(sealed, rows))

    def run_all(jobs: list[Job], workers: int) -> Iterator[Row]:
        assert workers == -1
        for job in reversed(jobs):
            yield next(row for row in rows if key(row) == job.key)

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


def test_a_line_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    assert command(monkeypatch, "--seed", "7") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 rows, drawn with --seed 7"
    assert [line[:8] for line in lines[1:3]] == ["  1 of 2", "  2 of 2"]
    assert sorted(line[10:] for line in lines[1:3]) == sorted(
        f"{' '.join(key(row))}: equal" for row in saved("claims", results)
    )
    assert lines[3:] == ["2 of 2 rows are equal to the last digit."]
    assert command(monkeypatch, "--rows", "1") == 0
    assert capsys.readouterr().out.startswith("1 rows, drawn with --seed ")


def test_a_row_that_differs_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    first, second = saved("claims", results)
    write(results / "claims.csv", sealed({**first, "train_wrong": "777"}), second)
    assert command(monkeypatch) == 1
    output = capsys.readouterr().out
    assert f"{' '.join(key(first))}: train_wrong 777, now {first['train_wrong']}\n" in output
    assert f"{' '.join(key(second))}: equal\n" in output
    assert output.endswith("\n1 of 2 rows are equal to the last digit.\n")


def test_rows_of_long_runs_are_drawn_where_their_experiment_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    first, second = saved("claims", results)
    write(results / "claims.csv", sealed({**first, "seconds": "60.5"}), sealed({**second, "seconds": "60"}))
    assert command(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 rows, ")
    assert lines[1].startswith(f"  1 of 1  {' '.join(key(second))}: equal")
    assert command(monkeypatch, "claims") == 0
    assert capsys.readouterr().out.startswith("2 rows, ")


@pytest.mark.parametrize("other", [{"arithmetic": "AVX9"}, {"torch": "9.9.9"}], ids=str)
def test_rows_of_another_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path, other: Row
) -> None:
    first, second = saved("claims", results)
    write(results / "claims.csv", first, sealed({**second, **other}))
    assert command(monkeypatch) == 0
    line = capsys.readouterr().out.splitlines()[1]
    there = {"torch": this_machine()[0], "arithmetic": this_machine()[1], **other}
    assert line.startswith("Made with torch ")
    assert f"torch {there['torch']}, {there['arithmetic']}" in line.partition("; here ")[0]
    here = f"; here torch {this_machine()[0]}, {this_machine()[1]}: equal digits are not to be expected."
    assert line.endswith(here)


def test_what_cannot_be_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    with pytest.raises(
        helpers.UserError, match=r"^there are no saved rows of sharing, tuning\. Run report/study\.py\.$"
    ):
        verify.draw(["sharing", "tuning"], 20, 0)
    assert command(monkeypatch, "claim") == 2
    assert "unknown experiment claim; there are claims, confirmation, " in capsys.readouterr().err
    assert command(monkeypatch, "--rows", "0") == 2
    write(results / "claims.csv", {**saved("claims", results)[0], "wrong": "1"})
    with pytest.raises(helpers.UserError, match=r"claims\.csv, line 2: .*one of them was changed"):
        verify.draw(["claims"], 20, 0)
    monkeypatch.setattr(helpers, "NB_EPOCHS", 0)
    monkeypatch.setattr(sys, "argv", ["verify.py"])
    with pytest.raises(helpers.UserError, match="NB_EPOCHS = 0"):
        verify.main()


# ---------------------------------------------------------------------------------------------------------------------
# A saved round comes out again

AGAIN = [*(epochs.run(network, 3, 1203) for network in BASE), claims.run(SIMPLE, 7), train_pairs.run(AUX1, 125, 1)]


@pytest.mark.parametrize("job", AGAIN, ids=lambda job: f"{job.experiment}-{job.network.name}")
def test_a_saved_round_comes_out_again(job: Job) -> None:
    """To the last digit, on a machine that computes as the rows' did; else as nearly as rounding allows."""
    row = next(row for row in saved(job.experiment) if key(row) == job.key)
    new = run_job(job)
    if this_machine() == (row["torch"].split("+")[0], row["arithmetic"]):
        assert differences(row, new) == []
    assert new["parameters"] == row["parameters"]
    assert float(new["first_loss"]) == pytest.approx(float(row["first_loss"]), abs=0.01)
    assert int(new["wrong"]) == pytest.approx(int(row["wrong"]), abs=0.03 * int(row["total"]))
