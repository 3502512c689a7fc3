"""Are 50 epochs enough? The base networks by the number of epochs, on validation pairs."""

import functools
from statistics import mean
from typing import Any

from common.drawing import HALF, curve, figure_of
from common.evidence import compare, require, span
from common.networks import BASE, Network
from common.rows import Job
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import claims
from helpers import NB_EPOCHS

ROUNDS = range(1200, 1210)  # not those of the tuning
EPOCHS = (3, 6, 12, 25, 50, 100)
DATA = {"validation": True, "nb_test_pairs": 5000}


def run(network: Network, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a network with so many epochs."""
    return Job("epochs", network, nb_round, training={"nb_epochs": nb_epochs}, data=DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for number in EPOCHS for network in BASE]


def runs_of(network: Network, nb_epochs: int) -> list[Job]:
    """Return the runs of a network with so many epochs."""
    return [run(network, nb_epochs, r) for r in ROUNDS]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, by the number of epochs, the accuracies and the claims' differences; and what twice the epochs give."""
    lines: list[dict[str, Any]] = []
    for number in EPOCHS:
        both = claims.differences(saved, functools.partial(runs_of, nb_epochs=number))
        lines.append(
            {
                "epochs": str(number),
                "accuracies": {net.name: f"{mean(saved.accuracies(runs_of(net, number))):.1f}" for net in BASE},
                "differences": [comparison.texts for comparison in both],
                "words": [comparison.word for comparison in both],
            }
        )
    words = [line["words"] for line in lines]
    require("after 3 epochs WSModel is worse than SimpleModel", words[0] == ["worse", "better"])
    require("after 6 epochs they do not differ clearly", words[1] == ["no clear difference", "better"])
    require("from 12 epochs on, both differences are above 0", words[2:] == [["better", "better"]] * 4)
    doubled = {net.name: compare(saved, runs_of(net, 2 * NB_EPOCHS), runs_of(net, NB_EPOCHS)).texts for net in BASE}
    return {"lines": lines, "doubled": doubled, "rounds": span(ROUNDS)}


def picture(saved: Saved) -> Figure:
    """Draw the accuracies by the number of epochs."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    for network in BASE:
        curve(axes, EPOCHS, [saved.accuracies(runs_of(network, number)) for number in EPOCHS], network)
    axes.set(xlabel="epochs", ylabel="validation accuracy (%)", xscale="log")
    axes.set_xticks(EPOCHS, [str(n) for n in EPOCHS])
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return figure
