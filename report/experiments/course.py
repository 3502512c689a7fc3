"""The base networks epoch by epoch, on validation pairs.

The learning rate is constant: the first n epochs are a training of n epochs.
A spike is an epoch after the 20th whose loss is more than twice that of the epoch before, and above 0.2.
"""

import json
from statistics import median
from typing import Any

import numpy as np
from common.evidence import range_of, span
from common.networks import BASE, Network
from common.plotting import STYLES, figure_of
from common.results import Results
from common.rows import VALIDATION, Variant
from matplotlib.figure import Figure

from helpers import NB_EPOCHS

QUESTION = "How does training go, and are 50 epochs enough?"
ROUNDS = range(1200, 1210)  # not those of the tuning
LONG = 2 * NB_EPOCHS
SETTLED, HIGH = 20, 0.2  # spikes are after so many epochs, and above this loss
VARIANTS = {net.name: Variant(net, {**VALIDATION, "nb_epochs": LONG}, ROUNDS, details="course") for net in BASE}
Course = list[tuple[float, int, int]]  # each epoch's loss, and its errors on the training and the validation pairs


def courses(results: Results, network: Network) -> list[Course]:
    """Return a network's courses of training, a round each."""
    return [[tuple(epoch) for epoch in json.loads(row["details"])] for row in results.rows(VARIANTS[network.name])]


def spikes(losses: list[float]) -> list[int]:
    """Return the epochs, from 1, that are spikes."""
    return [n + 1 for n in range(SETTLED, len(losses)) if losses[n] > max(2 * losses[n - 1], HIGH)]


def spike_numbers(runs: list[Course]) -> dict[str, Any]:
    """Return how many runs have spikes, when the last one comes, and what a run that ended in one would lose.

    That is, in points, against the median of the 11 epochs around it.
    """
    spiky = [spikes([loss for loss, *_ in course]) for course in runs]
    lost = []
    for course, epochs in zip(runs, spiky, strict=True):
        for epoch in epochs:
            around = [wrong for *_, wrong in course[epoch - 6 : epoch + 5]]
            lost.append((course[epoch - 1][2] - median(around)) / VALIDATION["nb_test_pairs"] * 100)
    return {
        "by_end": sum(bool(epochs) and epochs[0] <= NB_EPOCHS for epochs in spiky),
        "number": len(lost),
        "last": max((epochs[-1] for epochs in spiky if epochs), default=0),
        "lost": range_of(lost) if lost else None,
    }


def numbers(results: Results) -> dict[str, Any]:
    """Return how many runs fit in the end, and the spikes."""
    courses_of = {net: courses(results, net) for net in BASE}
    return {
        "epochs": LONG,
        "fitted": [sum(course[-1][1] == 0 for course in of_net) for of_net in courses_of.values()],
        "spikes": list(map(spike_numbers, courses_of.values())),
        "settled": SETTLED,
        "high": HIGH,
        "rounds": span(ROUNDS),
        "n": len(ROUNDS),
    }


def picture(results: Results) -> Figure:
    """Draw the loss and the validation accuracy along the epochs: each run faint, the median thick, spikes marked."""
    figure, (left, right) = figure_of(1, 2, 2.2)
    for network in BASE:
        colour, marker = STYLES[network]
        runs = np.array(courses(results, network))  # of each round and epoch: loss, training errors, validation errors
        accuracies = 100 * (1 - runs[..., 2] / VALIDATION["nb_test_pairs"])
        for axes, values in ((left, runs[..., 0]), (right, accuracies)):
            axes.plot(range(1, LONG + 1), values.T, color=colour, linewidth=0.4, alpha=0.35)
            axes.plot(range(1, LONG + 1), np.median(values, 0), color=colour, linewidth=1.3, label=network.name)
        for losses in runs[..., 0].tolist():
            at = spikes(losses)
            left.plot(at, [losses[epoch - 1] for epoch in at], marker=marker, markersize=3, linestyle="", color=colour)
    left.set(xlabel="epoch", ylabel="training loss", yscale="log")
    right.set(xlabel="epoch", ylabel="validation accuracy (%)")
    right.set_ylim(bottom=65)
    right.legend(loc="lower right")
    return figure
