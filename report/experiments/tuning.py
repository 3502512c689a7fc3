"""The search for the base networks' settings, on validation pairs, the same for all three.

First, at one size, the activation of the ten scores and whether mini-batches are shuffled; then, with that choice, the
channels of the convolutions and the hidden units. Every setting is tried on all three networks, and one is taken for
all, so that they differ in their idea only: of the settings whose mean validation accuracy over the three networks is
within one standard error of the best (the rule of Breiman et al., Classification and Regression Trees, 1984), the one
with the fewest parameters, and of several, the best. The settings in use were chosen so by the search's first rows,
results/tuning_first.csv. Here, the search is made again with the instruction set of all other rows.
"""

import itertools
import math
from statistics import mean, stdev
from typing import Any

from common.evidence import interval_of
from common.networks import ACTIVATIONS, BASE, SIMPLE, WS, Network
from common.results import Results
from common.rows import VALIDATION, Variant

from experiments.claims import MAX_PARAMETERS
from helpers import nb_parameters

QUESTION = "How were the settings of the base networks chosen?"
ROUNDS = range(1000, 1010)

FIRST: list[dict[str, Any]] = [
    {"maps": [32, 64], "hidden": 100, "activation": activation, "shuffle": shuffle}
    for activation, shuffle in itertools.product(ACTIVATIONS, (True, False))
]
SIZES: list[dict[str, Any]] = [  # of at most MAX_PARAMETERS, with the activation and shuffling of the first stage
    {"maps": maps, "hidden": hidden, "activation": "relu", "shuffle": True}
    for maps, hidden in itertools.product(([16, 32], [24, 48], [32, 64], [40, 80]), (50, 100, 150))
    if max(nb_parameters(network.make(maps=maps, hidden=hidden)) for network in BASE) <= MAX_PARAMETERS
]

IN_USE: dict[str, Any] = {"maps": [32, 64], "hidden": 150, "activation": "relu", "shuffle": True}


def variant_of(network: Network, setting: dict[str, Any]) -> Variant:
    """Return a network with one setting; SimpleModel has no activation of digit scores."""
    settings = {name: value for name, value in setting.items() if network != SIMPLE or name != "activation"}
    return Variant(network, {**settings, **VALIDATION}, ROUNDS)


VARIANTS = {
    (net.name, *map(str, setting.values())): variant_of(net, setting) for setting in (*FIRST, *SIZES) for net in BASE
}


def accuracies(results: Results, setting: dict[str, Any]) -> list[float]:
    """Return a setting's validation accuracies in %, a round each: means over the three networks."""
    of_networks = (results.accuracies(variant_of(network, setting)) for network in BASE)
    return [mean(three) for three in zip(*of_networks, strict=True)]


def size(setting: dict[str, Any]) -> int:
    """Return the number of parameters of WSModel and AuxModel with a setting."""
    return nb_parameters(WS.make(maps=setting["maps"], hidden=setting["hidden"]))


def choose(settings: list[dict[str, Any]], means: list[list[float]]) -> dict[str, Any]:
    """Return the setting that is taken by its means over the networks, a round each: see the top of this file."""
    best = max(means, key=mean)
    enough = mean(best) - stdev(best) / math.sqrt(len(best))  # one standard error
    within = [index for index in range(len(settings)) if mean(means[index]) >= enough]
    return settings[max(within, key=lambda index: (-size(settings[index]), mean(means[index])))]


def numbers(results: Results) -> dict[str, Any]:
    """Return the settings in use and those that both stages choose now, and how these differ in points."""
    taken = [choose(settings, [accuracies(results, each) for each in settings]) for settings in (FIRST, SIZES)]
    in_use, again = (accuracies(results, setting) for setting in (IN_USE, taken[1]))
    return {
        "in_use": {**IN_USE, "parameters": size(IN_USE)},
        "again": {**taken[0], "maps": taken[1]["maps"], "hidden": taken[1]["hidden"], "parameters": size(taken[1])},
        "difference": interval_of([now - then for now, then in zip(again, in_use, strict=True)]),
    }
