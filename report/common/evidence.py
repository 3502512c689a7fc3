"""The statistics: a round is the unit, and differences are taken within it; and what README's tables need.

Numbers are numbers: report.typ writes them as it needs.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts are loaded when they are used: study.py needs none of them

from common.results import Results
from common.rows import Job, Row
from helpers import UserError

SEED = 0  # of the resampling
NB_RESAMPLES = 100_000
ALPHA = 0.05  # of p, beside an interval that leaves out 0
POWER = 0.8
Numbers = dict[str, float]


def mean_and_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % Student-t interval."""
    limits = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return float(np.mean(values)), float(limits.high - limits.low) / 2


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by the bias-corrected and accelerated bootstrap (Efron, 1987)."""
    result = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=NB_RESAMPLES, batch=1000, rng=np.random.default_rng(SEED)
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def sign_flip_p(values: Sequence[float]) -> float:
    """Return the two-sided p of the mean if the differences are symmetric about 0, by flipping their signs.

    Exact where there are at most NB_RESAMPLES ways to flip them, else by so many random ones.
    """
    result = scipy.stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        n_resamples=NB_RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(SEED),
    )
    return float(result.pvalue)


class Moments(NamedTuple):
    """What two groups are compared by."""

    mean: float
    sd: float
    n: int

    def with_(self, other: "Moments") -> "Moments":
        """Return the moments of both groups together."""
        n = self.n + other.n
        middle = (self.n * self.mean + other.n * other.mean) / n
        squares = 0.0
        for each in (self, other):
            squares += (each.n - 1) * each.sd**2 + each.n * (each.mean - middle) ** 2
        return Moments(middle, math.sqrt(squares / (n - 1)), n)


def moments_of(values: Sequence[float]) -> Moments:
    """Return the moments of a group."""
    return Moments(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))


def difference_of(one: Moments, other: Moments, confidence: float = 0.95) -> Numbers:
    """Return the difference of two means and its interval after Welch (1947)."""
    parts = [each.sd**2 / each.n for each in (one, other)]
    freedom = (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
    half_width = float(scipy.stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(parts[0] + parts[1])
    return around(one.mean - other.mean, half_width)


def equivalence(one: Moments, other: Moments) -> float:
    """Return the least distance within which two means are shown to be, by two one-sided tests of 5 % (Welch).

    That is the farther limit of the 90 % interval of their difference (Schuirmann, 1987).
    """
    interval = difference_of(one, other, 0.9)
    return max(abs(interval["low"]), abs(interval["high"]))


def holm(p: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for that many claims (Holm, 1979)."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def detectable(sd: float, n: int) -> float:
    """Return the true mean difference for which the 95 % t interval of n rounds is above 0 with probability POWER.

    `sd` is the standard deviation of the differences within rounds; the power is that of the noncentral t distribution.
    """
    limit = scipy.stats.t.ppf(0.975, n - 1)

    def lacking(ratio: float) -> float:
        return float(scipy.stats.nct.sf(limit, n - 1, ratio * math.sqrt(n))) - POWER

    return sd * float(scipy.optimize.brentq(lacking, 0, 3))


def verdict(mean_difference: float, half_width: float, p: float) -> str:
    """Return "holds" if the interval is above 0, "refuted" if below; "not shown" if neither, or p is ALPHA or more."""
    if p >= ALPHA or abs(mean_difference) <= half_width:
        return "not shown"
    return "holds" if mean_difference > 0 else "refuted"


def around(middle: float, half_width: float) -> Numbers:
    """Return a mean or a difference, half the width of its interval, and the interval's limits."""
    return {"mean": middle, "half": half_width, "low": middle - half_width, "high": middle + half_width}


def interval_of(values: Sequence[float]) -> Numbers:
    """Return the mean of values, a round each, and its 95 % Student-t interval: see `around`."""
    return around(*mean_and_interval(values))


def range_of(values: Sequence[float]) -> Numbers:
    """Return the mean, the lowest and the highest."""
    return {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}


class Comparison(NamedTuple):
    """Differences in points of accuracy, one for each round, with their mean and 95 % interval."""

    differences: list[float]
    mean: float
    half_width: float  # of Student's interval
    counts: tuple[int, int, int]  # wins, ties, losses

    @property
    def numbers(self) -> Numbers:
        """The mean and its interval: see `around`."""
        return around(self.mean, self.half_width)


def compare(results: Results, better: Iterable[Job], worse: Iterable[Job]) -> Comparison:
    """Compare two networks in the same rounds; UserError if the rounds are not the same."""
    better, worse = list(better), list(worse)
    rounds, others = ([job.round for job in side] for side in (better, worse))
    if rounds != others:
        raise UserError(f"rounds {rounds} cannot be paired with {others}.")
    return paired(results.accuracies(better), results.accuracies(worse))


def paired(better: Sequence[float], worse: Sequence[float]) -> Comparison:
    """Compare two lists of accuracies in %, of the same rounds."""
    differences = [a - b for a, b in zip(better, worse, strict=True)]
    wins, losses = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    return Comparison(differences, *mean_and_interval(differences), (wins, len(differences) - wins - losses, losses))


def fitted(rows: Iterable[Row]) -> int:
    """Return how many of these runs get all of their training pairs right."""
    return sum(row["train_wrong"] == "0" for row in rows)


def judge(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return of each claim its difference, intervals, wins, ties and losses, p adjusted for all, and verdict."""
    adjusted = holm([sign_flip_p(comparison.differences) for comparison in comparisons])
    return [
        {
            **comparison.numbers,
            "bootstrap": dict(zip(("low", "high"), bootstrap_interval(comparison.differences), strict=True)),
            "counts": comparison.counts,
            "p": p,
            "verdict": verdict(comparison.mean, comparison.half_width, p),
        }
        for comparison, p in zip(comparisons, adjusted, strict=True)
    ]


# ---- What the READMEs need: in the report, report.typ does this ------------------------------------------------------


def require(sentence: str, shown: bool) -> None:
    """Raise UserError unless the rows show what README says in words."""
    if not shown:
        raise UserError(f"README says: {sentence}. The rows do not show it: change its text.")


def difference_text(numbers: Numbers) -> str:
    """Return a difference in points and its interval."""
    return "{mean:+.2f} [{low:+.2f}, {high:+.2f}]".format(**numbers)


def span(rounds: Sequence[int]) -> str:
    """Return the first and the last of rounds."""
    return f"{rounds[0]} to {rounds[-1]}"


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines))
