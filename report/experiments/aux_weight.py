"""AuxModel by the weight of each digit's loss."""

from typing import Any

from common.evidence import Comparison, compare, fitted, mean_texts, require
from common.networks import AUX
from common.rows import Variant, digit_accuracy
from common.saved import Saved

from helpers import AUX_WEIGHT

QUESTION = "How much auxiliary loss?"
ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)
VARIANTS = {weight: Variant(AUX, {"aux_weight": weight}, ROUNDS) for weight in WEIGHTS}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each weight's accuracy, its differences from none and from ours, digit accuracy, and diverged runs.

    The accuracy is that of the runs that did not diverge; if one did, there is no paired difference.
    """

    def difference(weight: float, other: float) -> Comparison | None:
        whole = len(saved.finished(VARIANTS[weight])) == len(ROUNDS)
        return compare(saved, VARIANTS[weight], VARIANTS[other]) if whole and weight != other else None

    lines: list[dict[str, Any]] = []
    words: dict[float, str] = {}  # beside the original's weight
    for weight in WEIGHTS:
        jobs = saved.finished(VARIANTS[weight])
        from_none, from_ours = difference(weight, WEIGHTS[0]), difference(weight, AUX_WEIGHT)
        words[weight] = from_ours.word if from_ours else ""
        lines.append(
            {
                "weight": f"{weight:g}",
                "accuracy": mean_texts(saved.accuracies(jobs)),
                "difference": from_none and from_none.texts,
                "ours": from_ours and from_ours.texts,
                "digits": f"{digit_accuracy(saved.rows(jobs)):.1f}",
                "fitted": fitted(saved.rows(jobs)),
                "diverged": str(len(ROUNDS) - len(jobs)),
            }
        )
    require("1 and 2 show no clear difference from 0.5", {words[1], words[2]} == {"no clear difference"})
    require("smaller weights are worse", {words[weight] for weight in WEIGHTS if weight < AUX_WEIGHT} == {"worse"})
    return {"lines": lines, "rounds": str(len(ROUNDS))}
