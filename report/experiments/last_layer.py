"""Last layers: linear on the scores, on their ReLU, on their softmax, and the joint comparison.

And of networks whose ten scores are a digit's: each last layer beside two other ways to compare the same scores.
"""

from statistics import mean
from typing import Any

from common.drawing import HALF, figure_of, label_places, legend, strip
from common.evidence import compare, difference_texts, mean_texts, require, span
from common.networks import AUX, AUX1, JOINT, JOINT_AUX, SIMPLE, UNTIED_AUX, WS, WS1
from common.rows import Row, Variant, accuracy, digit_accuracy
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import claims, confirmation, published, sharing

QUESTION = "What does the last layer do, and is a wrong pair misread or miscompared?"
ROUNDS = range(30)
LAST_LAYERS = {  # without and with digit labels
    "linear on scores": (Variant(WS, {"activation": "none"}, ROUNDS), Variant(AUX, {"activation": "none"}, ROUNDS)),
    "linear on ReLU": (claims.usual(WS), claims.usual(AUX)),
    "linear on softmax": (
        Variant(WS, {"activation": "softmax"}, ROUNDS),
        Variant(AUX, {"activation": "softmax"}, ROUNDS),
    ),
    "joint comparison": (Variant(JOINT, {}, ROUNDS), Variant(JOINT_AUX, {}, ROUNDS)),
}
VARIANTS = {(name, place): variant for name, both in LAST_LAYERS.items() for place, variant in enumerate(both)}
WAYS = {"own": "wrong", "highest": "highest_wrong", "joint": "joint_wrong"}  # to compare two digits' scores
HEADS = {  # variants whose ten scores are a digit's, by what the report calls them
    "AuxModel": confirmation.variant_of(AUX),
    "AuxModel, linear on scores": LAST_LAYERS["linear on scores"][1],
    "AuxModel, linear on softmax": LAST_LAYERS["linear on softmax"][1],
    "JointAuxModel": LAST_LAYERS["joint comparison"][1],
    "UntiedAuxModel, half": sharing.VARIANTS[UNTIED_AUX.name, "half", sharing.EPOCHS[-1]],
    "PublishedAuxModel": published.VARIANTS["PublishedAuxModel", published.EPOCHS[-1]],
    "PublishedAuxModel1": published.VARIANTS["PublishedAuxModel1", published.EPOCHS[-1]],
    "AuxModel1": confirmation.variant_of(AUX1),
    "WSModel1": confirmation.variant_of(WS1),
}


def right(row: Row, column: str) -> float:
    """Return the share of test pairs, in %, that are not counted in a column."""
    return accuracy({**row, "wrong": row[column]})


def head_numbers(saved: Saved) -> dict[str, Any]:
    """Return each network's accuracy by each way to compare, and what of the auxiliary loss's gain is which."""
    lines: list[dict[str, Any]] = []
    for name, variant in HEADS.items():
        rows = saved.rows(variant)
        ways = {way: f"{mean(right(row, column) for row in rows):.2f}" for way, column in WAYS.items()}
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
    rows, base = saved.rows(confirmation.variant_of(AUX)), saved.accuracies(confirmation.variant_of(WS))
    reading = [right(row, "highest_wrong") - below for row, below in zip(rows, base, strict=True)]
    comparing = [right(row, "wrong") - right(row, "highest_wrong") for row in rows]
    split = {"reading": difference_texts(reading), "comparing": difference_texts(comparing)}
    require("AuxModel's linear last layer loses what its reading has won", float(split["comparing"]["high"]) < 0)
    most = float(lines[0]["head_wrong"]) > (100 - float(lines[0]["own"])) / 2
    require("most of what AuxModel gets wrong, its last layer gets wrong", most)
    joint = [line for line in lines if line["name"] in (JOINT_AUX.name, AUX1.name, WS1.name)]
    linear = [line for line in lines if line not in joint]
    gap = max(abs(float(line["own"]) - float(line["highest"])) for line in joint)
    least = min(float(line["joint"]) - float(line["own"]) for line in linear)
    require("every linear last layer is worse than the joint comparison of its scores", least > gap)
    return {"lines": lines, "by_name": {line["name"]: line for line in lines}, "split": split, "gap": f"{gap:.2f}"}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, by last layer, the accuracies, the digit accuracy, and the differences that the claims are about."""
    lines: list[dict[str, Any]] = []
    for name, (plain, labelled) in LAST_LAYERS.items():
        differences = compare(saved, plain, claims.usual(SIMPLE)), compare(saved, labelled, plain)
        lines.append(
            {
                "name": name,
                "plain": mean_texts(saved.accuracies(plain)),
                "labelled": mean_texts(saved.accuracies(labelled)),
                "digits": f"{digit_accuracy(saved.rows(labelled)):.1f}",
                "differences": [comparison.texts for comparison in differences],
                "words": [comparison.word for comparison in differences],
            }
        )
    words = {line["name"]: line["words"] for line in lines}
    softmax = words.pop("linear on softmax")
    require(
        "with softmax WSModel is worse than SimpleModel, and AuxModel better than WSModel",
        softmax == ["worse", "better"],
    )
    require("with every other last layer both are better", all(two == ["better"] * 2 for two in words.values()))
    return {"lines": lines, "rounds": str(len(ROUNDS)), "head": head_numbers(saved)}


def picture(saved: Saved) -> Figure:
    """Draw the accuracies by last layer, without and with digit labels."""
    figure, axes = figure_of(1, 1, 1.9, HALF)
    for place, variants in enumerate(LAST_LAYERS.values()):
        for variant, network, shift in zip(variants, (WS, AUX), (-0.25, 0.2), strict=True):
            strip(axes, place + shift, saved.accuracies(variant), network, 0.08)
    label_places(axes, (name.replace(" ", "\n", 1) for name in LAST_LAYERS))
    axes.set_ylabel("test accuracy (%)")
    legend(axes, (WS, AUX))
    return figure


def head_picture(saved: Saved) -> Figure:
    """Draw, for the networks with digit labels of the main comparison, every round by each way to compare."""
    figure, axes = figure_of(1, 1, 1.7)
    names = {"own": "own last layer", "highest": "two highest scores", "joint": "joint comparison"}
    places: list[str] = []
    for network in (AUX, AUX1):
        for way, column in WAYS.items():
            values = [right(row, column) for row in saved.rows(confirmation.variant_of(network))]
            strip(axes, len(places), values, network)
            places.append(f"{network.name}\n{names[way]}")
    label_places(axes, places)
    axes.set_ylabel("test accuracy (%)")
    return figure


PICTURES = {"last_layer": picture, "head": head_picture}
