"""The statistics, against answers by hand, and the checks between the saved rows and what is said of them."""

import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any

import evidence
import inference
import numpy as np
import pytest
import rows
from evidence import claims_of, compare
from rows import RESULTS, Job
from study import jobs

from helpers import UserError


def test_interval_by_hand() -> None:
    # mean 2, deviation 1, t = 4.302653 for 2 degrees of freedom (tables of Student's t)
    mean, half = inference.mean_and_interval([1, 2, 3])
    assert mean == 2
    assert half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def test_sign_flips_by_hand() -> None:
    # of 8 ways to sign 1, 2, 3 two have a mean as far from 0; of 2^10 to sign ten ones, two
    assert inference.sign_flip_p([1, 2, 3]) == pytest.approx(2 / 8)
    assert inference.sign_flip_p([1.0] * 10) == pytest.approx(2 / 1024)
    # 1, 2, -3: the mean is 0, and every way is as far
    assert inference.sign_flip_p([1, 2, -3]) == pytest.approx(1)
    # 30 rounds, at random: as often negative as positive
    assert inference.sign_flip_p([1, -1] * 15) > 0.9
    assert inference.sign_flip_p([1.0] * 30) < 0.0001


def test_holm_by_hand() -> None:
    assert inference.holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert inference.holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert inference.holm([0.9, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])


def test_bootstrap_agrees_with_student_on_normal_differences() -> None:
    values = np.random.default_rng(1).normal(2, 1, 200)
    mean, half = inference.mean_and_interval(values)
    low, high = inference.bootstrap_interval(values)
    assert low == pytest.approx(mean - half, abs=0.02)
    assert high == pytest.approx(mean + half, abs=0.02)


def test_coverage_by_hand() -> None:
    # of 27 ways to draw three of 0, 0, 1, the 12 with one 1 and the 6 with two have an interval that holds 1/3
    assert inference.coverage([0, 0, 1]) == pytest.approx(18 / 27, abs=0.015)
    normal = [NormalDist().inv_cdf((n + 0.5) / 100) for n in range(100)]
    assert inference.coverage(normal) == pytest.approx(0.95, abs=0.01)


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    """A simulation: differences of counts of errors, as in the claims, whose mean is known."""
    drawn = np.random.default_rng(2).binomial(1000, [[[0.15]], [[0.18]]], (2, 2000, 30)) / 10
    held = 0
    for differences in drawn[1] - drawn[0]:
        mean, half = inference.mean_and_interval(differences)
        held += abs(mean - 3) <= half
    assert 0.94 <= held / 2000 <= 0.96


@pytest.mark.parametrize(
    ("mean", "half", "p", "expected"),
    [(3, 1, 0.001, "holds"), (-3, 1, 0.001, "refuted"), (1, 3, 0.001, "not shown"), (3, 1, 0.05, "not shown")],
)
def test_verdicts(mean: float, half: float, p: float, expected: str) -> None:
    assert evidence.verdict(mean, half, p) == expected


def test_a_comparison_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"WSModel": [100, 120, 150], "SimpleModel": [130, 120, 140]}
    saved = {
        Job("claims", network, r).key: {"wrong": str(number), "total": "1000", "error": ""}
        for network, numbers in wrong.items()
        for r, number in enumerate(numbers)
    }
    monkeypatch.setattr(evidence, "rows_by_key", lambda: saved)
    found = compare(claims_of("WSModel", 3), claims_of("SimpleModel", 3))
    assert found.differences == pytest.approx([3, 0, -1])
    assert found.mean == pytest.approx(2 / 3)
    assert found.counts == (1, 1, 1)
    # of 8 ways to sign 3, 0, -1, all but those four that give 3 - 1 or its opposite are farther from 0
    assert found.p == pytest.approx(1)
    with pytest.raises(UserError, match=r"rounds \[0, 1, 2\] cannot be paired with \[0, 1\]"):
        compare(claims_of("WSModel", 3), claims_of("SimpleModel", 2))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the saved rows, which are read anew."""
    for file in RESULTS.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    evidence.rows_by_key.cache_clear()
    yield tmp_path
    evidence.rows_by_key.cache_clear()


def change(file: Path, number: int, **values: str) -> None:
    """Change values of one row of a file."""
    with file.open(newline="") as opened:
        lines = list(csv.DictReader(opened))
    lines[number].update(values)
    file.write_text(rows.csv_text(list(lines[0]), [list(line.values()) for line in lines]))


def test_the_saved_rows_are_complete(results: Path) -> None:
    assert len(evidence.rows_by_key()) > 1000


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"round": "77"}, "lacks 1 rows, the first of"),
        ({"settings": '{"data": {}, "model": {}, "training": {"nb_epochs": 25}}'}, "settings that the experiment"),
        ({"network": "PublishedWSModel"}, "settings that the experiment"),
        ({"code": "0123456789ab"}, r"run by other code \(0123456789ab, now "),
        ({"total": "500"}, "has 500 test pairs"),
    ],
)
@pytest.mark.parametrize("name", ["claims", "sharing", "train_pairs", "published"])
def test_rows_that_are_not_evidence(results: Path, name: str, values: dict[str, Any], message: str) -> None:
    if name == "published" and "network" in values:
        values = {"network": "WSModel"}
    change(results / f"{name}.csv", 3, **values)
    with pytest.raises(UserError, match=message):
        evidence.rows_by_key()


def test_a_run_that_diverged_is_not_left_out_in_silence(results: Path) -> None:
    change(results / "claims.csv", 3, error="the loss is nan", wrong="", total="")
    (job,) = [job for job in jobs("claims") if evidence.rows_by_key()[job.key]["error"]]
    with pytest.raises(UserError, match=f"{job.network} diverged in round {job.round}: the loss is nan"):
        evidence.accuracies(claims_of(job.network))
    assert evidence.finished(claims_of(job.network)) == [other for other in claims_of(job.network) if other != job]


def test_a_row_that_is_there_twice(results: Path) -> None:
    file = results / "sharing.csv"
    file.write_text(file.read_text() + file.read_text().splitlines(keepends=True)[-1])
    with pytest.raises(UserError, match="is there twice"):
        evidence.rows_by_key()


def test_a_file_of_results_that_is_missing(results: Path) -> None:
    (results / "claims_avx512.csv").unlink()
    with pytest.raises(UserError, match="claims_avx512.csv has no rows"):
        evidence.other_processor()


def test_more_rounds_than_the_protocol_has_change_nothing(results: Path) -> None:
    before = evidence.accuracies(claims_of("WSModel"))
    file = results / "claims.csv"
    line = next(line for line in file.read_text().splitlines(keepends=True) if line.startswith("claims,WSModel,7,"))
    file.write_text(file.read_text() + line.replace("claims,WSModel,7,", "claims,WSModel,30,"))
    evidence.rows_by_key.cache_clear()
    assert evidence.accuracies(claims_of("WSModel")) == before
