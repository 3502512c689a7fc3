"""What is left with all the data? The exploration classes on 30,000 training pairs, and all test pairs."""

from typing import Any

from common.networks import EXPLORATION, Network
from common.rows import Job, Saved

from experiments import confirmation

ROUNDS = range(200, 203)
DATA = {**confirmation.DATA, "nb_train_pairs": 30000}


def run(network: Network, nb_round: int) -> Job:
    """Return the run of an exploration class on all training images."""
    return Job("ceiling", network, nb_round, data=DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in EXPLORATION]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the accuracies from all training images, and beside them those of the confirmation's same rounds."""
    found: dict[str, Any] = {"rounds": ", ".join(map(str, ROUNDS)), "pairs": f"{DATA['nb_train_pairs']:,}"}
    for network in EXPLORATION:
        for name, of in (("all", run), ("usual", confirmation.run)):
            accuracies = saved.accuracies(of(network, r) for r in ROUNDS)
            found.setdefault(network.name, {})[name] = f"{sum(accuracies) / len(accuracies):.2f}"
    return found
