"""The authors' ten rounds of five networks at two learning rates, run again in thirty.

results/original.csv has their runs, and results/original.md their source and protocol. Errors are in %, as theirs.
"""

import csv
import functools
import io
import itertools
from statistics import mean, stdev
from typing import Any

import scipy
from common.evidence import (
    ALPHA,
    difference_texts,
    equivalence,
    format_p,
    mean_and_interval,
    require,
    sign_flip_p,
    texts_around,
    welch,
    word,
)
from common.networks import MAIN, NOTEBOOK_WS, PUBLISHED, Network
from common.plotting import figure_of, label_places, strip
from common.results import Results
from common.rows import Variant, accuracy, digit_accuracy, read_frozen
from matplotlib.figure import Figure

from experiments import claims

QUESTION = "Do we get what the authors got?"
ROUNDS = range(30)
RATES = (0.1, 0.01)
FAILED_ABOVE = 20  # % of test errors: more, of a network with digit labels at the higher rate, is a failure
REBUILT = dict(zip(MAIN, (PUBLISHED[0], NOTEBOOK_WS, *PUBLISHED[2:]), strict=True))


def variant_of(network: Network, rate: float) -> Variant:
    """Return one of MAIN as the authors ran it.

    Their loss with digit labels, 0.5 of the comparison's and 1 of each digit's, is half of ours with a weight of 2: for
    SGD without momentum, that is half the learning rate.
    """
    settings: dict[str, Any] = {"nb_epochs": 25, "shuffle": False, "learning_rate": rate}
    if network.labelled:
        settings |= {"aux_weight": 2, "learning_rate": rate / 2}
    return Variant(REBUILT[network], settings, ROUNDS)


VARIANTS = {(network.name, rate): variant_of(network, rate) for rate in RATES for network in MAIN}


@functools.cache
def theirs(network: Network, rate: float, column: str = "test_error") -> list[float]:
    """Return the authors' errors in %, a round each."""
    lines = csv.DictReader(io.StringIO(read_frozen("original.csv")))
    wanted = network.name, rate
    return [float(line[column]) for line in lines if (line["network"], float(line["learning_rate"])) == wanted]


def ours(results: Results, network: Network, rate: float, pairs: str = "") -> list[float]:
    """Return our errors in %, a round each, on the test pairs or, with "train_", on the training pairs."""
    return [100 - accuracy(row, pairs) for row in results.rows(VARIANTS[network.name, rate])]


def side(test: list[float], train: list[float]) -> dict[str, str]:
    """Return what the table says of one side's errors."""
    return {"mean": f"{mean(test):.1f}", "sd": f"{stdev(test):.1f}", "train": f"{mean(train):.1f}"}


def cells(results: Results) -> list[dict[str, Any]]:
    """Return the ten cells, a network at a rate each: theirs, ours, and their difference."""
    lines: list[dict[str, Any]] = []
    for rate, network in itertools.product(RATES, MAIN):
        own, other = ours(results, network, rate), theirs(network, rate)
        middle, half = welch(own, other)
        lines.append(
            {
                "name": network.name,
                "rate": f"{rate:g}",
                "theirs": side(other, theirs(network, rate, "train_error")),
                "ours": side(own, ours(results, network, rate, "train_")),
                "difference": texts_around(middle, half),
                "within": f"{equivalence(own, other):.1f}",
                "word": word(middle, half),
            }
        )
    return lines


def conclusions(results: Results) -> list[dict[str, Any]]:
    """Return what their rounds and ours say of the claims: how much lower the errors are, within rounds."""
    lines = []
    for claim, rate in itertools.product(claims.CLAIMS, RATES):
        line: dict[str, Any] = {"difference": claim.difference, "rate": f"{rate:g}"}
        gains: dict[str, list[float]] = {}
        for name, errors_of in (("theirs", theirs), ("ours", functools.partial(ours, results))):
            errors = (errors_of(network, rate) for network in (claim.worse, claim.better))
            gains[name] = differences = [worse - better for worse, better in zip(*errors, strict=True)]
            interval = mean_and_interval(differences)
            p = format_p(sign_flip_p(differences))
            line[name] = {**texts_around(*interval), "word": word(*interval), "p": p}
        apart = welch(gains["ours"], gains["theirs"])
        line["apart"] = {**texts_around(*apart), "word": word(*apart)}
        lines.append(line)
    return lines


def failed_runs(results: Results) -> dict[str, Any]:
    """Return which runs with digit labels went astray, and how many of their ten scores were dead."""
    labelled = [network for network in MAIN if network.labelled]
    rows = results.rows(job for network in labelled for job in VARIANTS[network.name, RATES[0]])
    lost = [row for row in rows if 100 - accuracy(row) > FAILED_ABOVE]
    errors = [error for network in labelled for error in theirs(network, RATES[0])]
    dead = [int(row["dead_scores"]) for row in rows]
    several = [row in lost for row in rows if int(row["dead_scores"]) >= 2]
    few = [row in lost for row in rows if int(row["dead_scores"]) < 2]
    table = [[sum(part), len(part) - sum(part)] for part in (several, few)]
    with_errors = scipy.stats.spearmanr(dead, [100 - accuracy(row) for row in rows])
    with_digits = scipy.stats.spearmanr(dead, [digit_accuracy([row]) for row in rows])
    fisher = float(scipy.stats.fisher_exact(table).pvalue)
    require("runs with more dead scores have more errors", with_errors.statistic > 0.3 and with_errors.pvalue < ALPHA)
    require("runs with two dead scores or more go astray more often", fisher < ALPHA)
    return {
        "several": [str(sum(several)), str(len(several))],
        "few": [str(sum(few)), str(len(few))],
        "fisher": format_p(fisher),
        "with_errors": f"{with_errors.statistic:.2f}",
        "with_digits": f"{with_digits.statistic:.2f}",
        "above": str(FAILED_ABOVE),
        "theirs": str(sum(error > FAILED_ABOVE for error in errors)),
        "theirs_of": str(len(errors)),
        "ours": str(len(lost)),
        "ours_of": str(len(rows)),
    }


def without_astray() -> dict[str, str]:
    """Return the authors' gain from the auxiliary loss at the higher rate, without their run that went astray."""
    pairs = zip(theirs(claims.CLAIMS[1].worse, RATES[0]), theirs(claims.CLAIMS[1].better, RATES[0]), strict=True)
    kept = [(worse, better) for worse, better in pairs if better <= FAILED_ABOVE]
    require("one of their ten AuxModel runs at 0.1 went astray", len(kept) == 9)
    next_highest = max(better for _, better in kept)
    return {**difference_texts([worse - better for worse, better in kept]), "next": f"{next_highest:.1f}"}


def numbers(results: Results) -> dict[str, Any]:
    """Return the ten cells, what they say of the claims, and the runs that went astray."""
    all_cells, lines = cells(results), conclusions(results)
    same = {"no clear difference"}
    require("none of the cells differs detectably from theirs", {cell["word"] for cell in all_cells} == same)
    require("none of the effects differs detectably from theirs", {line["apart"]["word"] for line in lines} == same)
    words = [[line[side]["word"] for side in ("theirs", "ours")] for line in lines]
    require("both sides' rounds show a gain from sharing at both rates", words[:2] == [["better"] * 2] * 2)
    require("of the auxiliary loss at 0.1, theirs show none", words[2] == ["no clear difference", "better"])
    require("at 0.01 both show a loss from it", words[3] == ["worse"] * 2)
    apart = [
        abs(mean(ours(results, network, rate, "train_")) - mean(theirs(network, rate, "train_error")))
        for network in MAIN
        for rate in RATES
    ]
    return {
        "cells": all_cells,
        "train_apart": f"{max(apart):.1f}",
        "conclusions": lines,
        "astray": failed_runs(results),
        "without_astray": without_astray(),
        "rounds": str(len(ROUNDS)),
        "their_rounds": str(len(theirs(MAIN[0], RATES[0]))),
    }


def picture(results: Results) -> Figure:
    """Draw the test error of every round, the authors' beside ours."""
    figure, panels = figure_of(1, 2, 2.4)
    for axes, rate in zip(panels, RATES, strict=True):
        for place, network in enumerate(MAIN):
            strip(axes, place - 0.27, theirs(network, rate), network, 0.06, hollow=True)
            strip(axes, place + 0.2, ours(results, network, rate), network, 0.06)
        label_places(axes, (network.name.replace("Model", "\nModel") for network in MAIN))
        axes.set(title=f"learning rate {rate:g}", ylabel="test error (%)")
    return figure
