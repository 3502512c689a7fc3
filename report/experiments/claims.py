"""The networks as they stand, with which other experiments compare, and the claims that are tested about them."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from common.evidence import (
    ALPHA,
    NB_RESAMPLES,
    POWER,
    Comparison,
    compare,
    detectable,
    fitted,
    mean_texts,
    require,
)
from common.networks import AUX, AUX1, BASE, EXPLORATION, MAIN, SIMPLE, WS, WS1, Network
from common.rows import Variant, digit_accuracy
from common.saved import Saved

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


def usual(network: Network, rounds: Sequence[int] = ROUNDS) -> Variant:
    """Return a network as it stands."""
    return Variant(network, {}, rounds)


VARIANTS = {net.name: usual(net, ROUNDS if net in BASE else ALL_ROUNDS) for net in MAIN}
USUAL = {net.name: usual(net) for net in MAIN}


def differences(saved: Saved, variants: Mapping[str, Variant] = USUAL) -> list[Comparison]:
    """Return the difference that each claim is about, between these variants of the networks, by their names."""
    return [compare(saved, variants[claim.better.name], variants[claim.worse.name]) for claim in CLAIMS]


def network_numbers(saved: Saved, network: Network, variants: Mapping[str, Variant] = USUAL) -> dict[str, Any]:
    """Return what is said of a network in its variant."""
    variant, above = variants[network.name], ABOUT[network][1]
    rows, values = saved.rows(variant), saved.accuracies(variant)
    shares = [1 - value / 100 for value in values]
    sampling = mean(share * (1 - share) / int(row["total"]) for share, row in zip(shares, rows, strict=True)) ** 0.5
    return {
        **mean_texts(values),
        "sd": f"{stdev(values):.2f}",
        "sampling": f"{100 * sampling:.2f}",  # standard deviation of as many independent test pairs (binomial)
        "parameters": f"{int(rows[0]['parameters']):,}",
        "fitted": fitted(rows),
        "digits": f"{digit_accuracy(rows):.1f}" if network.labelled or network == WS1 else "",
        "effect": compare(saved, variant, variants[above.name]).texts if above is not None else None,
    }


def collapse_numbers(saved: Saved) -> dict[str, Any]:
    """Return the exploration classes' accuracies over all rounds."""
    numbers = {}
    for network, base in zip(EXPLORATION, BASE[1:], strict=True):
        values = saved.accuracies(VARIANTS[network.name])
        above = min(values) > max(saved.accuracies(usual(base)))
        require(f"no run of {network.name} collapsed, its worst is above every one of {base.name}", above)
        numbers[network.name] = {
            **mean_texts(values),
            "n": str(len(values)),
            "worst": f"{min(values):.1f}",
        }
    return numbers


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the networks' accuracies, the differences that the claims are about, and the protocol."""
    comparisons = differences(saved)
    return {
        "networks": {network.name: network_numbers(saved, network) for network in MAIN},
        "sd": [f"{stdev(comparison.differences):.2f}" for comparison in comparisons],
        "detectable": [
            {str(n): f"{detectable(stdev(comparison.differences), n):.2f}" for n in (10, 30)}
            for comparison in comparisons
        ],
        "more_rounds": collapse_numbers(saved),
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
