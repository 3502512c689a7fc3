"""The statistics, against answers by hand."""

from math import sqrt

import numpy as np
import plain
import pytest
from common import evidence
from common.evidence import compare
from common.networks import SIMPLE, WS, Network
from common.results import Results
from common.rows import Variant

from helpers import UserError


class Made(Results):
    """Rows made by hand: so many of 1000 pairs wrong, in rounds 0, 1, 2, ..."""

    def __init__(self, wrong: dict[Network, list[int]]) -> None:
        self.by_key = {
            job.key: {"wrong": str(number), "total": "1000", "error": ""}
            for network, numbers in wrong.items()
            for job, number in zip(Variant(network, {}, range(len(numbers))), numbers, strict=True)
        }


def test_welch_by_hand() -> None:
    def welch(*groups: list[float]) -> evidence.Numbers:
        return evidence.difference_of(*map(evidence.moments_of, groups))

    # equal variances 1 and sizes 3: 4 degrees of freedom, an error of sqrt(2 / 3)
    half = 2.776445 * sqrt(2 / 3)
    expected = {"mean": -3, "half": half, "low": -3 - half, "high": -3 + half}
    assert welch([1, 2, 3], [4, 5, 6]) == pytest.approx(expected, abs=1e-5)
    # variances 0.01 and 100: the error and the degrees of freedom, nearly, of the second alone
    found = welch([0.1, 0, -0.1, 0.1, -0.1], [-10, 0, 10])
    assert (found["mean"], found["half"]) == pytest.approx((0, 4.302653 * 10 / sqrt(3)), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("n", plain.DETECTABLE)
def test_what_is_detectable_in_four_of_five_simulations(n: int) -> None:
    ratio = evidence.detectable(2.0, n) / 2
    assert ratio == pytest.approx(plain.DETECTABLE[n], abs=1e-3)
    draws = np.random.default_rng(0).normal(ratio, 1, (50_000, n))
    lower = draws.mean(1) - plain.T[n - 1] * draws.std(1, ddof=1) / sqrt(n)
    assert (lower > 0).mean() == pytest.approx(0.8, abs=0.006)


def test_two_groups_together() -> None:
    both = evidence.moments_of([1, 2, 6]).with_(evidence.moments_of([4, 5, 6, 11]))
    assert both == pytest.approx(evidence.moments_of([1, 2, 6, 4, 5, 6, 11]))


def test_sign_flips_by_hand() -> None:
    # of 8 ways to sign 1, 2, 3 two have a mean as far from 0; of 2^10 to sign ten ones, two
    assert evidence.sign_flip_p([1, 2, 3]) == pytest.approx(2 / 8)
    assert evidence.sign_flip_p([-1, -2, -3]) == pytest.approx(2 / 8)
    assert evidence.sign_flip_p([1.0] * 10) == pytest.approx(2 / 1024)
    # 1, 2, -3: the mean is 0, and every way is as far
    assert evidence.sign_flip_p([1, 2, -3]) == pytest.approx(1)
    # 30 rounds, at random: as often negative as positive
    assert evidence.sign_flip_p([1, -1] * 15) > 0.9
    assert evidence.sign_flip_p([1.0] * 30) < 0.0001


def test_holm_by_hand() -> None:
    assert evidence.holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert evidence.holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert evidence.holm([0.9, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])


def test_bootstrap_is_corrected_for_bias_and_skew() -> None:
    """The percentiles alone, without BCa's correction, are 0.0 and 3.1; Student's interval begins below 0."""
    values = [0.0] * 7 + [1.0, 2.0, 9.0]
    assert evidence.bootstrap_interval(values) == pytest.approx({"low": 0.2, "high": 4.5}, abs=0.15)


@pytest.mark.parametrize(
    ("middle", "half", "p", "verdict"),
    [
        (3, 1, 0.001, "holds"),
        (-3, 1, 0.001, "refuted"),
        (1, 3, 0.001, "not shown"),
        (-1, 3, 0.001, "not shown"),
        (3, 1, 0.05, "not shown"),
        (3, 1, 0.049, "holds"),
        (3, 3, 0.001, "not shown"),
    ],
)
def test_verdicts(middle: float, half: float, p: float, verdict: str) -> None:
    assert evidence.verdict(middle, half, p) == verdict


def test_a_comparison_by_hand() -> None:
    wrong = {WS: [100, 120, 150, 110], SIMPLE: [130, 120, 140, 120]}
    ws, simple = (list(Variant(network, {}, range(4))) for network in (WS, SIMPLE))
    results = Made(wrong)
    found = compare(results, ws, simple)
    assert found == pytest.approx([3, 0, -1, 1])
    first, second = evidence.judge([found, compare(results, simple, ws)])
    assert (first["counts"], second["counts"]) == ([2, 1, 1], [1, 1, 2])  # wins, ties, losses
    # deviation sqrt((2.25^2 + 0.75^2 + 1.75^2 + 0.25^2) / 3), t = 3.182446 for 3 degrees of freedom
    expected = {"mean": 0.75, "half": 2.7176, "low": -1.9676, "high": 3.4676}
    assert {name: first[name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert (first["verdict"], second["verdict"]) == ("not shown", "not shown")
    with pytest.raises(UserError, match=r"rounds \[0, 1, 2, 3\] cannot be paired with \[0, 1\]"):
        compare(results, ws, simple[:2])
    with pytest.raises(UserError, match=r"rounds \[0, 1, 2, 3\] cannot be paired with \[3, 2, 1, 0\]"):
        compare(results, ws, simple[::-1])


def test_what_is_made_of_values_and_written_in_the_readmes() -> None:
    # 4.302653 / sqrt(3) = 2.48
    found = evidence.interval_of([1, 2, 3])
    assert found == pytest.approx({"mean": 2, "half": 2.4841, "low": -0.4841, "high": 4.4841}, abs=1e-4)
    assert evidence.difference_text(found) == "+2.00 [-0.48, +4.48]"
    assert evidence.range_of([1, 2, 6]) == {"mean": 3, "low": 1, "high": 6}
    table = evidence.markdown_table(["a", "b"], [["1", "2"], ["3", "4"]])
    assert table == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    with pytest.raises(UserError, match="^README says: it rains. The rows do not show it: change its text.$"):
        evidence.require("it rains", False)
