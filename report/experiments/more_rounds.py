"""Does an exploration class ever collapse? Its runs in rounds 30 to 199; claims has the first 30."""

from common.networks import EXPLORATION
from common.rows import Job

ROUNDS = range(30, 200)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [Job("more_rounds", network, nb_round) for network in EXPLORATION]
