"""AuxModel by the weight of each digit's loss."""

from typing import Any

from common.evidence import compare, require
from common.networks import AUX
from common.results import Results
from common.rows import Variant

from helpers import AUX_WEIGHT

QUESTION = "How much auxiliary loss?"
ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)
VARIANTS = {weight: Variant(AUX, {"aux_weight": weight}, ROUNDS) for weight in WEIGHTS}


def numbers(results: Results) -> dict[str, Any]:
    """Return how many runs diverged; weights of which none did are compared with the original's."""
    nb_diverged = {weight: len(ROUNDS) - len(results.finished(variant)) for weight, variant in VARIANTS.items()}
    words = {
        weight: compare(results, VARIANTS[weight], VARIANTS[AUX_WEIGHT]).word
        for weight, number in nb_diverged.items()
        if weight != AUX_WEIGHT and not number
    }
    larger = {word for weight, word in words.items() if weight > AUX_WEIGHT}
    require("1 and 2 show no clear difference from 0.5", larger == {"no clear difference"})
    require("smaller weights are worse", {word for weight, word in words.items() if weight < AUX_WEIGHT} == {"worse"})
    return {"diverged": str(sum(nb_diverged.values())), "rounds": str(len(ROUNDS))}
