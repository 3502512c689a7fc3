"""Do the published networks, rebuilt to the last parameter, give what the published code gives?"""

from common.networks import PUBLISHED, Network
from common.rows import Job

ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README


def run(network: Network, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a published network, the published way."""
    return Job("published", network, nb_round, training={"nb_epochs": nb_epochs, "shuffle": False})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for number in EPOCHS for network in PUBLISHED]
