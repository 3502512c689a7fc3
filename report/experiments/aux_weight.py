"""How much auxiliary loss? AuxModel by the weight of each digit's loss."""

from common.networks import AUX
from common.rows import Job

from experiments import claims
from helpers import AUX_WEIGHT

ROUNDS = range(10)
WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)


def run(weight: float, nb_round: int) -> Job:
    """Return the run of AuxModel with an auxiliary weight."""
    if weight == AUX_WEIGHT:
        return claims.run(AUX, nb_round)
    return Job("aux_weight", AUX, nb_round, training={"aux_weight": weight})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(weight, nb_round) for weight in WEIGHTS]
