"""Do the two ideas help? The five networks, each as it stands, in rounds 0 to 29."""

from common.networks import MAIN, Network
from common.rows import Job

ROUNDS = range(30)


def run(network: Network, nb_round: int) -> Job:
    """Return the run of a network as it stands, with which other experiments compare."""
    return Job("claims", network, nb_round)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in MAIN]
