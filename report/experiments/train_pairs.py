"""What does more data change? The networks by the number of training pairs."""

from common.networks import BASE, MAIN, Network
from common.rows import Job

from experiments import claims
from helpers import NB_TRAIN_PAIRS

ROUNDS = range(10)
NUMBERS = (125, 250, 500, 1000, 2000, 4000, 8000)


def numbers_of(network: Network) -> list[int]:
    """Return the numbers of training pairs that a network is run with: exploration classes up to the protocol's."""
    return [number for number in NUMBERS if network in BASE or number <= NB_TRAIN_PAIRS]


def run(network: Network, number: int, nb_round: int) -> Job:
    """Return the run of a network with so many training pairs."""
    if number == NB_TRAIN_PAIRS:
        return claims.run(network, nb_round)
    return Job("train_pairs", network, nb_round, data={"nb_train_pairs": number})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for network in MAIN for number in numbers_of(network)]
