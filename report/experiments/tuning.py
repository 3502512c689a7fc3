"""How were the settings of the base networks chosen? On validation pairs, the same search for all three.

First, at one size, the activation of the ten scores and whether mini-batches are shuffled; then, with that choice, the
channels of the convolutions and the hidden units. Every setting is tried on all three networks, and one is taken for
all, so that they differ in their idea only: of the settings whose mean validation accuracy over the three networks is
within one standard error of the best (the rule of Breiman et al., Classification and Regression Trees, 1984), the one
with the fewest parameters, and of several, the best.
"""

import itertools
from typing import Any

from common.networks import BASE, SIMPLE, Network
from common.rows import Job

from helpers import nb_parameters
from models.SimpleCNN import SimpleModel
from models.WSharing import ACTIVATIONS, WSModel

ROUNDS = range(1000, 1010)
DATA = {"validation": True, "nb_test_pairs": 5000}  # more than the 1000 of a test: less noise in what is chosen by
MAX_PARAMETERS = 70_000  # the limit that the course suggests

FIRST = [
    {"maps": [32, 64], "hidden": 100, "activation": activation, "shuffle": shuffle}
    for activation, shuffle in itertools.product(ACTIVATIONS, (True, False))
]
SIZES = [  # those of at most MAX_PARAMETERS, with the activation and the shuffling that the first stage chose
    {"maps": maps, "hidden": hidden, "activation": "relu", "shuffle": True}
    for maps, hidden in itertools.product(([16, 32], [24, 48], [32, 64], [40, 80]), (50, 100, 150))
    if max(nb_parameters(SimpleModel(maps, hidden)), nb_parameters(WSModel(maps, hidden))) <= MAX_PARAMETERS
]


def run(network: Network, setting: dict[str, Any], nb_round: int) -> Job:
    """Return the run of one network with one setting; SimpleModel has no activation of digit scores."""
    names = ("maps", "hidden") if network == SIMPLE else ("maps", "hidden", "activation")
    model = {name: setting[name] for name in names}
    return Job("tuning", network, nb_round, model, {"shuffle": setting["shuffle"]}, DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, setting, nb_round) for setting in (*FIRST, *SIZES) for network in BASE]
