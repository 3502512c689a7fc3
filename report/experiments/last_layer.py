"""What does the last layer do? Linear on the scores, on their ReLU, on their softmax, and the joint comparison."""

from typing import Any, NamedTuple

from common.drawing import HALF, figure_of, label_places, legend, strip
from common.evidence import compare, mean_texts, require
from common.networks import AUX, JOINT, JOINT_AUX, SIMPLE, WS, Network
from common.rows import Job, digit_accuracy
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import claims

ROUNDS = range(30)


class LastLayer(NamedTuple):
    """A last layer: its name, the networks without and with digit labels, and their keywords."""

    name: str
    plain: Network
    labelled: Network
    model: dict[str, str]


LAST_LAYERS = (
    LastLayer("linear on scores", WS, AUX, {"activation": "none"}),
    LastLayer("linear on ReLU", WS, AUX, {}),
    LastLayer("linear on softmax", WS, AUX, {"activation": "softmax"}),
    LastLayer("joint comparison", JOINT, JOINT_AUX, {}),
)


def run(network: Network, model: dict[str, str], nb_round: int) -> Job:
    """Return the run of a network with a last layer of LAST_LAYERS."""
    if network in (WS, AUX) and not model:
        return claims.run(network, nb_round)
    return Job("last_layer", network, nb_round, model)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, layer.model, nb_round) for layer in LAST_LAYERS for network in (layer.plain, layer.labelled)]


def runs_of(layer: LastLayer) -> tuple[list[Job], list[Job]]:
    """Return the runs with a last layer, without and with digit labels."""
    plain, labelled = ([run(net, layer.model, r) for r in ROUNDS] for net in (layer.plain, layer.labelled))
    return plain, labelled


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, by last layer, the accuracies, the digit accuracy, and the differences that the claims are about."""
    lines: list[dict[str, Any]] = []
    for layer in LAST_LAYERS:
        plain, labelled = runs_of(layer)
        both = compare(saved, plain, claims.runs_of(SIMPLE)), compare(saved, labelled, plain)
        lines.append(
            {
                "name": layer.name,
                "plain": mean_texts(saved.accuracies(plain)),
                "labelled": mean_texts(saved.accuracies(labelled)),
                "digits": f"{digit_accuracy(saved.rows(labelled)):.1f}",
                "differences": [comparison.texts for comparison in both],
                "words": [comparison.word for comparison in both],
            }
        )
    words = {line["name"]: line["words"] for line in lines}
    softmax = words.pop("linear on softmax")
    require(
        "with softmax WSModel is worse than SimpleModel, and AuxModel better than WSModel",
        softmax == ["worse", "better"],
    )
    require("with every other last layer both are better", all(both == ["better"] * 2 for both in words.values()))
    return {"lines": lines, "rounds": str(len(ROUNDS))}


def picture(saved: Saved) -> Figure:
    """Draw the accuracies by last layer, without and with digit labels."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    for place, layer in enumerate(LAST_LAYERS):
        for own, network, shift in zip(runs_of(layer), (WS, AUX), (-0.25, 0.2), strict=True):
            strip(axes, place + shift, saved.accuracies(own), network, 0.08)
    label_places(axes, (layer.name.replace(" ", "\n", 1) for layer in LAST_LAYERS))
    axes.set_ylabel("test accuracy (%)")
    legend(axes, (WS, AUX))
    return figure
