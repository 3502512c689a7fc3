"""The statistics, against answers by hand."""

import random
from collections.abc import Callable
from math import sqrt
from statistics import mean, stdev

import numpy as np
import plain
import pytest
from common import evidence
from common.evidence import compare
from common.networks import SIMPLE, WS, Network
from common.rows import Variant
from common.saved import Saved

from helpers import UserError


class Made(Saved):
    """Rows made by hand: so many of 1000 pairs wrong, in rounds 0, 1, 2, ..."""

    def __init__(self, wrong: dict[Network, list[int]]) -> None:
        self.by_key = {
            job.key: {"wrong": str(number), "total": "1000", "error": ""}
            for network, numbers in wrong.items()
            for job, number in zip(Variant(network, {}, range(len(numbers))), numbers, strict=True)
        }


def test_interval_by_hand() -> None:
    # mean 2, deviation 1, t = 4.302653 for 2 degrees of freedom (tables of Student's t)
    middle, half = evidence.mean_and_interval([1, 2, 3])
    assert middle == 2
    assert half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def test_the_tables_limits_are_those_of_students_density() -> None:
    """What the tests of the experiments take for t."""
    for freedom, limit in plain.T.items():
        assert plain.within(limit, freedom) == pytest.approx(0.95, abs=1e-6)
    assert plain.within(1, 1) == pytest.approx(0.5)  # of Cauchy's distribution, half is within 1


@pytest.mark.parametrize("welch", [evidence.welch, plain.welch])
def test_welch_by_hand(welch: Callable[..., tuple[float, float, float]]) -> None:
    # equal variances 1 and sizes 3: 4 degrees of freedom, an error of sqrt(2 / 3), t = -3 / 0.8165 = -3.674
    assert welch([1, 2, 3], [4, 5, 6]) == pytest.approx((-3, 2.776445 * sqrt(2 / 3), 0.02131), abs=1e-5)
    # variances 0.01 and 100: the error and the degrees of freedom, nearly, of the second alone
    middle, half, p = welch([0.1, 0, -0.1, 0.1, -0.1], [-10, 0, 10])
    assert (middle, p) == pytest.approx((0, 1))
    assert half == pytest.approx(4.302653 * 10 / sqrt(3), rel=1e-3)


@pytest.mark.parametrize(("size", "sd"), [(10, 1.0), (30, 2.5)])
def test_what_is_detectable_is_found_in_four_of_five_studies(size: int, sd: float) -> None:
    """Simulated studies, of normal differences."""
    generator, difference, found = random.Random(size), evidence.detectable(sd, size), 0
    for _ in range(4000):
        drawn = [generator.gauss(difference, sd) for _ in range(size)]
        found += mean(drawn) > plain.T[size - 1] * stdev(drawn) / sqrt(size)
    assert found / 4000 == pytest.approx(0.8, abs=0.025)
    assert difference == pytest.approx(plain.detectable(sd, size), abs=1e-6)
    assert evidence.detectable(2 * sd, size) == pytest.approx(2 * difference)


def test_equivalence_by_hand() -> None:
    # a difference of -3, an error of sqrt(2 / 3), and 4 degrees of freedom: t of 2.131847 leaves out 5 % above
    assert evidence.equivalence([1, 2, 3], [4, 5, 6]) == pytest.approx(3 + 2.131847 * sqrt(2 / 3), abs=1e-5)
    assert evidence.equivalence([4, 5, 6], [1, 2, 3]) == pytest.approx(evidence.equivalence([1, 2, 3], [4, 5, 6]))


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
    found = [random.Random(n).random() ** 3 for n in range(10)]
    assert evidence.holm(found) == pytest.approx(plain.holm(found))  # what the tests of the experiments take for it


def test_bootstrap_is_corrected_for_bias_and_skew() -> None:
    """The percentiles alone, without BCa's correction, are 0.0 and 3.1; Student's interval begins below 0."""
    values = [0.0] * 7 + [1.0, 2.0, 9.0]
    assert evidence.bootstrap_interval(values) == pytest.approx((0.2, 4.5), abs=0.15)


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    """A simulation: differences of counts of errors, as in the claims, whose mean is known."""
    drawn = np.random.default_rng(2).binomial(1000, [[[0.15]], [[0.18]]], (2, 2000, 30)) / 10
    held = 0
    for differences in drawn[1] - drawn[0]:
        middle, half = evidence.mean_and_interval(differences)
        held += abs(middle - 3) <= half
    assert 0.94 <= held / 2000 <= 0.96


@pytest.mark.parametrize(
    ("middle", "half", "p", "expected"),
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
def test_verdicts(middle: float, half: float, p: float, expected: str) -> None:
    assert evidence.verdict(middle, half, p) == expected


@pytest.mark.parametrize(
    ("middle", "half", "expected"),
    [(3, 1, "better"), (-3, 1, "worse"), (1, 3, "no clear difference"), (-1, 3, "no clear difference")],
)
def test_words(middle: float, half: float, expected: str) -> None:
    assert evidence.word(middle, half) == expected
    assert evidence.Comparison([middle], middle, half, (1, 0, 0)).word == expected
    assert evidence.word(half, half) == "no clear difference"


def test_a_comparison_by_hand() -> None:
    wrong = {WS: [100, 120, 150, 110], SIMPLE: [130, 120, 140, 120]}
    ws, simple = (list(Variant(network, {}, range(4))) for network in (WS, SIMPLE))
    saved = Made(wrong)
    found = compare(saved, ws, simple)
    assert found.differences == pytest.approx([3, 0, -1, 1])
    assert found.mean == pytest.approx(0.75)
    # deviation sqrt((2.25^2 + 0.75^2 + 1.75^2 + 0.25^2) / 3), t = 3.182446 for 3 degrees of freedom
    assert found.half_width == pytest.approx(3.182446 * (8.75 / 3) ** 0.5 / 2, rel=1e-6)
    assert found.counts == (2, 1, 1)  # wins, ties, losses
    assert found.texts == {"mean": "+0.75", "low": "-1.97", "high": "+3.47"}
    assert compare(saved, simple, ws).counts == (1, 1, 2)
    with pytest.raises(UserError, match=r"rounds \[0, 1, 2, 3\] cannot be paired with \[0, 1\]"):
        compare(saved, ws, simple[:2])
    with pytest.raises(UserError, match=r"rounds \[0, 1, 2, 3\] cannot be paired with \[3, 2, 1, 0\]"):
        compare(saved, ws, simple[::-1])


def test_how_numbers_are_written() -> None:
    assert [evidence.signed(value) for value in (1.234, -1.236, 0, -0.001, 0.005001)] == [
        *("+1.23", "-1.24", "+0.00", "+0.00", "+0.01")
    ]
    assert evidence.interval_texts(1, -0.5, 2.5) == {"mean": "+1.00", "low": "-0.50", "high": "+2.50"}
    # 4.302653 / sqrt(3) = 2.48
    assert evidence.difference_texts([1, 2, 3]) == {"mean": "+2.00", "low": "-0.48", "high": "+4.48"}
    assert evidence.mean_texts([1, 2, 3]) == {"mean": "2.00", "half": "2.48", "low": "-0.48", "high": "4.48"}
    assert [evidence.format_p(p) for p in (0.0123, 0.00004, 1, 0.0001)] == [
        "0.0123",
        "below 0.0001",
        "1.0000",
        "0.0001",
    ]
    assert evidence.markdown_table(["a", "b"], [["1", "2"], ["3", "4"]]).splitlines() == [
        *("| a | b |", "| --- | --- |", "| 1 | 2 |", "| 3 | 4 |")
    ]
