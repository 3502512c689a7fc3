"""What the ten scores of WSModel1 mean: on equally frequent digits, and with a balance of the wrong or right prior."""

import functools
import json
import operator
from typing import Any

import numpy as np
from common.evidence import range_of
from common.networks import PRIOR, WS1
from common.results import Results
from common.rows import Variant, accuracy, digit_accuracy

QUESTION = "Does WSModel1 need the right prior to find the digits?"
ROUNDS = range(10)
SHARES = {  # of each digit's images, those that are used
    "digits 0 to 7 only": [1.0] * 8 + [0.0] * 2,
    "digits 0 to 4 three times as frequent": [1.0] * 5 + [1 / 3] * 5,
}
VARIANTS = {("ten digits, equally frequent", "equal"): Variant(WS1, {}, ROUNDS, details="errors")}
for name, shares in SHARES.items():
    total = functools.reduce(operator.add, shares)  # not `sum`, which rounds otherwise from Python 3.12 on
    frequencies = [share / total for share in shares]
    VARIANTS[name, "equal"] = Variant(WS1, {"shares": shares}, ROUNDS, details="errors")
    VARIANTS[name, "right"] = Variant(PRIOR, {"shares": shares, "prior": frequencies}, ROUNDS, details="errors")


def digit_of_each_rank(table: np.ndarray) -> list[int | None]:
    """Return the digit that is most often read as each of the ten ranks of scores, None for one that none is."""
    return [int(column.argmax()) if column.any() else None for column in table.T]


def numbers(results: Results) -> list[dict[str, Any]]:
    """Return, for each kind of digits and either prior, the accuracy, each digit's, and what each rank reads."""
    lines: list[dict[str, Any]] = []
    for variant in VARIANTS.values():
        rows = results.rows(variant)
        table = np.sum([json.loads(row["details"])["digits"] for row in rows], axis=0)
        lines.append(
            {
                "accuracy": range_of([accuracy(row) for row in rows]),
                "digits": range_of([digit_accuracy([row]) for row in rows]),
                "each": [float(100 * row[n] / row.sum()) if row.any() else None for n, row in enumerate(table)],
                "ranks": digit_of_each_rank(table),
            }
        )
    return lines
