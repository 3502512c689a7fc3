"""Branches with weights of their own beside shared ones.

Untied branches have twice the weights, and need more epochs until they fit their training pairs: they are run with
half the maps, too, and all networks with three times the epochs.
"""

from typing import Any

from common.evidence import Comparison, Texts, compare, difference_texts, fitted, mean_and_interval, require, word
from common.networks import AUX, SIMPLE, UNTIED, UNTIED_AUX, WS, Network
from common.plotting import figure_of, label_places, strip
from common.results import Results
from common.rows import Variant
from matplotlib.figure import Figure

from experiments import claims
from helpers import NB_EPOCHS, nb_parameters

QUESTION = "Is it the sharing that helps, or the splitting?"
ROUNDS = claims.ROUNDS
EPOCHS = (NB_EPOCHS, 3 * NB_EPOCHS)
# half the maps, and hidden units for as many parameters as WSModel has, nearly
SIZES: dict[str, dict[str, Any]] = {"whole": {}, "half": {"maps": [16, 32], "hidden": 177}}
NETWORKS = (SIMPLE, UNTIED, WS, UNTIED_AUX, AUX)
EFFECTS = {  # what is compared; the untied networks are of either size
    "splitting": (UNTIED, SIMPLE),
    "sharing": (WS, UNTIED),
    "sharing, with digit labels": (AUX, UNTIED_AUX),
    "digit labels, branches untied": (UNTIED_AUX, UNTIED),
    "digit labels, one branch": (AUX, WS),
}

DOUBLE_RATE = {"nb_epochs": EPOCHS[-1], "branch_rate": 2.0}  # a shared branch gets the gradients of two digits
VARIANTS = {
    (network.name, size, nb_epochs): Variant(
        network, {**(SIZES[size] if network in (UNTIED, UNTIED_AUX) else {}), "nb_epochs": nb_epochs}, ROUNDS
    )
    for nb_epochs in EPOCHS
    for size in SIZES
    for network in NETWORKS
}
VARIANTS |= {(net.name, "twice", EPOCHS[-1]): Variant(net, DOUBLE_RATE, ROUNDS) for net in (UNTIED, UNTIED_AUX)}


def effect(results: Results, networks: tuple[Network, Network], size: str, nb_epochs: int) -> Comparison:
    """Return the difference of two networks over the rounds in which neither diverged."""
    return compare(
        results, *results.finished_together([VARIANTS[network.name, size, nb_epochs] for network in networks])
    )


def beyond(results: Results, size: str) -> Texts:
    """Return by how much the effect of sharing exceeds that of splitting, in runs that fit."""
    variants = results.finished_together([VARIANTS[net.name, size, EPOCHS[-1]] for net in (WS, UNTIED, SIMPLE)])
    ws, split, simple = map(results.accuracies, variants)
    differences = [a - 2 * b + c for a, b, c in zip(ws, split, simple, strict=True)]
    more = word(*mean_and_interval(differences)) == "better"
    require(f"sharing does more than splitting, {size} branches", more)
    return difference_texts(differences)


def twice_numbers(results: Results) -> list[dict[str, Any]]:
    """Return the effect of sharing over untied branches at twice the rate, without and with digit labels."""
    lines, words = [], []
    for shared, untied in ((WS, UNTIED), (AUX, UNTIED_AUX)):
        variants = VARIANTS[shared.name, "whole", EPOCHS[-1]], VARIANTS[untied.name, "twice", EPOCHS[-1]]
        usual, twice = results.finished_together(variants)
        comparison = compare(results, usual, twice)
        words.append(comparison.word)
        lines.append({**comparison.texts, "fitted": fitted(results.rows(twice)), "n": str(len(twice.rounds))})
    require("one branch is better than untied ones at twice the rate", words[0] == "better")
    return lines


def numbers(results: Results) -> dict[str, Any]:
    """Return the effects by size and epochs, how many runs fit their training pairs, in those that finished."""
    kinds = [(size, nb_epochs) for size in SIZES for nb_epochs in EPOCHS]
    effects = {name: [effect(results, networks, *kind) for kind in kinds] for name, networks in EFFECTS.items()}
    lines = [{"name": name, "effects": [each.texts for each in compared]} for name, compared in effects.items()]
    words = {name: [each.word for each in compared] for name, compared in effects.items()}
    require("splitting alone shows no clear gain", set(words["splitting"]) == {"no clear difference"})
    require("sharing helps without digit labels", set(words["sharing"]) == {"better"})
    require(
        "sharing gives less after more epochs",
        all(effects["sharing"][n].mean > effects["sharing"][n + 1].mean for n in (0, 2)),
    )
    pairs = zip(effects["sharing"], effects["splitting"], strict=True)
    require("most of WSModel's gain is of sharing", all(shared.mean > split.mean for shared, split in pairs))
    whole, half = words["sharing, with digit labels"][1::2]
    require("with them, after 150 epochs, at half size only", (whole, half) == ("no clear difference", "better"))
    labels = [[each.mean for each in effects[f"digit labels, {where}"]] for where in ("branches untied", "one branch")]
    require("the labels help more on untied branches", min(labels[0]) > max(labels[1]))
    lines_of_fits = []
    for network in NETWORKS:
        fits = [fitted(results.rows(results.finished(VARIANTS[network.name, *kind]))) for kind in kinds]
        require(f"nearly all runs of {network.name} fit after 150 epochs", min(int(fits[1]), int(fits[3])) >= 28)
        if network in (UNTIED, UNTIED_AUX):
            require(f"hardly any run of {network.name} fits after 50 epochs", max(int(fits[0]), int(fits[2])) <= 1)
        lines_of_fits.append({"name": network.name, "fitted": fits})
    parameters = {size: nb_parameters(UNTIED.make(**model)) for size, model in SIZES.items()}
    usual = nb_parameters(WS.make())
    return {
        "lines": lines,
        "fitted": lines_of_fits,
        "beyond": [beyond(results, size) for size in SIZES],
        "twice": twice_numbers(results),
        "parameters": {size: f"{number:,}" for size, number in parameters.items()},
        "half": SIZES["half"],
        "apart": f"{100 * abs(parameters['half'] - usual) / usual:.1f}",
        "kinds": [f"{nb_epochs} epochs" + (", half" if size == "half" else "") for size, nb_epochs in kinds],
        "epochs": [str(nb_epochs) for nb_epochs in EPOCHS],
        "rounds": str(len(ROUNDS)),
    }


def readme_line(numbers: dict[str, Any]) -> str:
    """Return README's item on how much of the first claim is sharing itself."""
    sharing, labelled = ("{mean} [{low}, {high}]".format(**numbers["lines"][n]["effects"][1]) for n in (1, 2))
    return (
        f"- Without digit labels, after {numbers['epochs'][-1]} epochs, one branch is better by {sharing} points than "
        f"two of twice the parameters: that is sharing itself. With labels, there is no clear difference: {labelled}."
    )


def picture(results: Results) -> Figure:
    """Draw, for each number of epochs, the accuracies without a split, with untied branches, and with one branch."""
    parts = [(SIMPLE, "whole", SIMPLE, "no\nsplit")]
    for untied, shared in ((UNTIED, WS), (UNTIED_AUX, AUX)):
        parts += [
            (untied, "whole", shared, "untied"),
            (untied, "half", shared, "untied,\nhalf"),
            (shared, "whole", shared, "one\nbranch"),
        ]
    figure, panels = figure_of(1, 2, 1.6, sharey=True)
    for axes, nb_epochs in zip(panels, EPOCHS, strict=True):
        for place, (network, size, coloured, name) in enumerate(parts):
            values = results.accuracies(results.finished(VARIANTS[network.name, size, nb_epochs]))
            strip(axes, place, values, coloured, hollow=name.startswith("untied"))
        label_places(axes, (name for *_, name in parts))
        axes.set_title(f"{nb_epochs} epochs")
        axes.margins(y=0.12)
        for middle, text in ((2, "no digit labels"), (5, "digit labels")):
            axes.text(middle, 1.0, text, ha="center", va="top", fontsize=7, transform=axes.get_xaxis_transform())
        axes.axvline(3.5, color="k", linewidth=0.5, linestyle=":")
    panels[0].set_ylabel("accuracy (%)")
    return figure


TABLES = {"sharing": readme_line}
