"""The statistics: a round is the unit, and differences are taken within it; and how their numbers are written.

Texts have a point for decimals and a hyphen for minus; the report and README set them as they need.
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
Texts = dict[str, str]


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


def welch(values: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Return the difference of two means, and half the width of its 95 % interval after Welch (1947)."""
    result = scipy.stats.ttest_ind(values, others, equal_var=False)
    limits = result.confidence_interval(0.95)
    return float(np.mean(values) - np.mean(others)), float(limits.high - limits.low) / 2


def equivalence(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the least distance within which two means are shown to be, by two one-sided tests of 5 % (Welch).

    That is the farther limit of the 90 % interval of their difference (Schuirmann, 1987).
    """
    limits = scipy.stats.ttest_ind(values, others, equal_var=False).confidence_interval(0.9)
    return float(max(abs(limits.low), abs(limits.high)))


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


def word(mean_difference: float, half_width: float) -> str:
    """Return "better" if the interval is above 0, "worse" if it is below, else "no clear difference"."""
    if abs(mean_difference) <= half_width:
        return "no clear difference"
    return "better" if mean_difference > 0 else "worse"


class Comparison(NamedTuple):
    """Differences in points of accuracy, one for each round, with their mean and 95 % interval."""

    differences: list[float]
    mean: float
    half_width: float  # of Student's interval
    counts: tuple[int, int, int]  # wins, ties, losses

    @property
    def texts(self) -> Texts:
        """The mean and its interval."""
        return texts_around(self.mean, self.half_width)

    @property
    def word(self) -> str:
        """What the interval shows: "better" if it is above 0, "worse" if below, else "no clear difference"."""
        return word(self.mean, self.half_width)


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


def fitted(rows: Iterable[Row]) -> str:
    """Return how many of these runs get all of their training pairs right."""
    return str(sum(row["train_wrong"] == "0" for row in rows))


def judge(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return what is said of each of several claims: difference, intervals, counts, p adjusted for all, verdict."""
    adjusted = holm([sign_flip_p(comparison.differences) for comparison in comparisons])
    return [
        {
            **comparison.texts,
            "bootstrap": interval_texts(comparison.mean, *bootstrap_interval(comparison.differences)),
            "counts": " / ".join(map(str, comparison.counts)),
            "p": format_p(p),
            "verdict": verdict(comparison.mean, comparison.half_width, p),
        }
        for comparison, p in zip(comparisons, adjusted, strict=True)
    ]


def require(sentence: str, shown: bool) -> None:
    """Raise UserError unless the rows show what the report says in words."""
    if not shown:
        raise UserError(f"the report says: {sentence}. The rows do not show it: change its text.")


# ---- How numbers are written ----------------------------------------------------------------------------------------


def span(rounds: Sequence[int]) -> str:
    """Return the first and the last of rounds."""
    return f"{rounds[0]} to {rounds[-1]}"


def signed(value: float) -> str:
    """Return a difference with its sign, and two decimals; a zero is +0.00."""
    return f"{value:+.2f}".replace("-0.00", "+0.00")


def interval_texts(middle: float, low: float, high: float) -> Texts:
    """Return a difference and the limits of its interval."""
    return {"mean": signed(middle), "low": signed(low), "high": signed(high)}


def texts_around(middle: float, half_width: float) -> Texts:
    """Return a difference and the limits of its interval, which is so wide on either side."""
    return interval_texts(middle, middle - half_width, middle + half_width)


def difference_texts(differences: Sequence[float]) -> Texts:
    """Return the mean of differences, and the limits of its 95 % interval."""
    return texts_around(*mean_and_interval(differences))


def range_texts(values: Sequence[float]) -> Texts:
    """Return the mean, the lowest and the highest of percentages."""
    numbers = {"mean": np.mean(values), "low": min(values), "high": max(values)}
    return {name: f"{value:.1f}" for name, value in numbers.items()}


def mean_texts(values: Sequence[float]) -> Texts:
    """Return a mean, half the width of its 95 % interval, and its limits."""
    middle, half_width = mean_and_interval(values)
    numbers = {"mean": middle, "half": half_width, "low": middle - half_width, "high": middle + half_width}
    return {name: f"{number:.2f}" for name, number in numbers.items()}


def format_p(p: float) -> str:
    """Return a p-value."""
    return f"{p:.4f}" if p >= 0.0001 else "below 0.0001"


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines))
