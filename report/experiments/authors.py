"""The authors' ten rounds of five networks at two learning rates, run again in thirty; and their whole record.

results/original.csv has the 228 runs that their history prints, results/original_pictures.csv what stands there only in
a picture, and results/original.md their source and protocol. Errors are in %, as theirs.
"""

import csv
import functools
import io
import itertools
from statistics import mean, stdev
from typing import Any

import scipy
from common.evidence import Moments, detectable, difference_of, fitted, interval_of, moments_of, within_rounds
from common.networks import AUX, AUX1, BASE, MAIN, NOTEBOOK_WS, PUBLISHED, WS, WS1, Network
from common.plotting import figure_of, label_places, strip
from common.results import Results
from common.rows import Variant, accuracy, read_frozen
from matplotlib.figure import Figure

from experiments import claims

QUESTION = "Do we get what the authors got?"
ROUNDS = range(30)
RATES = (0.1, 0.01)
LONG, LONG_ROUNDS = 500, range(10)  # epochs at the lower rate, until the networks fit
REBUILT = dict(zip(MAIN, (PUBLISHED[0], NOTEBOOK_WS, *PUBLISHED[2:]), strict=True))
NEW_PAIRS, ONE_DRAW, PICTURES_OF = "8949bad", "88bc519", "d918e72"  # commits: sets of ten rounds
SINGLE = "b220aa8"  # commit: single runs of 50 epochs at the lower rate


def variant_of(network: Network, rate: float, nb_epochs: int = 25, rounds: range = ROUNDS) -> Variant:
    """Return one of MAIN as the authors ran it.

    Their loss with digit labels, 0.5 of the comparison's and 1 of each digit's, is half of ours with a weight of 2: for
    SGD without momentum, that is half the learning rate.
    """
    settings: dict[str, Any] = {"nb_epochs": nb_epochs, "shuffle": False, "learning_rate": rate}
    if network.labelled:
        settings |= {"aux_weight": 2, "learning_rate": rate / 2}
    return Variant(REBUILT[network], settings, rounds)


VARIANTS: dict[Any, Variant] = {(net.name, rate): variant_of(net, rate) for rate in RATES for net in MAIN}
UNTIL_FIT = {net.name: variant_of(net, RATES[1], LONG, LONG_ROUNDS) for net in BASE}
VARIANTS |= {(name, "long"): variant for name, variant in UNTIL_FIT.items()}


@functools.cache
def record(name: str = "original.csv") -> list[dict[str, str]]:
    """Return the lines of one of the authors' records."""
    return list(csv.DictReader(io.StringIO(read_frozen(name))))


def theirs(network: Network, rate: float, commit: str = NEW_PAIRS) -> list[float]:
    """Return the authors' errors in %, in the order of their rounds."""
    wanted = commit, network.name, rate
    lines = [line for line in record() if (line["commit"], line["network"], float(line["learning_rate"])) == wanted]
    return [float(line["test_error"]) for line in lines]


def pictured(network: Network, rate: float) -> Moments:
    """Return the moments of the errors in the ten rounds that stand in a picture."""
    for line in record("original_pictures.csv"):
        if (line["network"], float(line["learning_rate"])) == (network.name, rate):
            return Moments(float(line["test_error_mean"]), float(line["test_error_sd"]), int(line["rounds"]))
    return moments_of(theirs(network, rate, PICTURES_OF))  # SimpleModel's runs are printed


def ours(results: Results, network: Network, rate: float) -> list[float]:
    """Return our errors in %, a round each."""
    return [100 - value for value in results.accuracies(VARIANTS[network.name, rate])]


def cells(results: Results) -> list[dict[str, Any]]:
    """Return the ten cells, a network at a rate each: theirs, ours, and their difference.

    "both" sets of new pairs together: of all but WSModel, which had ten outputs in the pictured one.
    """
    lines: list[dict[str, Any]] = []
    for rate, network in itertools.product(RATES, MAIN):
        own, other = moments_of(ours(results, network, rate)), moments_of(theirs(network, rate))
        both = None if network == WS else other.with_(pictured(network, rate))
        one_draw = theirs(network, rate, ONE_DRAW)
        # means are shown to be within the farther limit of a 90 % interval: two one-sided tests (Schuirmann, 1987)
        ninety = difference_of(own, other, 0.9)
        lines.append(
            {
                "name": network.name,
                "rate": rate,
                "theirs": other._asdict(),
                "ours": own._asdict(),
                "difference": difference_of(own, other),
                "within": max(abs(ninety["low"]), abs(ninety["high"])),
                "both": both and both._asdict(),
                "from_both": both and difference_of(own, both),
                "one_draw": moments_of(one_draw)._asdict() if one_draw and network != WS else None,
            }
        )
    return lines


def conclusions(results: Results) -> list[dict[str, Any]]:
    """Return what their rounds and ours say of the claims: how much lower the errors are, within rounds."""
    lines: list[dict[str, Any]] = []
    for claim, rate in itertools.product(claims.CLAIMS, RATES):
        of_theirs = within_rounds(theirs(claim.worse, rate), theirs(claim.better, rate))
        of_ours = within_rounds(ours(results, claim.worse, rate), ours(results, claim.better, rate))
        line: dict[str, Any] = {"theirs": interval_of(of_theirs), "ours": interval_of(of_ours)}
        line["detectable"] = detectable(stdev(of_theirs), len(of_theirs))
        line["apart"] = difference_of(moments_of(of_ours), moments_of(of_theirs))
        lines.append(line)
    return lines


def dead_scores(results: Results) -> list[dict[str, Any]]:
    """Return, of our runs with digit labels at the higher rate, Spearman's correlation of dead scores with errors."""
    lines = []
    for network in (AUX, AUX1):
        rows = results.rows(VARIANTS[network.name, RATES[0]])
        found = scipy.stats.spearmanr([int(row["dead_scores"]) for row in rows], [int(row["wrong"]) for row in rows])
        lines.append({"name": network.name, "with_errors": float(found.statistic), "p": float(found.pvalue)})
    return lines


def until_fit(results: Results) -> dict[str, Any]:
    """Return the networks at the lower rate after so many epochs that they fit."""
    variants = dict(zip(UNTIL_FIT, results.finished_together(list(UNTIL_FIT.values())), strict=True))
    compared = claims.differences(results, variants)
    return {
        "epochs": LONG,
        "differences": list(map(interval_of, compared)),
        "fitted": [fitted(results.rows(variant)) for variant in variants.values()],
        "errors": [100 - mean(results.accuracies(variant)) for variant in variants.values()],
        "left": [mean(100 - accuracy(row, "train_") for row in results.rows(variant)) for variant in variants.values()],
        "n": len(next(iter(variants.values())).rounds),
    }


def numbers(results: Results) -> dict[str, Any]:
    """Return the ten cells, what they say of the claims, the rest of the record, and the lower rate until it fits."""
    # both sets of new pairs, unpaired: with WSModel1, which computes what WSModel does
    ws, aux = (moments_of(theirs(net, RATES[0])).with_(pictured(net, RATES[0])) for net in (WS1, AUX))
    return {
        "cells": cells(results),
        "conclusions": conclusions(results),
        "aux_in_both": difference_of(ws, aux),
        "single": theirs(AUX, RATES[1], SINGLE)[0],
        "dead": dead_scores(results),
        "until_fit": until_fit(results),
        "rounds": len(ROUNDS),
        "printed": len(record()),
    }


def picture(results: Results) -> Figure:
    """Draw the test error of every round, the authors' beside ours."""
    figure, panels = figure_of(1, 2, 2.2)
    for axes, rate in zip(panels, RATES, strict=True):
        for x, network in enumerate(MAIN):
            strip(axes, x - 0.27, theirs(network, rate), network, 0.06, hollow=True)
            strip(axes, x + 0.2, ours(results, network, rate), network, 0.06)
        label_places(axes, (network.name.replace("Model", "\nModel") for network in MAIN))
        axes.set(title=f"learning rate {rate:g}", ylabel="test error (%)")
    return figure
