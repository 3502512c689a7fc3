"""The statistics of the claims: a round is the unit, and differences are taken within it."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

SEED = 0  # of the resampling
NB_RESAMPLES = 100_000
NB_STUDIES = 10_000  # simulated


def mean_and_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % Student-t interval."""
    found = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return float(np.mean(values)), float(found.high - found.low) / 2


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by the bias-corrected and accelerated bootstrap (Efron, 1987)."""
    found = stats.bootstrap((values,), np.mean, n_resamples=NB_RESAMPLES, batch=1000, rng=np.random.default_rng(SEED))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def sign_flip_p(values: Sequence[float]) -> float:
    """Return the two-sided p that the differences are as often negative as positive, by flipping their signs.

    Exact where there are at most NB_RESAMPLES ways to flip them, else by so many random ones.
    """
    found = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        n_resamples=NB_RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for that many claims (Holm, 1979)."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def coverage(values: Sequence[float]) -> float:
    """Return how often the 95 % interval holds the mean, in simulated studies of as many rounds as there are values.

    The rounds of a simulated study are drawn, with replacement, from the values, whose mean is then the true one.
    """
    population = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(SEED).choice(population, (NB_STUDIES, len(population)))
    half = stats.t.ppf(0.975, len(population) - 1) * stats.sem(drawn, axis=1)
    return float(np.mean(np.abs(drawn.mean(1) - population.mean()) <= half))
