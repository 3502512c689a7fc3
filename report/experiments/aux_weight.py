"""AuxModel by the weight of each digit's loss: as it stands, and until it fits its training pairs."""

import json
from statistics import mean
from typing import Any

from common.evidence import compare, fitted, interval_of
from common.networks import AUX, WS
from common.results import Results
from common.rows import Variant, digit_accuracy

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


def line_of(results: Results, variant: Variant) -> dict[str, Any]:
    """Return what an auxiliary loss gains over none in LONG epochs, and how well its digits are read and compared."""
    rows = results.rows(variant)
    return {
        "gain": interval_of(compare(results, variant, WITHOUT[LONG])),
        "digits": digit_accuracy(rows),
        # in %: pairs that the last layer gets wrong although both digits are read right
        "miscompared": mean(100 * int(row["head_wrong"]) / int(row["total"]) for row in rows),
        "fitted": fitted(rows),
        "sharpness": interval_of([json.loads(row["details"]) for row in rows]),
    }


def numbers(results: Results) -> dict[str, Any]:
    """Return, by weight, how many runs diverged or, if none did, the gain over no auxiliary loss, and what reads it."""
    lines = []
    for weight in WEIGHTS[1:]:
        line: dict[str, Any] = {"weight": weight, "diverged": len(ROUNDS) - len(results.finished(VARIANTS[weight]))}
        if not line["diverged"]:
            line["short"] = {"gain": interval_of(compare(results, VARIANTS[weight], WITHOUT[NB_EPOCHS]))}
        if weight in LONG_WEIGHTS:
            line["long"] = line_of(results, VARIANTS[weight, "long"])
        lines.append(line)
    more = {"softmax": line_of(results, VARIANTS["softmax"]), "epochs": [NB_EPOCHS, LONG]}
    return {"lines": lines, **more, "rounds": len(ROUNDS)}
