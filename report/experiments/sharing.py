"""Is it the sharing that helps, or the splitting? Branches with weights of their own beside shared ones.

Untied branches have twice the weights, and need more epochs until they fit their training pairs: they are run with
half the maps, too, and all networks with three times the epochs.
"""

from typing import Any

from common.networks import AUX, SIMPLE, UNTIED, UNTIED_AUX, WS, Network
from common.rows import Job, Saved
from matplotlib.figure import Figure

from experiments import claims
from helpers import NB_EPOCHS

ROUNDS = claims.ROUNDS
EPOCHS = (NB_EPOCHS, 3 * NB_EPOCHS)
WHOLE: dict[str, Any] = {}
HALF = {"maps": [16, 32], "hidden": 177}  # half the maps; hidden units for as many parameters as WSModel's, nearly
NETWORKS = (
    (SIMPLE, WHOLE),
    (UNTIED, WHOLE),
    (UNTIED, HALF),
    (WS, WHOLE),
    (UNTIED_AUX, WHOLE),
    (UNTIED_AUX, HALF),
    (AUX, WHOLE),
)


def run(network: Network, model: dict[str, Any], nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a network with so many epochs."""
    if nb_epochs == NB_EPOCHS and network in (SIMPLE, WS, AUX):
        return claims.run(network, nb_round)
    return Job("sharing", network, nb_round, model, {} if nb_epochs == NB_EPOCHS else {"nb_epochs": nb_epochs})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(*network, nb_epochs, nb_round) for nb_epochs in EPOCHS for network in NETWORKS]
