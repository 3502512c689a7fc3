"""What is left with all the data? The exploration classes on 30,000 training pairs, and all test pairs."""

from statistics import mean
from typing import Any

from common.evidence import compare, mean_texts, require, span
from common.networks import AUX1, EXPLORATION, WS1, Network
from common.rows import Job
from common.saved import Saved

from experiments import confirmation

ROUNDS = range(200, 203)
DATA = {**confirmation.DATA, "nb_train_pairs": 30000}


def run(network: Network, nb_round: int) -> Job:
    """Return the run of an exploration class on all training images."""
    return Job("ceiling", network, nb_round, data=DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in EXPLORATION]


def runs_of(network: Network) -> list[Job]:
    """Return the runs of an exploration class."""
    return [run(network, r) for r in ROUNDS]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the accuracies from all training images, those of the confirmation's same rounds, and what labels add."""
    found: dict[str, Any] = {"rounds": span(ROUNDS), "pairs": f"{DATA['nb_train_pairs']:,}"}
    for network in EXPLORATION:
        every = saved.accuracies(runs_of(network))
        usual = saved.accuracies(confirmation.run(network, r) for r in ROUNDS)
        fewer = f"{100 - 100 * (100 - mean(every)) / (100 - mean(usual)):.0f}"  # of its errors, in %
        found[network.name] = {"all": mean_texts(every), "usual": f"{mean(usual):.2f}", "fewer": fewer}
    labels = compare(saved, runs_of(AUX1), runs_of(WS1))
    require("with all training images, labels make no clear difference", labels.word == "no clear difference")
    return {**found, "labels": labels.texts}
