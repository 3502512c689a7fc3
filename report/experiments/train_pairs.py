"""The networks by the number of training pairs, up to all that there are."""

import math
from typing import Any

import numpy as np
from common.evidence import compare, difference_texts, fitted, mean_and_interval, mean_texts, require, span, word
from common.networks import AUX, AUX1, BASE, EXPLORATION, MAIN, WS1, Network
from common.plotting import HALF, curve, figure_of
from common.results import Results
from common.rows import Variant
from matplotlib.figure import Figure

from experiments import claims, confirmation
from helpers import NB_TRAIN_PAIRS

QUESTION = "What does more data change, and what is left with all of it?"
ROUNDS = range(10)
NUMBERS = (125, 250, 500, 1000, 2000, 4000, 8000)


def numbers_of(network: Network) -> list[int]:
    """Return the numbers of training pairs that a network is run with: exploration classes up to the protocol's."""
    return [number for number in NUMBERS if network in BASE or number <= NB_TRAIN_PAIRS]


VARIANTS = {(net.name, n): Variant(net, {"nb_train_pairs": n}, ROUNDS) for net in MAIN for n in numbers_of(net)}
ALL = 30_000  # as many as MNIST has images for
CEILING = range(200, 203)
VARIANTS |= {
    (net.name, ALL): Variant(net, {**confirmation.DATA, "nb_train_pairs": ALL}, CEILING) for net in EXPLORATION
}


def ceiling_numbers(results: Results) -> dict[str, Any]:
    """Return the accuracies from all training images."""
    numbers: dict[str, Any] = {"rounds": span(CEILING), "pairs": f"{ALL:,}"}
    for network in EXPLORATION:
        numbers[network.name] = mean_texts(results.accuracies(VARIANTS[network.name, ALL]))
    labels = compare(results, VARIANTS[AUX1.name, ALL], VARIANTS[WS1.name, ALL])
    require("with all training images, labels make no clear difference", labels.word == "no clear difference")
    return numbers


def relative_numbers(results: Results, claim: claims.Claim) -> dict[str, Any]:
    """Return how the ratio of two networks' errors changes with each doubling of the pairs, in %, and both ends."""
    errors = {
        net: np.array([100 - np.array(results.accuracies(VARIANTS[net.name, n])) for n in NUMBERS])
        for net in (claim.better, claim.worse)
    }
    slopes = np.polyfit(np.log2(NUMBERS), np.log(errors[claim.better] / errors[claim.worse]), 1)[0].tolist()
    middle, half = mean_and_interval(slopes)
    limits = {"mean": middle, "low": middle - half, "high": middle + half}
    change = {name: f"{100 * math.expm1(limit):+.1f}" for name, limit in limits.items()}
    fewer = (100 * (1 - errors[claim.better].mean(1) / errors[claim.worse].mean(1))).tolist()
    texts = [f"{each:.0f}" for each in (fewer[0], fewer[-1], min(fewer), max(fewer))]
    return {**change, "word": word(middle, half), "fewer": texts[:2], "least": texts[2], "most": texts[3]}


def numbers(results: Results) -> dict[str, Any]:
    """Return, for each number of training pairs, each idea's effect and how many runs fit; and how that changes.

    That is the slope of each round's least-squares line through its effects over the logarithm of the numbers.
    """
    compared = [claims.differences(results, {net.name: VARIANTS[net.name, n] for net in BASE}) for n in NUMBERS]
    lines: list[dict[str, Any]] = [
        {
            "pairs": f"{number:,}",
            "differences": [comparison.texts for comparison in comparisons],
            "fitted": " / ".join(fitted(results.rows(VARIANTS[net.name, number])) for net in BASE),
        }
        for number, comparisons in zip(NUMBERS, compared, strict=True)
    ]
    above = all(comparison.word == "better" for comparisons in compared for comparison in comparisons)
    require("with every number of training pairs, both differences are above 0", above)
    slopes: list[list[float]] = [
        np.polyfit(np.log2(NUMBERS), [comparison.differences for comparison in effects], 1)[0].tolist()
        for effects in zip(*compared, strict=True)
    ]
    sharing, auxiliary = (word(*mean_and_interval(each)) for each in slopes)
    require("with more pairs sharing adds less, the auxiliary loss more", (sharing, auxiliary) == ("worse", "better"))
    relative = [relative_numbers(results, claim) for claim in claims.CLAIMS]
    require(
        "in relative error sharing is flat, and the auxiliary loss grows",
        [each["word"] for each in relative] == ["no clear difference", "worse"],
    )
    ends = compare(results, VARIANTS[AUX1.name, NUMBERS[0]], VARIANTS[AUX.name, NUMBERS[-1]])
    alike = ends.word == "no clear difference"
    require("AuxModel1 from the fewest pairs and AuxModel from the most do not differ clearly", alike)
    return {
        "lines": lines,
        "doubling": [difference_texts(each) for each in slopes],
        "relative": relative,
        "rounds": str(len(ROUNDS)),
        "fewest": lines[0]["pairs"],
        "most": lines[-1]["pairs"],
        "ceiling": ceiling_numbers(results),
    }


def picture(results: Results) -> Figure:
    """Draw the accuracies by the number of training pairs."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    for network in (*BASE, *EXPLORATION):
        numbers = numbers_of(network)
        curve(axes, numbers, [results.accuracies(VARIANTS[network.name, number]) for number in numbers], network)
    axes.set(xlabel="training pairs", ylabel="test accuracy (%)", xscale="log")
    axes.set_xticks(NUMBERS, [f"{number}" if number < 1000 else f"{number // 1000}k" for number in NUMBERS])
    axes.minorticks_off()
    axes.set_ylim(bottom=50)  # room for the legend
    axes.legend(loc="lower right")
    return figure
