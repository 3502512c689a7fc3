"""The networks by the number of training pairs, up to all that there are."""

import math
from typing import Any

import numpy as np
from common.evidence import compare, fitted, interval_of, span
from common.networks import AUX1, BASE, EXPLORATION, MAIN, WS1
from common.results import Results
from common.rows import Variant

from experiments import claims, confirmation
from helpers import NB_TRAIN_PAIRS

QUESTION = "What does more data change, and what is left with all of it?"
ROUNDS = range(10)
NUMBERS = (125, 250, 500, 1000, 2000, 4000, 8000)


VARIANTS: dict[tuple[str, int | str], Variant] = {  # the exploration classes up to the protocol's number
    (net.name, n): Variant(net, {"nb_train_pairs": n}, ROUNDS)
    for net in MAIN
    for n in NUMBERS
    if net in BASE or n <= NB_TRAIN_PAIRS
}
LONG = 400  # epochs, until the fewest pairs fit
VARIANTS |= {
    (net.name, "long"): Variant(net, {"nb_train_pairs": NUMBERS[0], "nb_epochs": LONG}, ROUNDS) for net in BASE
}
ALL = 30_000  # as many as MNIST has images for
CEILING = range(200, 203)
VARIANTS |= {
    (net.name, ALL): Variant(net, {**confirmation.DATA, "nb_train_pairs": ALL}, CEILING) for net in EXPLORATION
}


def slopes(values: np.ndarray) -> list[float]:
    """Return the slope of each round's least-squares line over the doublings of NUMBERS, the lines of `values`."""
    return np.polyfit(np.log2(NUMBERS), values, 1)[0].tolist()


def relative_numbers(results: Results, claim: claims.Claim) -> dict[str, Any]:
    """Return how the ratio of two networks' errors changes with each doubling, in %, and how many fewer there are."""
    errors = {
        net: np.array([100 - np.array(results.accuracies(VARIANTS[net.name, n])) for n in NUMBERS])
        for net in (claim.better, claim.worse)
    }
    interval = interval_of(slopes(np.log(errors[claim.better] / errors[claim.worse])))
    fewer = (100 * (1 - errors[claim.better].mean(1) / errors[claim.worse].mean(1))).tolist()
    return {**{name: 100 * math.expm1(interval[name]) for name in ("mean", "low", "high")}, "fewer": fewer}


def numbers(results: Results) -> dict[str, Any]:
    """Return, for each number of training pairs, each idea's effect and how many runs fit; and how that changes."""
    lines: list[dict[str, Any]] = []
    effects = []
    for n in NUMBERS:
        compared = claims.differences(results, {net.name: VARIANTS[net.name, n] for net in BASE})
        effects.append(compared)
        of_net = [fitted(results.rows(VARIANTS[net.name, n])) for net in BASE]
        lines.append({"pairs": n, "differences": list(map(interval_of, compared)), "fitted": of_net})
    long = claims.differences(results, {net.name: VARIANTS[net.name, "long"] for net in BASE})
    of_long = [fitted(results.rows(VARIANTS[net.name, "long"])) for net in BASE]
    ceiling = {net.name: interval_of(results.accuracies(VARIANTS[net.name, ALL])) for net in EXPLORATION}
    labels = interval_of(compare(results, VARIANTS[AUX1.name, ALL], VARIANTS[WS1.name, ALL]))
    return {
        "lines": lines,
        "long": {"pairs": NUMBERS[0], "epochs": LONG, "differences": list(map(interval_of, long)), "fitted": of_long},
        "doubling": [interval_of(slopes(np.array(each))) for each in zip(*effects, strict=True)],
        "relative": [relative_numbers(results, claim) for claim in claims.CLAIMS],
        "n": len(ROUNDS),
        "ceiling": {**ceiling, "labels": labels, "rounds": span(CEILING), "pairs": ALL},
    }
