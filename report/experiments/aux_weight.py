"""How much auxiliary loss? AuxModel by the weight of each digit's loss."""

from typing import Any

import numpy as np
from common.drawing import HALF, curve, figure_of
from common.evidence import Comparison, compare, mean_texts, require
from common.networks import AUX
from common.rows import Job, digit_accuracy
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import claims
from helpers import AUX_WEIGHT

ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)


def run(weight: float, nb_round: int) -> Job:
    """Return the run of AuxModel with an auxiliary weight."""
    if weight == AUX_WEIGHT:
        return claims.run(AUX, nb_round)
    return Job("aux_weight", AUX, nb_round, training={"aux_weight": weight})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(weight, nb_round) for weight in WEIGHTS]


def runs_of(weight: float) -> list[Job]:
    """Return the runs with an auxiliary weight."""
    return [run(weight, r) for r in ROUNDS]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each weight's accuracy, its differences from none and from ours, digit accuracy, and diverged runs.

    The accuracy is that of the runs that did not diverge; if one did, there is no paired difference.
    """

    def difference(weight: float, other: float) -> Comparison | None:
        whole = saved.finished(runs_of(weight)) == runs_of(weight)
        return compare(saved, runs_of(weight), runs_of(other)) if whole and weight != other else None

    lines: list[dict[str, Any]] = []
    words: dict[float, str] = {}  # beside the original's weight
    for weight in WEIGHTS:
        runs = saved.finished(runs_of(weight))
        from_none, from_ours = difference(weight, WEIGHTS[0]), difference(weight, AUX_WEIGHT)
        words[weight] = from_ours.word if from_ours else ""
        lines.append(
            {
                "weight": f"{weight:g}",
                "accuracy": mean_texts(saved.accuracies(runs)),
                "difference": from_none and from_none.texts,
                "ours": from_ours and from_ours.texts,
                "digits": f"{digit_accuracy(saved.rows(runs)):.1f}",
                "diverged": str(len(ROUNDS) - len(runs)),
            }
        )
    require("1 and 2 show no clear difference from 0.5", {words[1], words[2]} == {"no clear difference"})
    require("smaller weights are worse", {words[weight] for weight in WEIGHTS if weight < AUX_WEIGHT} == {"worse"})
    return {"lines": lines, "rounds": str(len(ROUNDS))}


def picture(saved: Saved) -> Figure:
    """Draw the accuracies by weight, to scale from the square root of the weight, and say which runs diverged."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    values = [saved.accuracies(saved.finished(runs_of(weight))) for weight in WEIGHTS]
    curve(axes, WEIGHTS, values, AUX)
    axes.set_xscale("function", functions=(np.sqrt, np.square))
    for weight, own in zip(WEIGHTS, values, strict=True):
        if len(own) < len(ROUNDS):
            text = f"{len(ROUNDS) - len(own)} of {len(ROUNDS)} runs\ndiverged"
            place = axes.get_xaxis_transform()
            axes.text(weight - 0.25, 0.02, text, ha="right", va="bottom", fontsize=7, transform=place)
    axes.set_xticks(WEIGHTS, [f"{weight:g}" for weight in WEIGHTS], fontsize=7)
    axes.set(xlabel="weight of each digit's loss (square-root scale)", ylabel="test accuracy (%)")
    return figure
