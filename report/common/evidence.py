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

NB_RESAMPLES = 100_000
RESAMPLING: dict[str, Any] = {"n_resamples": NB_RESAMPLES, "batch": 1000, "rng": 0}
ALPHA = 0.05  # of p, beside an interval that leaves out 0
POWER = 0.8
Numbers = dict[str, float]


def around(middle: float, half_width: float) -> Numbers:
    """Return a mean or a difference, half the width of its interval, and the interval's limits."""
    return {"mean": middle, "half": half_width, "low": middle - half_width, "high": middle + half_width}


def interval_of(values: Sequence[float]) -> Numbers:
    """Return the mean of values, a round each, and its 95 % Student-t interval: see `around`."""
    limits = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return around(float(np.mean(values)), float(limits.high - limits.low) / 2)


def bootstrap_interval(values: Sequence[float]) -> Numbers:
    """Return the 95 % interval of the mean by the bias-corrected and accelerated bootstrap (Efron, 1987)."""
    limits = scipy.stats.bootstrap((values,), np.mean, **RESAMPLING).confidence_interval
    return {"low": float(limits.low), "high": float(limits.high)}


def sign_flip_p(values: Sequence[float]) -> float:
    """Return the two-sided p of the mean if the differences are symmetric about 0, by flipping their signs.

    Exact where there are at most NB_RESAMPLES ways to flip them, else by so many random ones.
    """
    return float(scipy.stats.permutation_test((values,), np.mean, permutation_type="samples", **RESAMPLING).pvalue)


class Moments(NamedTuple):
    """What two groups are compared by."""

    mean: float
    sd: float
    n: int

    def with_(self, other: "Moments") -> "Moments":
        """Return the moments of both groups together."""
        n, apart = self.n + other.n, self.mean - other.mean
        squares = (self.n - 1) * self.sd**2 + (other.n - 1) * other.sd**2 + self.n * other.n / n * apart**2
        return Moments((self.n * self.mean + other.n * other.mean) / n, math.sqrt(squares / (n - 1)), n)


def moments_of(values: Sequence[float]) -> Moments:
    """Return the moments of a group."""
    return Moments(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))


def difference_of(one: Moments, other: Moments, confidence: float = 0.95) -> Numbers:
    """Return the difference of two means and its interval after Welch (1947)."""
    parts = [each.sd**2 / each.n for each in (one, other)]
    freedom = (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
    half_width = float(scipy.stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(parts[0] + parts[1])
    return around(one.mean - other.mean, half_width)


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
    limit, root = scipy.stats.t.ppf(0.975, n - 1), math.sqrt(n)
    return sd * scipy.optimize.brentq(lambda ratio: scipy.stats.nct.sf(limit, n - 1, ratio * root) - POWER, 0, 3)


def verdict(mean_difference: float, half_width: float, p: float) -> str:
    """Return "holds" if the interval is above 0, "refuted" if below; "not shown" if neither, or p is ALPHA or more."""
    if p >= ALPHA or abs(mean_difference) <= half_width:
        return "not shown"
    return "holds" if mean_difference > 0 else "refuted"


def range_of(values: Sequence[float]) -> Numbers:
    """Return the mean, the lowest and the highest."""
    return {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}


def compare(results: Results, better: Iterable[Job], worse: Iterable[Job]) -> list[float]:
    """Return two networks' differences in points of accuracy, a round each; UserError if their rounds differ."""
    better, worse = list(better), list(worse)
    rounds, others = ([job.round for job in side] for side in (better, worse))
    if rounds != others:
        raise UserError(f"rounds {rounds} cannot be paired with {others}.")
    return within_rounds(results.accuracies(better), results.accuracies(worse))


def within_rounds(better: Sequence[float], worse: Sequence[float]) -> list[float]:
    """Return the differences of two lists of accuracies or errors, of the same rounds."""
    return [a - b for a, b in zip(better, worse, strict=True)]


def fitted(rows: Iterable[Row]) -> int:
    """Return how many of these runs get all of their training pairs right."""
    return sum(row["train_wrong"] == "0" for row in rows)


def judge(claims: list[list[float]]) -> list[dict[str, Any]]:
    """Return of each claim, by its differences, intervals, wins, ties and losses, p adjusted for all, and verdict."""
    judged: list[dict[str, Any]] = []
    for values, p in zip(claims, holm([sign_flip_p(values) for values in claims]), strict=True):
        interval = interval_of(values)
        counts = [sum(each > 0 for each in values), values.count(0), sum(each < 0 for each in values)]
        found = {"bootstrap": bootstrap_interval(values), "counts": counts, "p": p}
        judged.append({**interval, **found, "verdict": verdict(interval["mean"], interval["half"], p)})
    return judged


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
