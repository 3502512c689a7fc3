"""The base networks by the number of epochs, on validation pairs."""

from statistics import mean
from typing import Any

from common.evidence import compare, fitted, require, span
from common.networks import BASE
from common.rows import VALIDATION, Variant
from common.saved import Saved

from experiments import claims
from helpers import NB_EPOCHS

QUESTION = "Are 50 epochs enough?"
ROUNDS = range(1200, 1210)  # not those of the tuning
EPOCHS = (3, 6, 12, 25, 50, 100)
VARIANTS = {(net.name, n): Variant(net, {**VALIDATION, "nb_epochs": n}, ROUNDS) for n in EPOCHS for net in BASE}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, by the number of epochs, the accuracies and the claims' differences; and what twice the epochs give."""
    lines: list[dict[str, Any]] = []
    for nb_epochs in EPOCHS:
        differences = claims.differences(saved, {net.name: VARIANTS[net.name, nb_epochs] for net in BASE})
        means = {net.name: mean(saved.accuracies(VARIANTS[net.name, nb_epochs])) for net in BASE}
        lines.append(
            {
                "epochs": str(nb_epochs),
                "accuracies": {name: f"{accuracy:.1f}" for name, accuracy in means.items()},
                "differences": [comparison.texts for comparison in differences],
                "words": [comparison.word for comparison in differences],
                "fitted": " / ".join(fitted(saved.rows(VARIANTS[net.name, nb_epochs])) for net in BASE),
            }
        )
    words = [line["words"] for line in lines]
    require("after 3 epochs WSModel is worse than SimpleModel", words[0] == ["worse", "better"])
    require("after 6 epochs they do not differ clearly", words[1] == ["no clear difference", "better"])
    require("from 12 epochs on, both differences are above 0", words[2:] == [["better", "better"]] * 4)
    ends = {net.name: (VARIANTS[net.name, 2 * NB_EPOCHS], VARIANTS[net.name, NB_EPOCHS]) for net in BASE}
    doubled = {name: compare(saved, *variants).texts for name, variants in ends.items()}
    return {"lines": lines, "doubled": doubled, "rounds": span(ROUNDS), "n": str(len(ROUNDS))}
