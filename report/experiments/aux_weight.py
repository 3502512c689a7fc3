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
    """Return each weight's difference from the original's, where no run diverged, and how many did."""
    lines: list[dict[str, Any]] = []
    words: dict[float, str] = {}
    for weight in WEIGHTS:
        diverged = len(ROUNDS) - len(saved.finished(VARIANTS[weight]))
        line: dict[str, Any] = {"weight": f"{weight:g}", "diverged": str(diverged)}
        if weight != AUX_WEIGHT and not diverged:
            comparison = compare(saved, VARIANTS[weight], VARIANTS[AUX_WEIGHT])
            line["difference"], words[weight] = comparison.texts, comparison.word
        lines.append(line)
    require("1 and 2 show no clear difference from 0.5", {words[1], words[2]} == {"no clear difference"})
    require("smaller weights are worse", {words[weight] for weight in WEIGHTS if weight < AUX_WEIGHT} == {"worse"})
    return {"lines": lines, "rounds": str(len(ROUNDS))}
