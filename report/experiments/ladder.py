"""One ladder: from the authors' final script to the exploration classes, one change at a time, on validation pairs."""

import itertools
from collections.abc import Iterator
from statistics import mean
from typing import Any

from common.evidence import compare, fitted, interval_of, span
from common.networks import AUX, AUX1, DEEP, DEEP_AUX, JOINT, JOINT_AUX, PUBLISHED, WS, WS1, Network
from common.plotting import STYLES, figure_of
from common.results import Results
from common.rows import VALIDATION, Variant
from matplotlib.figure import Figure

from experiments.ablation import ABLATED
from helpers import NB_EPOCHS, nb_parameters

QUESTION = "What is each step worth, from the authors' script to the exploration classes?"
ROUNDS = range(1400, 1410)  # not those in which the settings were chosen
SHORT = {"nb_epochs": 25}
DEEPER, LONG = "four convolutions", 2 * NB_EPOCHS
LAST = {False: "balance: WSModel1", True: "weight, smoothing: AuxModel1"}  # by digit labels: the exploration class


def rungs(
    theirs: Network, ours: Network, joint: Network, ablated: Network, deep: Network, last: dict[str, Any]
) -> Iterator[tuple[str, Network, dict[str, Any]]]:
    """Give each rung: its name, its network, and its settings."""
    yield "the authors' final script", theirs, {**SHORT, "shuffle": False}
    yield "mini-batches shuffled", theirs, SHORT
    yield "our layers, half the maps", ours, SHORT
    yield f"{NB_EPOCHS} epochs: {ours.name}", ours, {}
    yield "joint comparison", joint, {}
    settings: dict[str, Any] = {}
    yield "batch normalisation", ablated, settings
    for name, more in (
        ("one cycle, mini-batches of 50", {"mini_batch_size": 50, "one_cycle": True}),
        ("two distorted views", {"two_views": True}),
        ("averaged weights", {"averaging": 0.99}),
        ("consistency", {"consistency": 1.0}),
        (LAST[ours.labelled], last),
    ):
        settings = settings | more
        yield name, ablated, settings
    yield DEEPER, deep, {}
    yield f"{LONG} epochs", deep, {"nb_epochs": LONG}


LADDERS = {
    "no digit labels": rungs(PUBLISHED[1], WS, JOINT, ABLATED[WS1], DEEP, {"balance": 1.0}),
    "digit labels": rungs(
        PUBLISHED[3], AUX, JOINT_AUX, ABLATED[AUX1], DEEP_AUX, {"aux_weight": 1.0, "label_smoothing": 0.1}
    ),
}
# The best of each kind by validation accuracy, and the exploration class of that kind, on all test pairs there are, in
# rounds that nobody had run when this was committed: the accuracy of each, and their difference within rounds.
FRESH_ROUNDS, COMMIT = range(230, 260), "fa059b0"
BEST = {"plain": (WS1, DEEP), "labelled": (AUX1, DEEP_AUX)}
FRESH = {
    net.name: Variant(net, {"nb_test_pairs": 5000, **settings}, FRESH_ROUNDS)
    for nets in BEST.values()
    for net, settings in zip(nets, ({}, {"nb_epochs": LONG}), strict=True)
}
RUNGS = {
    (ladder, name): Variant(network, {**settings, **VALIDATION}, ROUNDS)
    for ladder, steps in LADDERS.items()
    for name, network, settings in steps
}
VARIANTS: dict[Any, Variant] = RUNGS | FRESH  # type: ignore[operator]


def numbers(results: Results) -> dict[str, Any]:
    """Return each rung's accuracy, the step to it, and how many runs fit; what four convolutions cost, and the best."""
    ladders: dict[str, list[dict[str, Any]]] = {ladder: [] for ladder in LADDERS}
    before: dict[str, Variant] = {}
    for (ladder, name), variant in RUNGS.items():
        step = interval_of(compare(results, variant, before[ladder])) if ladder in before else None
        before[ladder] = variant
        values, fit = results.accuracies(variant), fitted(results.rows(variant))
        accuracy, lowest = interval_of(values), min(values)
        ladders[ladder].append({"name": name, "accuracy": accuracy, "lowest": lowest, "step": step, "fitted": fit})
    exploration, deep = (results.rows(RUNGS["digit labels", name]) for name in (LAST[True], DEEPER))
    seconds = [mean(float(row["seconds"]) for row in rows) for rows in (exploration, deep)]
    fresh = {
        name: {
            "accuracies": [interval_of(results.accuracies(FRESH[net.name])) for net in nets],
            "step": interval_of(compare(results, FRESH[nets[1].name], FRESH[nets[0].name])),
        }
        for name, nets in BEST.items()
    }
    return {
        "ladders": ladders,
        "deep": {"parameters": nb_parameters(DEEP.make()), "times": seconds[1] / seconds[0]},
        "fresh": {**fresh, "rounds": span(FRESH_ROUNDS), "n": len(FRESH_ROUNDS), "commit": COMMIT},
        "rounds": span(ROUNDS),
        "long": LONG,
    }


def readme_line(numbers: dict[str, Any]) -> str:
    """Return README's item on the best networks."""
    plain, labelled = (numbers["fresh"][name]["accuracies"][1] for name in ("plain", "labelled"))
    return (
        f"- The best of either kind, four convolutions and {numbers['long']} epochs: {plain['mean']:.2f} ± "
        f"{plain['half']:.2f} % without digit labels, {labelled['mean']:.2f} ± {labelled['half']:.2f} % with them, in "
        f"{numbers['fresh']['n']} rounds that nobody had run when they were chosen."
    )


TABLES = {"best": readme_line}


def picture(results: Results) -> Figure:
    """Draw both ladders: each rung's errors, from the top down; hollow where fewer than 80 % of the runs fit."""
    ladders = numbers(results)["ladders"]
    figure, panels = figure_of(1, 2, 2.5)
    for axes, (ladder, lines), network in zip(panels, ladders.items(), (WS, AUX), strict=True):
        colour, marker = STYLES[network]
        for y, line in enumerate(lines):
            accuracy, inside = line["accuracy"], colour if line["fitted"] >= 0.8 * len(ROUNDS) else "w"
            style: dict[str, Any] = {"marker": marker, "markerfacecolor": inside, "markersize": 4, "color": colour}
            axes.errorbar([accuracy["mean"]], [y], xerr=[accuracy["half"]], linewidth=1, **style)
            axes.text(105, y, f"{accuracy['mean']:.2f}", ha="right", va="center", fontsize=7)
        for y, (one, other) in enumerate(itertools.pairwise(lines)):
            axes.plot([one["accuracy"]["mean"], other["accuracy"]["mean"]], [y, y + 1], color=colour, linewidth=0.5)
        axes.set_yticks(range(len(lines)), [line["name"] for line in lines], fontsize=6.5)
        axes.set_ylim(len(lines) - 0.4, -0.7)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="x")
        axes.set(title=ladder, xlabel="validation accuracy (%)", xlim=(75, 105.5), xticks=range(75, 101, 5))
    return figure
