"""Last layers: linear on the scores, on their ReLU, on their softmax, and the joint comparison.

And what AuxModel's last layer is given: its scores, frozen, with a linear layer refitted on them or set by hand, beside
two ways to compare them without training; and networks that learn to read alone.
"""

import itertools
from statistics import mean
from typing import Any

from common.evidence import Numbers, compare, fitted, interval_of, require, within_rounds
from common.networks import AUX, AUX1, JOINT, JOINT_AUX, READING, READING1, REFITTED, SIMPLE, WS, WS1, Network
from common.plotting import figure_of, forest
from common.results import Results
from common.rows import Row, Variant, accuracy
from matplotlib.figure import Figure

from experiments import claims, confirmation, learning_rate, published, sharing, train_pairs
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
TEXTS = {  # what the last layer is refitted on, by its name in networks.GIVEN
    **{"relu": "ReLU", "none": "plain scores", "highest": "highest score alone"},
    **{"shares": "ReLU divided by its sum", "softmax": "softmax", "one-hot": "one-hot"},
}
FROZEN = {  # AuxModel, with another linear last layer on its frozen scores
    **{f"refitted on {text}": Variant(REFITTED, {"given": given}, ROUNDS) for given, text in TEXTS.items()},
    "by hand on softmax": Variant(REFITTED, {"given": "softmax", "by_hand": True}, ROUNDS),
}
READERS = {net.name: Variant(net, {}, ROUNDS) for net in (READING, READING1)}
VARIANTS |= FROZEN | READERS  # type: ignore[arg-type]
COMPARISONS = {"own": "wrong", "highest": "highest_wrong", "joint": "joint_wrong"}  # of two digits' scores
DIGIT_READERS = {  # variants whose ten scores are a digit's, by what the report calls them
    "AuxModel": confirmation.VARIANTS[AUX.name],
    "AuxModel, linear on scores": VARIANTS["linear on scores", True, NB_EPOCHS],
    "AuxModel, linear on softmax": VARIANTS["linear on softmax", True, NB_EPOCHS],
    "JointAuxModel": VARIANTS["joint comparison", True, NB_EPOCHS],
    "UntiedAuxModel, half": sharing.VARIANTS["UntiedAuxModel", "half size", sharing.EPOCHS[1]],
    "PublishedAuxModel": published.VARIANTS["PublishedAuxModel", published.EPOCHS[-1]],
    "PublishedAuxModel1": published.VARIANTS["PublishedAuxModel1", published.EPOCHS[-1]],
    "AuxModel1": confirmation.VARIANTS[AUX1.name],
    "WSModel1": confirmation.VARIANTS[WS1.name],
}


def right(row: Row, column: str) -> float:
    """Return the share of test pairs, in %, that are not counted in a column."""
    return accuracy({**row, "wrong": row[column]})


def reader_numbers(results: Results) -> list[dict[str, Any]]:
    """Return each network's accuracy by each way to compare its scores."""
    lines: list[dict[str, Any]] = []
    for name, variant in DIGIT_READERS.items():
        rows = results.rows(variant)
        lines.append({"name": name, **{way: mean(right(row, of) for row in rows) for way, of in COMPARISONS.items()}})
    return lines


def train_wrong(rows: list[Row]) -> float:
    """Return how many training pairs are wrong in the end, on average."""
    return mean(int(row["train_wrong"]) for row in rows)


def over(better: list[float], worse: list[float]) -> Numbers:
    """Return the mean difference and its interval."""
    return interval_of(within_rounds(better, worse))


def frozen_numbers(results: Results) -> dict[str, Any]:
    """Return what other last layers make of AuxModel's frozen scores, and what reading alone gives."""
    aux = results.rows(claims.DEFAULTS[AUX.name])
    own, highest, joint = ([right(row, column) for row in aux] for column in COMPARISONS.values())
    lines: dict[str, Any] = {"own, as trained": {**interval_of(own), "train_wrong": train_wrong(aux), "over": None}}
    for name, variant in FROZEN.items():
        rows, values = results.rows(variant), results.accuracies(variant)
        lines[name] = {**interval_of(values), "train_wrong": train_wrong(rows), "over": over(values, own)}
    for name, values in (("two highest scores", highest), ("joint comparison", joint)):
        lines[name] = {**interval_of(values), "train_wrong": None, "over": over(values, own)}
    base, exploration, aux1 = map(results.accuracies, (*READERS.values(), claims.DEFAULTS[AUX1.name]))
    alone = {
        READING.name: {**interval_of(base), "over": over(base, own), "over_highest": over(base, highest)},
        READING1.name: {**interval_of(exploration), "over": over(exploration, aux1)},
    }
    rows, ws = results.rows(confirmation.VARIANTS[AUX.name]), results.accuracies(confirmation.VARIANTS[WS.name])
    trained, read = ([right(row, column) for row in rows] for column in ("wrong", "highest_wrong"))
    one_hot, alone_highest = (
        results.accuracies(FROZEN[f"refitted on {TEXTS[name]}"]) for name in ("one-hot", "highest")
    )
    return {
        "lines": [{"name": name, **line} for name, line in lines.items()],
        "alone": alone,
        "split": {"reading": over(read, ws), "comparing": over(trained, read)},
        "equal": over(one_hot, alone_highest),  # what equal heights of the highest scores add
    }


def by_last_layer(results: Results) -> list[dict[str, Any]]:
    """Return, by last layer and epochs, how many runs fit, and the claims' differences."""
    lines: list[dict[str, Any]] = []
    for nb_epochs, name in itertools.product((NB_EPOCHS, LONG), LAST_LAYERS):
        plain, labelled = (VARIANTS[name, with_labels, nb_epochs] for with_labels in (False, True))
        simple = Variant(SIMPLE, {"nb_epochs": nb_epochs}, plain.rounds)
        compared = compare(results, plain, simple), compare(results, labelled, plain)
        first, *both = (results.rows(variant) for variant in (simple, plain, labelled))
        lines.append(
            {
                "name": name,
                "epochs": nb_epochs,
                "fitted": [fitted(rows) for rows in (first, *both)],
                "wrong": [max(int(row["train_wrong"]) for row in rows) for rows in both],
                "accuracies": [mean(map(accuracy, rows)) for rows in both],
                "n": len(plain.rounds),
                "differences": list(map(interval_of, compared)),
            }
        )
    return lines


def numbers(results: Results) -> dict[str, Any]:
    """Return what each last layer gives, what AuxModel's is given, and what reads and compares."""
    soft, relu = (VARIANTS[name, True, LONG] for name in ("linear on softmax", "linear on ReLU"))
    return {
        "lines": by_last_layer(results),
        "soft_over_relu": interval_of(compare(results, soft, relu)),
        "readers": reader_numbers(results),
        "frozen": frozen_numbers(results),
    }


LIMITS = ((-2, 8), (-13, 24), (-2, 8))  # of the picture's panels, in points


def readme_line(numbers: dict[str, Any]) -> str:
    """Return README's item on where AuxModel's errors are."""
    lines = {line["name"]: line for line in numbers["frozen"]["lines"]}
    own = lines["own, as trained"]
    relu, highest, soft = (lines[f"refitted on {TEXTS[name]}"] for name in ("relu", "highest", "softmax"))
    require("refitted on ReLU it is no better", relu["high"] < own["high"] + 1)
    require(
        "refitted on the highest score alone, or on softmax, it is better",
        min(highest["over"]["low"], soft["over"]["low"]) > 4,
    )
    alone = numbers["frozen"]["alone"][READING.name]
    require("reading alone is better than AuxModel", alone["over"]["low"] > 0)
    return (
        f"- AuxModel reads well and compares badly: {own['mean']:.1f} % are right. The nine other scores of a digit "
        f"mislead its last layer. Refitted on the same scores' ReLU it reaches {relu['mean']:.1f} %, on the highest "
        f"alone {highest['mean']:.1f} %, on softmax {soft['mean']:.1f} %. The same network, trained to read alone and "
        f"compared by its highest scores, reaches {alone['mean']:.1f} %."
    )


def picture(results: Results) -> Figure:
    """Draw both claims' differences by what they depend on: rate, last layer, training pairs; hollow where few fit."""
    pairs = train_pairs.numbers(results)
    of_pairs = [
        {"n": pairs["n"], "epochs": NB_EPOCHS, **line, "pairs": f"{line['pairs']:,}"}
        for line in (*pairs["lines"], pairs["long"])
    ]
    groups = (
        ("learning rate", "rate", [line for line in learning_rate.numbers(results)["lines"] if sum(line["fitted"])]),
        ("last layer", "name", by_last_layer(results)),
        ("pairs", "pairs", of_pairs),
    )
    figure, panels = figure_of(1, 3, 2.6)
    for axes, limits, (title, key, lines) in zip(panels, LIMITS, groups, strict=True):
        names = [f"{line[key]}, {line['epochs']}" for line in lines]
        for index, (network, label) in enumerate(((WS, "WSModel − SimpleModel"), (AUX, "AuxModel − WSModel"))):
            # `fitted` is of SimpleModel, WSModel and AuxModel: each claim is about two neighbours
            fit = [min(line["fitted"][index : index + 2]) >= 0.8 * line["n"] for line in lines]
            forest(axes, names, [line["differences"][index] for line in lines], fit, network, label)
        axes.set(title=f"{title}, epochs", xlabel="points of accuracy", xlim=limits)
    panels[1].legend(loc="upper center", bbox_to_anchor=(0.3, -0.2), ncols=2)
    return figure


PICTURES = {"depends": picture}
TABLES = {"reading": readme_line}
