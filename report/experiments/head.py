"""Is a wrong pair misread or miscompared? Each last layer beside two other ways to compare the same digit scores."""

from statistics import mean
from typing import Any

from common.drawing import figure_of, label_places, strip
from common.evidence import difference_texts, require, span
from common.networks import AUX, AUX1, JOINT_AUX, UNTIED_AUX, WS, WS1
from common.rows import Job, Row, accuracy, digit_accuracy
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import confirmation, last_layer, published, sharing

WAYS = {"own": "wrong", "highest": "highest_wrong", "joint": "joint_wrong"}  # to compare two digits' scores


def groups() -> dict[str, list[Job]]:
    """Return the runs of the networks whose ten scores are a digit's, by what the report calls them."""
    layers = {layer.name: last_layer.runs_of(layer)[1] for layer in last_layer.LAST_LAYERS}
    return {
        AUX.name: confirmation.runs_of(AUX),
        **{f"{AUX.name}, {name}": own for name, own in layers.items() if own[0].network == AUX and own[0].model},
        JOINT_AUX.name: next(own for own in layers.values() if own[0].network == JOINT_AUX),
        f"{UNTIED_AUX.name}, half": sharing.runs_of(UNTIED_AUX, "half", sharing.EPOCHS[-1]),
        **{net.name: published.runs_of(net, published.EPOCHS[-1]) for net in published.PUBLISHED if net.labelled},
        AUX1.name: confirmation.runs_of(AUX1),
        WS1.name: confirmation.runs_of(WS1),
    }


def right(row: Row, column: str) -> float:
    """Return the share of test pairs, in %, that are not counted in a column."""
    return accuracy({**row, "wrong": row[column]})


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each network's accuracy by each way to compare, and what of the auxiliary loss's gain is which."""
    lines: list[dict[str, Any]] = []
    for name, jobs in groups().items():
        rows = saved.rows(jobs)
        ways = {way: f"{mean(right(row, column) for row in rows):.2f}" for way, column in WAYS.items()}
        head_wrong = mean(100 - right(row, "head_wrong") for row in rows)
        lines.append(
            {
                "name": name,
                "rounds": span([job.round for job in jobs]),
                **ways,
                "head_wrong": f"{head_wrong:.2f}",
                "digits": f"{digit_accuracy(rows):.1f}",
            }
        )
    own, base = saved.rows(confirmation.runs_of(AUX)), saved.accuracies(confirmation.runs_of(WS))
    reading = [right(row, "highest_wrong") - below for row, below in zip(own, base, strict=True)]
    comparing = [right(row, "wrong") - right(row, "highest_wrong") for row in own]
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


def picture(saved: Saved) -> Figure:
    """Draw, for the networks with digit labels of the main comparison, every round by each way to compare."""
    figure, axes = figure_of(1, 1, 1.7)
    names = {"own": "own last layer", "highest": "two highest scores", "joint": "joint comparison"}
    places: list[str] = []
    for network in (AUX, AUX1):
        for way, column in WAYS.items():
            values = [right(row, column) for row in saved.rows(confirmation.runs_of(network))]
            strip(axes, len(places), values, network)
            places.append(f"{network.name}\n{names[way]}")
    label_places(axes, places)
    axes.set_ylabel("test accuracy (%)")
    return figure
