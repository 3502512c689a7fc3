"""Is it the sharing that helps, or the splitting? Branches with weights of their own beside shared ones."""

from common.networks import BASE, UNTIED, UNTIED_AUX, Network
from common.rows import Job

from experiments import claims

ROUNDS = claims.ROUNDS


def run(network: Network, nb_round: int) -> Job:
    """Return the run of a network with untied branches."""
    return Job("sharing", network, nb_round)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [claims.run(network, nb_round) for network in BASE] + [run(net, nb_round) for net in (UNTIED, UNTIED_AUX)]
