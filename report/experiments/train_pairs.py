"""What does more data change? The networks by the number of training pairs."""

import functools
from statistics import mean
from typing import Any

import numpy as np
from common.drawing import HALF, curve, figure_of
from common.evidence import compare, difference_texts, mean_and_interval, require, word
from common.networks import AUX, AUX1, BASE, EXPLORATION, MAIN, Network
from common.rows import Job
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import claims
from helpers import NB_TRAIN_PAIRS

ROUNDS = range(10)
NUMBERS = (125, 250, 500, 1000, 2000, 4000, 8000)


def numbers_of(network: Network) -> list[int]:
    """Return the numbers of training pairs that a network is run with: exploration classes up to the protocol's."""
    return [number for number in NUMBERS if network in BASE or number <= NB_TRAIN_PAIRS]


def run(network: Network, number: int, nb_round: int) -> Job:
    """Return the run of a network with so many training pairs."""
    if number == NB_TRAIN_PAIRS:
        return claims.run(network, nb_round)
    return Job("train_pairs", network, nb_round, data={"nb_train_pairs": number})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for network in MAIN for number in numbers_of(network)]


def runs_of(network: Network, number: int) -> list[Job]:
    """Return the runs of a network with so many training pairs."""
    return [run(network, number, r) for r in ROUNDS]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, for each number of training pairs, the accuracies and each idea's effect; and how that changes.

    That is the slope of each round's least-squares line through its effects over the logarithm of the numbers.
    """
    found = [claims.differences(saved, functools.partial(runs_of, number=number)) for number in NUMBERS]
    lines: list[dict[str, Any]] = [
        {
            "pairs": f"{number:,}",
            "accuracies": {
                network.name: f"{mean(saved.accuracies(runs_of(network, number))):.1f}"
                for network in MAIN
                if number in numbers_of(network)
            },
            "differences": [comparison.texts for comparison in comparisons],
        }
        for number, comparisons in zip(NUMBERS, found, strict=True)
    ]
    above = all(comparison.word == "better" for comparisons in found for comparison in comparisons)
    require("with every number of training pairs, both differences are above 0", above)
    slopes: list[list[float]] = [
        np.polyfit(np.log2(NUMBERS), [comparison.differences for comparison in effects], 1)[0].tolist()
        for effects in zip(*found, strict=True)
    ]
    sharing, auxiliary = (word(*mean_and_interval(each)) for each in slopes)
    require("with more pairs sharing adds less, the auxiliary loss more", (sharing, auxiliary) == ("worse", "better"))
    ends = compare(saved, runs_of(AUX1, NUMBERS[0]), runs_of(AUX, NUMBERS[-1]))
    alike = ends.word == "no clear difference"
    require("AuxModel1 from the fewest pairs and AuxModel from the most do not differ clearly", alike)
    return {
        "lines": lines,
        "doubling": [difference_texts(each) for each in slopes],
        "rounds": str(len(ROUNDS)),
        "ends": ends.texts,
        "fewest": lines[0]["pairs"],
        "most": lines[-1]["pairs"],
    }


def picture(saved: Saved) -> Figure:
    """Draw the accuracies by the number of training pairs."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    for network in (*BASE, *EXPLORATION):
        numbers = numbers_of(network)
        curve(axes, numbers, [saved.accuracies(runs_of(network, number)) for number in numbers], network)
    axes.set(xlabel="training pairs", ylabel="test accuracy (%)", xscale="log")
    axes.set_xticks(NUMBERS, [f"{number}" if number < 1000 else f"{number // 1000}k" for number in NUMBERS])
    axes.minorticks_off()
    axes.set_ylim(bottom=50)  # room for the legend
    axes.legend(loc="lower right")
    return figure
