"""Are 50 epochs enough? The base networks by the number of epochs, on validation pairs."""

from common.networks import BASE, Network
from common.rows import Job

ROUNDS = range(1200, 1210)  # not those of the tuning
EPOCHS = (3, 6, 12, 25, 50, 100)
DATA = {"validation": True, "nb_test_pairs": 5000}


def run(network: Network, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a network with so many epochs."""
    return Job("epochs", network, nb_round, training={"nb_epochs": nb_epochs}, data=DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for number in EPOCHS for network in BASE]
