"""The draws of pairs and the initial weights told apart: each of some draws with each of some weights and orders."""

from typing import Any

import numpy as np
from common.networks import BASE
from common.results import Results
from common.rows import Variant

from experiments.claims import CLAIMS

QUESTION = "How much of the spread between rounds comes from the pairs, and how much from the initial weights?"
ROUNDS = range(300, 305)
VARIANTS = {
    (net.name, pairs): Variant(net, {"pairs_of": pairs, "nb_test_pairs": 5000}, ROUNDS)
    for pairs in ROUNDS
    for net in BASE
}


def shares(table: np.ndarray) -> dict[str, str]:
    """Return the shares, in %, of a variance that pairs and weights explain.

    `table` has a row for each draw of pairs, and a column for each draw of weights. The components are those of a
    two-way layout with random effects and one value in each cell; below 0 is 0.
    """
    draws, weights = table.shape
    rows, columns = table.mean(1), table.mean(0)
    rest = table - rows[:, None] - columns[None] + table.mean()
    mean_square = (rest**2).sum() / ((draws - 1) * (weights - 1))
    of_pairs = max(0.0, rows.var(ddof=1) - mean_square / weights)
    of_weights = max(0.0, columns.var(ddof=1) - mean_square / draws)
    total = of_pairs + of_weights + mean_square
    parts = {"pairs": of_pairs, "weights": of_weights}
    return {name: f"{100 * part / total:.0f}" for name, part in parts.items()}


def numbers(results: Results) -> dict[str, Any]:
    """Return the shares of the variance of each network's accuracy, and of the claims' differences."""
    tables = {net: np.array([results.accuracies(VARIANTS[net.name, pairs]) for pairs in ROUNDS]) for net in BASE}
    lines = [{"name": net.name, **shares(table)} for net, table in tables.items()]
    lines += [{"name": claim.difference, **shares(tables[claim.better] - tables[claim.worse])} for claim in CLAIMS]
    return {"lines": lines, "n": str(len(ROUNDS))}
