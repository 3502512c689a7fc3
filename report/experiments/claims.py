"""The networks as they stand, with which other experiments compare, and the claims that are tested about them."""

from collections.abc import Mapping
from statistics import stdev
from typing import Any, NamedTuple

from common.evidence import (
    ALPHA,
    NB_RESAMPLES,
    POWER,
    Comparison,
    compare,
    detectable,
    mean_texts,
    require,
    span,
)
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


def differences(results: Results, variants: Mapping[str, Variant] = DEFAULTS) -> list[Comparison]:
    """Return the difference that each claim is about, between these variants of the networks, by their names."""
    return [compare(results, variants[claim.better.name], variants[claim.worse.name]) for claim in CLAIMS]


def collapse_numbers(results: Results) -> dict[str, Any]:
    """Return the exploration classes' accuracies over all rounds."""
    numbers = {}
    for network, base in zip(EXPLORATION, BASE[1:], strict=True):
        values = results.accuracies(VARIANTS[network.name])
        above = min(values) > max(results.accuracies(DEFAULTS[base.name]))
        first = f"{base.name}'s in rounds {span(ROUNDS)}"
        require(f"no run of {network.name} collapsed, its worst is above {first}", above)
        numbers[network.name] = {
            **mean_texts(values),
            "n": str(len(values)),
            "worst": f"{min(values):.1f}",
        }
    return numbers


def numbers(results: Results) -> dict[str, Any]:
    """Return the networks' accuracies, the differences that the claims are about, and the protocol."""
    comparisons = differences(results)
    return {
        "networks": {net.name: mean_texts(results.accuracies(DEFAULTS[net.name])) for net in MAIN},
        "sd": [f"{stdev(comparison.differences):.2f}" for comparison in comparisons],
        "detectable": [
            {str(n): f"{detectable(stdev(comparison.differences), n):.2f}" for n in (10, 30)}
            for comparison in comparisons
        ],
        "more_rounds": collapse_numbers(results),
        "protocol": {
            "epochs": str(helpers.NB_EPOCHS),
            "rate": f"{helpers.LEARNING_RATE:g}",
            "aux": f"{helpers.AUX_WEIGHT:g}",
            "train": f"{helpers.NB_TRAIN_PAIRS:,}",
            "test": f"{helpers.NB_TEST_PAIRS:,}",
            "last_round": str(ROUNDS[-1]),
            "resamples": f"{NB_RESAMPLES:,}",
            "alpha": f"{ALPHA:g}",
            "power": f"{100 * POWER:g}",
            "most_parameters": f"{MAX_PARAMETERS:,}",
        },
    }
