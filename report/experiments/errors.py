"""What the exploration classes' scores mean, and which pairs they misclassify.

And what WSModel1's scores mean where the digits are not equally frequent.
"""

import functools
import json
import operator
from typing import Any

import numpy as np
import scipy
from common.evidence import range_of
from common.measuring import table_of
from common.networks import AUX1, EXPLORATION, PRIOR, WS1, Network
from common.results import Results
from common.rows import Variant, accuracy, digit_accuracy

from helpers import load_round

QUESTION = "Which pairs remain wrong, and does WSModel1 need the right prior to find the digits?"
ROUNDS = range(10)
SHARES = {  # of each digit's images, those that are used
    "digits 0 to 7 only": [1.0] * 8 + [0.0] * 2,
    "digits 0 to 4 three times as frequent": [1.0] * 5 + [1 / 3] * 5,
}
DEFAULTS = {net.name: Variant(net, {}, ROUNDS, details="errors") for net in EXPLORATION}
PRIORS = {("ten digits, equally frequent", "equal"): DEFAULTS[WS1.name]}
for name, shares in SHARES.items():
    total = functools.reduce(operator.add, shares)  # not `sum`, which rounds otherwise from Python 3.12 on
    frequencies = [share / total for share in shares]
    PRIORS[name, "equal"] = Variant(WS1, {"shares": shares}, ROUNDS, details="errors")
    PRIORS[name, "right"] = Variant(PRIOR, {"shares": shares, "prior": frequencies}, ROUNDS, details="errors")
VARIANTS: dict[Any, Variant] = {AUX1.name: DEFAULTS[AUX1.name], **PRIORS}


def details_of(results: Results, network: Network) -> list[dict[str, Any]]:
    """Return each round's details."""
    return [json.loads(row["details"]) for row in results.rows(DEFAULTS[network.name])]


def sum_of(results: Results, network: Network, name: str) -> np.ndarray:
    """Return one of the 10 x 10 tables, summed over the rounds."""
    return np.sum([details[name] for details in details_of(results, network)], axis=0)


def best_order(table: np.ndarray) -> list[int]:
    """Return the order of the scores, columns, in which the most digits, rows, are on the diagonal."""
    return scipy.optimize.linear_sum_assignment(table, maximize=True)[1].tolist()


def close(table: np.ndarray) -> float:
    """Return the share, in %, of a table's pairs whose digits are equal or neighbours."""
    return float(100 * sum(table[i, j] for i, j in np.ndindex(10, 10) if abs(i - j) <= 1) / table.sum())


def digit_of_each_rank(table: np.ndarray) -> list[int | None]:
    """Return the digit that is most often read as each of the ten ranks of scores, None for one that none is."""
    return [int(column.argmax()) if column.any() else None for column in table.T]


def prior_numbers(results: Results) -> list[dict[str, Any]]:
    """Return, for each kind of digits and either prior, the accuracy, each digit's, and what each rank reads."""
    lines: list[dict[str, Any]] = []
    for (name, prior), variant in PRIORS.items():
        rows = results.rows(variant)
        table = np.sum([json.loads(row["details"])["digits"] for row in rows], axis=0)
        lines.append(
            {
                "name": name,
                "prior": prior,
                "accuracy": range_of([accuracy(row) for row in rows]),
                "digits": range_of([digit_accuracy([row]) for row in rows]),
                "each": [float(100 * row[n] / row.sum()) if row.any() else None for n, row in enumerate(table)],
                "ranks": digit_of_each_rank(table),
            }
        )
    return lines


def numbers(results: Results) -> dict[str, Any]:
    """Return the digit accuracy, the order of the scores, and the share of wrong pairs of close digits."""
    pairs = np.sum([table_of(*load_round(r).test_classes.cpu().unbind(1)) for r in ROUNDS], axis=0)
    numbers: dict[str, Any] = {"rounds": len(ROUNDS), "close_pairs": close(pairs), "prior": prior_numbers(results)}
    for network in EXPLORATION:
        digits, wrong = (sum_of(results, network, name) for name in ("digits", "wrong"))
        read = float(100 * np.trace(digits) / digits.sum())
        numbers[network.name] = {"digits": read, "order": best_order(digits), "close": close(wrong)}
    return numbers
