"""Last layers: linear on the scores, on their ReLU, on their softmax, and the joint comparison.

And of networks whose ten scores are a digit's: each last layer beside two other ways to compare the same scores.
"""

import itertools
from statistics import mean
from typing import Any

from common.evidence import compare, difference_texts, fitted, require, span
from common.networks import AUX, AUX1, JOINT, JOINT_AUX, SIMPLE, UNTIED_AUX, WS, WS1, Network
from common.plotting import figure_of, label_places, strip
from common.results import Results
from common.rows import Row, Variant, accuracy, digit_accuracy
from matplotlib.figure import Figure

from experiments import confirmation, published, sharing, train_pairs
from helpers import NB_EPOCHS

QUESTION = "What does the last layer do, and is a wrong pair misread or miscompared?"
ROUNDS = range(30)
LAST_LAYERS: dict[str, tuple[tuple[Network, Network], dict[str, Any]]] = {  # without and with digit labels
    "linear on scores": ((WS, AUX), {"activation": "none"}),
    "linear on ReLU": ((WS, AUX), {"activation": "relu"}),
    "linear on softmax": ((WS, AUX), {"activation": "softmax"}),
    "joint comparison": ((JOINT, JOINT_AUX), {}),
}
LONG, LONG_ROUNDS = 3 * NB_EPOCHS, range(10)  # until they fit
VARIANTS = {
    (name, labelled, nb_epochs): Variant(network, {**settings, "nb_epochs": nb_epochs}, rounds)
    for nb_epochs, rounds in ((NB_EPOCHS, ROUNDS), (LONG, LONG_ROUNDS))
    for name, (networks, settings) in LAST_LAYERS.items()
    for labelled, network in zip((False, True), networks, strict=True)
}
COMPARISONS = {"own": "wrong", "highest": "highest_wrong", "joint": "joint_wrong"}  # to compare two digits' scores
DIGIT_READERS = {  # variants whose ten scores are a digit's, by what the report calls them
    "AuxModel": confirmation.VARIANTS[AUX.name],
    "AuxModel, linear on scores": VARIANTS["linear on scores", True, NB_EPOCHS],
    "AuxModel, linear on softmax": VARIANTS["linear on softmax", True, NB_EPOCHS],
    "JointAuxModel": VARIANTS["joint comparison", True, NB_EPOCHS],
    "UntiedAuxModel, half": sharing.VARIANTS[UNTIED_AUX.name, "half", sharing.EPOCHS[-1]],
    "PublishedAuxModel": published.VARIANTS["PublishedAuxModel", published.EPOCHS[-1]],
    "PublishedAuxModel1": published.VARIANTS["PublishedAuxModel1", published.EPOCHS[-1]],
    "AuxModel1": confirmation.VARIANTS[AUX1.name],
    "WSModel1": confirmation.VARIANTS[WS1.name],
}


def right(row: Row, column: str) -> float:
    """Return the share of test pairs, in %, that are not counted in a column."""
    return accuracy({**row, "wrong": row[column]})


def head_numbers(results: Results) -> dict[str, Any]:
    """Return each network's accuracy by each way to compare, and what of the auxiliary loss's gain is which."""
    lines: list[dict[str, Any]] = []
    for name, variant in DIGIT_READERS.items():
        rows = results.rows(variant)
        ways = {way: f"{mean(right(row, column) for row in rows):.2f}" for way, column in COMPARISONS.items()}
        head_wrong = mean(100 - right(row, "head_wrong") for row in rows)
        lines.append(
            {
                "name": name,
                "rounds": span(variant.rounds),
                **ways,
                "head_wrong": f"{head_wrong:.2f}",
                "digits": f"{digit_accuracy(rows):.1f}",
            }
        )
    rows, base = results.rows(confirmation.VARIANTS[AUX.name]), results.accuracies(confirmation.VARIANTS[WS.name])
    reading = [right(row, "highest_wrong") - below for row, below in zip(rows, base, strict=True)]
    comparing = [right(row, "wrong") - right(row, "highest_wrong") for row in rows]
    split = {"reading": difference_texts(reading), "comparing": difference_texts(comparing)}
    lost = float(split["comparing"]["high"]) < 0
    require("AuxModel's linear last layer loses a part of what its reading has won", lost)
    most = float(lines[0]["head_wrong"]) > (100 - float(lines[0]["own"])) / 2
    require("most of what AuxModel gets wrong, its last layer gets wrong", most)
    joint = [line for line in lines if line["name"] in (JOINT_AUX.name, AUX1.name, WS1.name)]
    linear = [line for line in lines if line not in joint]
    gap = max(abs(float(line["own"]) - float(line["highest"])) for line in joint)
    least = min(float(line["joint"]) - float(line["own"]) for line in linear)
    require("every linear last layer is worse than the joint comparison of its scores", least > gap)
    return {"lines": lines, "by_name": {line["name"]: line for line in lines}, "split": split, "gap": f"{gap:.2f}"}


def by_pairs(results: Results) -> list[dict[str, str]]:
    """Return, by training pairs, how much of AuxModel's errors its last layer makes, and what that costs in points."""
    lines = []
    for number in train_pairs.NUMBERS:
        rows = results.rows(train_pairs.VARIANTS[AUX.name, number])
        share = sum(int(row["head_wrong"]) for row in rows) / sum(int(row["wrong"]) for row in rows)
        costs = [right(row, "highest_wrong") - right(row, "wrong") for row in rows]
        lines.append({"pairs": f"{number:,}", "share": f"{100 * share:.0f}", "cost": f"{mean(costs):.1f}"})
    return lines


def numbers(results: Results) -> dict[str, Any]:
    """Return, by last layer and epochs, how many runs fit, and the claims' differences."""
    lines: list[dict[str, Any]] = []
    for nb_epochs, name in itertools.product((NB_EPOCHS, LONG), LAST_LAYERS):
        plain, labelled = (VARIANTS[name, with_labels, nb_epochs] for with_labels in (False, True))
        differences = (
            compare(results, plain, Variant(SIMPLE, {"nb_epochs": nb_epochs}, plain.rounds)),
            compare(results, labelled, plain),
        )
        lines.append(
            {
                "name": name,
                "epochs": str(nb_epochs),
                "fitted": [fitted(results.rows(variant)) for variant in (plain, labelled)],
                "n": str(len(plain.rounds)),
                "differences": [comparison.texts for comparison in differences],
                "words": [comparison.word for comparison in differences],
            }
        )
    words = {(line["name"], line["epochs"]): line["words"] for line in lines}
    soft = [words.pop(("linear on softmax", str(nb_epochs))) for nb_epochs in (NB_EPOCHS, LONG)]
    worse = soft == [["worse", "better"]] * 2
    require("with softmax WSModel is worse than SimpleModel, and AuxModel better than WSModel", worse)
    require("with every other last layer both are better", all(two == ["better"] * 2 for two in words.values()))
    long = [line for line in lines if line["epochs"] == str(LONG) and line["name"] != "linear on softmax"]
    require("with these all runs fit after 150 epochs", all(line["fitted"] == [line["n"]] * 2 for line in long))
    left = max(int(row["train_wrong"]) for row in results.rows(VARIANTS["linear on softmax", False, LONG]))
    require("with softmax nearly all training pairs are right after 150 epochs", left <= 5)
    pairs = by_pairs(results)
    shares, costs = ([float(line[name]) for line in pairs[3:]] for name in ("share", "cost"))  # from 1,000 pairs on
    require("from 1,000 pairs on, the last layer's share of the errors stays", max(shares) - min(shares) <= 5)
    require("what the last layer costs falls with more pairs", costs == sorted(costs, reverse=True))
    return {"lines": lines, "left": str(left), "head": head_numbers(results), "by_pairs": pairs}


def readme_line(numbers: dict[str, Any]) -> str:
    """Return README's item on where AuxModel's errors are."""
    aux = numbers["head"]["by_name"]["AuxModel"]
    return (
        f"- AuxModel reads digits well and compares them badly. Comparing its highest digit scores is right for "
        f"{aux['highest']} % of pairs, its last layer for {aux['own']} %."
    )


def picture(results: Results) -> Figure:
    """Draw, for the networks with digit labels of the main comparison, every round by each way to compare."""
    figure, axes = figure_of(1, 1, 1.7)
    names = {"own": "own last layer", "highest": "two highest scores", "joint": "joint comparison"}
    places: list[str] = []
    for network in (AUX, AUX1):
        for way, column in COMPARISONS.items():
            values = [right(row, column) for row in results.rows(confirmation.VARIANTS[network.name])]
            strip(axes, len(places), values, network)
            places.append(f"{network.name}\n{names[way]}")
    label_places(axes, places)
    axes.set_ylabel("test accuracy (%)")
    return figure


TABLES = {"reading": readme_line}
