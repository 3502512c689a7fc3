"""AuxModel by the weight of each digit's loss."""

from typing import Any

from common.evidence import compare, require
from common.networks import AUX
from common.rows import Variant
from common.saved import Saved

from helpers import AUX_WEIGHT

QUESTION = "How much auxiliary loss?"
ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)
VARIANTS = {weight: Variant(AUX, {"aux_weight": weight}, ROUNDS) for weight in WEIGHTS}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return how many runs of the highest weight diverged; the others are compared with the original's weight."""
    others = {weight: VARIANTS[weight] for weight in WEIGHTS[:-1] if weight != AUX_WEIGHT}
    words = {weight: compare(saved, variant, VARIANTS[AUX_WEIGHT]).word for weight, variant in others.items()}
    require("1 and 2 show no clear difference from 0.5", {words[1], words[2]} == {"no clear difference"})
    require("smaller weights are worse", {words[weight] for weight in WEIGHTS if weight < AUX_WEIGHT} == {"worse"})
    diverged = len(ROUNDS) - len(saved.finished(VARIANTS[WEIGHTS[-1]]))
    return {"diverged": str(diverged), "rounds": str(len(ROUNDS))}
