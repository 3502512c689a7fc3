"""How do the networks compare in the first thirty rounds? Each as it stands; other experiments compare with them."""

from collections.abc import Callable
from statistics import mean, stdev
from typing import Any, NamedTuple

from common.evidence import (
    ALPHA,
    NB_RESAMPLES,
    NB_STUDIES,
    POWER,
    Comparison,
    compare,
    coverage,
    detectable,
    mean_texts,
)
from common.networks import AUX, AUX1, MAIN, SIMPLE, WS, WS1, Network
from common.rows import Job, accuracy, digit_accuracy
from common.saved import Saved

import helpers

ROUNDS = range(30)
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


ABOUT = {  # what each network adds, and to which
    SIMPLE: ("plain CNN", None),
    WS: ("one branch for both digits", SIMPLE),
    AUX: ("a loss for each digit's class", WS),
    WS1: ("exploration class, no digit labels", WS),
    AUX1: ("exploration class, with digit labels", AUX),
}
CLAIMS = (Claim("Sharing the weights helps", WS, SIMPLE), Claim("An auxiliary loss helps further", AUX, WS))


def run(network: Network, nb_round: int) -> Job:
    """Return the run of a network as it stands, with which other experiments compare."""
    return Job("claims", network, nb_round)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in MAIN]


def runs_of(network: Network, nb_rounds: int = len(ROUNDS)) -> list[Job]:
    """Return a network's runs, or those of the first rounds."""
    return [run(network, r) for r in ROUNDS[:nb_rounds]]


RunsOf = Callable[[Network], list[Job]]


def differences(saved: Saved, runs_of: RunsOf = runs_of) -> list[Comparison]:
    """Return the difference that each claim is about, in these runs."""
    return [compare(saved, runs_of(claim.better), runs_of(claim.worse)) for claim in CLAIMS]


def network_numbers(saved: Saved, network: Network, runs_of: RunsOf = runs_of) -> dict[str, Any]:
    """Return what is said of a network in these runs."""
    rows, values, above = saved.rows(runs_of(network)), saved.accuracies(runs_of(network)), ABOUT[network][1]
    shares = [1 - value / 100 for value in values]
    sampling = mean(share * (1 - share) / int(row["total"]) for share, row in zip(shares, rows, strict=True)) ** 0.5
    return {
        **mean_texts(values),
        "sd": f"{stdev(values):.2f}",
        "sampling": f"{100 * sampling:.2f}",  # standard deviation of as many independent test pairs (binomial)
        "worst": f"{min(values):.1f}",
        "n": str(len(values)),
        "parameters": f"{int(rows[0]['parameters']):,}",
        "train": f"{mean(accuracy(row, 'train_') for row in rows):.2f}",
        "digits": f"{digit_accuracy(rows):.1f}" if network.labelled or network == WS1 else "",
        "effect": compare(saved, runs_of(network), runs_of(above)).texts if above is not None else None,
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the networks' accuracies, the differences that the claims are about, and the protocol."""
    found = differences(saved)
    return {
        "networks": {network.name: network_numbers(saved, network) for network in MAIN},
        "differences": [comparison.texts for comparison in found],
        "sd": [f"{stdev(comparison.differences):.2f}" for comparison in found],
        "detectable": [
            {str(n): f"{detectable(stdev(comparison.differences), n):.2f}" for n in (10, 30)} for comparison in found
        ],
        "coverage": [f"{100 * coverage(comparison.differences):.1f}" for comparison in found],
        "protocol": {
            "epochs": str(helpers.NB_EPOCHS),
            "rate": f"{helpers.LEARNING_RATE:g}",
            "batch": str(helpers.MINI_BATCH_SIZE),
            "aux": f"{helpers.AUX_WEIGHT:g}",
            "train": f"{helpers.NB_TRAIN_PAIRS:,}",
            "test": f"{helpers.NB_TEST_PAIRS:,}",
            "rounds": str(len(ROUNDS)),
            "last_round": str(ROUNDS[-1]),
            "resamples": f"{NB_RESAMPLES:,}",
            "alpha": f"{ALPHA:g}",
            "power": f"{100 * POWER:g}",
            "studies": f"{NB_STUDIES:,}",
            "most_parameters": f"{MAX_PARAMETERS:,}",
        },
    }
