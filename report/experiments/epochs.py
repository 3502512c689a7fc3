"""Are 50 epochs enough? The base networks by the number of epochs, on validation pairs."""

from typing import Any

from common.drawing import curve
from common.evidence import compare
from common.networks import BASE, Network
from common.rows import Job, Saved
from matplotlib.axes import Axes

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
    """Return the effect of twice the protocol's epochs, and of their second half."""

    def effect(more: int, less: int) -> dict[str, dict[str, str]]:
        return {net.name: compare(saved, runs_of(net, more), runs_of(net, less)).texts for net in BASE}

    return {
        "doubled": effect(2 * NB_EPOCHS, NB_EPOCHS),
        "halved": effect(NB_EPOCHS, NB_EPOCHS // 2),
        "rounds": f"{ROUNDS[0]} to {ROUNDS[-1]}",
    }


def panel(axes: Axes, saved: Saved) -> None:
    """Draw the accuracies by the number of epochs."""
    for network in BASE:
        curve(axes, EPOCHS, [saved.accuracies(runs_of(network, number)) for number in EPOCHS], network)
    axes.set(title="(7) Epochs", xlabel="epochs", ylabel="validation accuracy (%)", xscale="log")
    axes.set_xticks(EPOCHS, [str(n) for n in EPOCHS])
    axes.minorticks_off()
