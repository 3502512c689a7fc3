"""The networks as they stand, with which other experiments compare, and the claims that are tested about them."""

from collections.abc import Mapping
from statistics import stdev
from typing import Any, NamedTuple

from common.evidence import ALPHA, NB_RESAMPLES, POWER, compare, detectable, interval_of
from common.networks import AUX, AUX1, BASE, EXPLORATION, MAIN, SIMPLE, WS, WS1, Network
from common.results import Results
from common.rows import Variant

import helpers

QUESTION = "How do the networks compare in the first rounds, and does an exploration class ever collapse?"
ROUNDS, ALL_ROUNDS = range(30), range(200)  # the latter of the exploration classes
MAX_PARAMETERS = 70_000  # the limit that the course suggests


class Claim(NamedTuple):
    """A claim, the network that is better if it holds, and the one that it is compared with."""

    sentence: str
    better: Network
    worse: Network

    @property
    def difference(self) -> str:
        """The difference that the claim is about."""
        return f"{self.better.name} - {self.worse.name}"

    @property
    def heading(self) -> str:
        """What is tested: the sentence, which was committed with the criterion, may say more."""
        return f"{self.better.name} is better than {self.worse.name}"


ABOUT = {  # what each network adds, and to which
    SIMPLE: ("plain CNN", None),
    WS: ("one branch for both digits", SIMPLE),
    AUX: ("a loss for each digit's class", WS),
    WS1: ("exploration class, no digit labels", WS),
    AUX1: ("exploration class, with digit labels", AUX),
}
CLAIMS = (Claim("Sharing the weights helps", WS, SIMPLE), Claim("An auxiliary loss helps further", AUX, WS))


VARIANTS = {net.name: Variant(net, {}, ROUNDS if net in BASE else ALL_ROUNDS) for net in MAIN}
DEFAULTS = {net.name: Variant(net, {}, ROUNDS) for net in MAIN}


def differences(results: Results, variants: Mapping[str, Variant] = DEFAULTS) -> list[list[float]]:
    """Return the difference that each claim is about, between these variants of the networks, by their names."""
    return [compare(results, variants[claim.better.name], variants[claim.worse.name]) for claim in CLAIMS]


def numbers(results: Results) -> dict[str, Any]:
    """Return the networks' accuracies, what differences can be detected, more rounds, and the protocol."""
    values = {net.name: results.accuracies(DEFAULTS[net.name]) for net in MAIN}
    deviations = list(map(stdev, differences(results)))
    more_rounds = {}
    for network, base in zip(EXPLORATION, BASE[1:], strict=True):
        over_all = results.accuracies(VARIANTS[network.name])
        worst = {"worst": min(over_all), "best_of_base": max(values[base.name])}
        more_rounds[network.name] = {**interval_of(over_all), "n": len(over_all), **worst}
    return {
        "networks": {name: interval_of(of_network) for name, of_network in values.items()},
        "detectable": [{str(n): detectable(sd, n) for n in (10, 30)} for sd in deviations],
        "more_rounds": more_rounds,
        "protocol": {
            "epochs": helpers.NB_EPOCHS,
            "rate": helpers.LEARNING_RATE,
            "aux": helpers.AUX_WEIGHT,
            "train": helpers.NB_TRAIN_PAIRS,
            "test": helpers.NB_TEST_PAIRS,
            "last_round": ROUNDS[-1],
            "resamples": NB_RESAMPLES,
            "alpha": ALPHA,
            "power": POWER,
            "most_parameters": MAX_PARAMETERS,
        },
    }
