"""AuxModel by the weight of each digit's loss: as it stands, and until it fits its training pairs."""

import json
from statistics import mean
from typing import Any

from common.evidence import compare, fitted, interval_of
from common.networks import AUX, WS
from common.results import Results
from common.rows import Row, Variant, digit_accuracy

from helpers import NB_EPOCHS

QUESTION = "How much auxiliary loss, and is it reading that helps?"
ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)
LONG, LONG_WEIGHTS = 3 * NB_EPOCHS, (0.1, 0.25, 0.5, 1, 2)
VARIANTS: dict[Any, Variant] = {weight: Variant(AUX, {"aux_weight": weight}, ROUNDS) for weight in WEIGHTS}
VARIANTS |= {
    (weight, "long"): Variant(AUX, {"aux_weight": weight, "nb_epochs": LONG}, ROUNDS, details="sharpness")
    for weight in LONG_WEIGHTS
}
VARIANTS["softmax"] = Variant(AUX, {"activation": "softmax", "nb_epochs": LONG}, ROUNDS, details="sharpness")
WITHOUT = {nb_epochs: Variant(WS, {"nb_epochs": nb_epochs}, ROUNDS) for nb_epochs in (NB_EPOCHS, LONG)}


def miscompared(rows: list[Row]) -> float:
    """Return the share of test pairs, in %, that the last layer gets wrong although both digits are read right."""
    return mean(100 * int(row["head_wrong"]) / int(row["total"]) for row in rows)


def line_of(results: Results, variant: Variant, nb_epochs: int) -> dict[str, Any]:
    """Return what an auxiliary loss gains over none, how well the digits are read, and what the last layer is given."""
    rows = results.rows(variant)
    line = {
        "gain": compare(results, variant, WITHOUT[nb_epochs]).numbers,
        "digits": digit_accuracy(rows),
        "miscompared": miscompared(rows),
        "fitted": fitted(rows),
    }
    if variant.details:
        line["sharpness"] = interval_of([json.loads(row["details"]) for row in rows])
    return line


def numbers(results: Results) -> dict[str, Any]:
    """Return, by weight, how many runs diverged or, if none did, the gain over no auxiliary loss, and what reads it."""
    lines = []
    for weight in WEIGHTS[1:]:
        line: dict[str, Any] = {"weight": weight, "diverged": len(ROUNDS) - len(results.finished(VARIANTS[weight]))}
        if not line["diverged"]:
            line["short"] = line_of(results, VARIANTS[weight], NB_EPOCHS)
        if weight in LONG_WEIGHTS:
            line["long"] = line_of(results, VARIANTS[weight, "long"], LONG)
        lines.append(line)
    more = {"softmax": line_of(results, VARIANTS["softmax"], LONG), "epochs": [NB_EPOCHS, LONG]}
    return {"lines": lines, **more, "rounds": len(ROUNDS)}
