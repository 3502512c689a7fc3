"""The numbers of the other rooms: what the claims depend on, and why the exploration classes work.

Each is computed anew in plain Python from the saved files. tests/test_numbers.py has the main rooms.
"""

import json
from collections.abc import Callable
from statistics import mean
from typing import Any

import plain
from plain import (
    BASE,
    EXPLORATION,
    PAIRS,
    ROUNDS,
    TEN,
    VALIDATION,
    WHOLE,
    Near,
    Row,
    accuracies_of,
    base,
    difference_of,
    effect,
    mean_of,
    minus,
    number_of,
    span,
)
from test_numbers_of_authors import published_way

# ---------------------------------------------------------------------------------------------------------------------
# Controls

SIZES = {"whole": {}, "half": {"maps": [16, 32], "hidden": 177}}
KINDS = [("whole", 50), ("whole", 150), ("half", 50), ("half", 150)]


def of_size(network: str, size: str, number: int) -> list[Row]:
    """Return the rows of a network with so many epochs; the size is that of the untied ones."""
    untied = network.startswith("Untied")
    if number == 50 and not untied:
        return base("sharing", network)
    training = {} if number == 50 else {"nb_epochs": number}
    return plain.plain("sharing", network, model=SIZES[size] if untied else {}, training=training)


def of_sharing() -> dict[str, Any]:
    effects = {
        "splitting": ("UntiedModel", "SimpleModel"),
        "sharing": ("WSModel", "UntiedModel"),
        "sharing, with digit labels": ("AuxModel", "UntiedAuxModel"),
        "digit labels, branches untied": ("UntiedAuxModel", "UntiedModel"),
        "digit labels, one branch": ("AuxModel", "WSModel"),
    }
    lines: list[dict[str, Any]] = [{"name": name, "effects": []} for name in effects]
    for line in lines:
        for kind in KINDS:
            both = zip(*(of_size(network, *kind) for network in effects[line["name"]]), strict=True)
            finished = [pair for pair in both if not any(row["error"] for row in pair)]
            line["effects"].append(effect(*(accuracies_of(list(side)) for side in zip(*finished, strict=True))))
    fitted = []
    for name in ("SimpleModel", "UntiedModel", "WSModel", "UntiedAuxModel", "AuxModel"):
        every = [of_size(name, *kind) for kind in KINDS]
        lost = {(row["settings"], row["round"]) for found in every for row in found if row["error"]}
        counts = [str(len([row for row in found if row["train_wrong"] == "0"])) for found in every]
        fitted.append({"name": name, "of": counts, "diverged": str(len(lost))})
    half = 2 * (9 * 16 + 16 + 9 * 16 * 32 + 32 + 4 * 32 * 177 + 177 + 177 * 10 + 10) + 42
    return {
        "lines": lines,
        "fitted": fitted,
        "parameters": {"whole": "117,794", "half": f"{half:,}"},
        "kinds": ["50 epochs", "150 epochs", "50 epochs, half", "150 epochs, half"],
        "half": {"maps": [16, 32], "hidden": 177},
        "apart": "0.1",  # 58,868 and 58,918
        "epochs": ["50", "150"],
        "rounds": number_of("sharing"),
    }


def rows_by_last_layer() -> dict[str, tuple[list[Row], list[Row]]]:
    """Return the rows by last layer, without and with digit labels."""
    models = {"linear on scores": {"activation": "none"}, "linear on softmax": {"activation": "softmax"}}
    found: dict[str, Any] = {
        name: tuple(plain.plain("last_layer", network, model=model) for network in ("WSModel", "AuxModel"))
        for name, model in models.items()
    }
    found["linear on ReLU"] = tuple(base("last_layer", network) for network in ("WSModel", "AuxModel"))
    found["joint comparison"] = tuple(plain.plain("last_layer", name) for name in ("JointModel", "JointAuxModel"))
    order = ("linear on scores", "linear on ReLU", "linear on softmax", "joint comparison")
    return {name: found[name] for name in order}


def of_last_layer() -> dict[str, Any]:
    found = {name: tuple(map(accuracies_of, both)) for name, both in rows_by_last_layer().items()}
    simple = accuracies_of(base("last_layer", "SimpleModel"))
    lines = [
        {
            "name": name,
            "plain": mean_of(without),
            "labelled": mean_of(labelled),
            "digits": plain.digits(rows_by_last_layer()[name][1]),
            "differences": [effect(without, simple), effect(labelled, without)],
            "words": [plain.word(without, simple), plain.word(labelled, without)],
        }
        for name, (without, labelled) in found.items()
    ]
    return {"lines": lines, "rounds": number_of("last_layer")}


WAYS = {"own": "wrong", "highest": "highest_wrong", "joint": "joint_wrong"}


def of_head() -> dict[str, Any]:
    networks = {
        "AuxModel": plain.plain("confirmation", "AuxModel", **WHOLE),
        "AuxModel, linear on scores": rows_by_last_layer()["linear on scores"][1],
        "AuxModel, linear on softmax": rows_by_last_layer()["linear on softmax"][1],
        "JointAuxModel": rows_by_last_layer()["joint comparison"][1],
        "UntiedAuxModel, half": of_size("UntiedAuxModel", "half", 150),
        "PublishedAuxModel": published_way("AuxModel", 50),
        "PublishedAuxModel1": published_way("AuxModel1", 50),
        "AuxModel1": plain.plain("confirmation", "AuxModel1", **WHOLE),
        "WSModel1": plain.plain("confirmation", "WSModel1", **WHOLE),
    }
    lines, gaps = [], []
    for name, found in networks.items():
        rounds = f"{found[0]['round']} to {found[-1]['round']}"
        means = {way: mean(accuracies_of(found, column)) for way, column in WAYS.items()}
        miscompared = mean(100 * int(row["head_wrong"]) / int(row["total"]) for row in found)
        line = {"name": name, "rounds": rounds, **{way: Near(value, 2) for way, value in means.items()}}
        lines.append({**line, "head_wrong": Near(miscompared, 2), "digits": plain.digits(found)})
        if name in ("JointAuxModel", "AuxModel1", "WSModel1"):
            gaps.append(abs(means["own"] - means["highest"]))
    highest = accuracies_of(networks["AuxModel"], "highest_wrong")
    split = {
        "reading": effect(highest, plain.percent("confirmation", "WSModel", **WHOLE)),
        "comparing": effect(accuracies_of(networks["AuxModel"]), highest),
    }
    gap = plain.About(max(gaps), 0.0101)  # of rounded numbers
    return {"lines": lines, "by_name": {line["name"]: line for line in lines}, "split": split, "gap": gap}


WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)


def rows_of_weight(weight: float) -> list[Row]:
    """Return the rows with an auxiliary weight, those that diverged, too."""
    if weight == 0.5:
        return base("aux_weight", "AuxModel")
    return plain.plain("aux_weight", "AuxModel", training={"aux_weight": weight})


def of_aux_weight() -> dict[str, Any]:
    lines, size = [], len(ROUNDS["aux_weight"])
    for weight in WEIGHTS:
        found = [row for row in rows_of_weight(weight) if not row["error"]]
        values, without, usual = map(accuracies_of, (found, rows_of_weight(0), rows_of_weight(0.5)))
        lines.append(
            {
                "weight": str(weight),
                "accuracy": mean_of(values),
                "difference": effect(values, without) if weight and len(found) == size else None,
                "ours": effect(values, usual) if weight != 0.5 and len(found) == size else None,
                "digits": plain.digits(found),
                "diverged": str(size - len(found)),
            }
        )
    return {"lines": lines, "rounds": str(size)}


def after_epochs(network: str, number: int) -> list[float]:
    return plain.percent("epochs", network, training={"nb_epochs": number}, data=VALIDATION)


def of_epochs() -> dict[str, Any]:
    lines = []
    for number in (3, 6, 12, 25, 50, 100):
        both = [[after_epochs(name, number) for name in pair] for pair in PAIRS]
        lines.append(
            {
                "epochs": str(number),
                "accuracies": {name: Near(mean(after_epochs(name, number)), 1) for name in BASE},
                "differences": [effect(*pair) for pair in both],
                "words": [plain.word(*pair) for pair in both],
            }
        )
    doubled = {name: effect(after_epochs(name, 100), after_epochs(name, 50)) for name in BASE}
    return {"lines": lines, "doubled": doubled, "rounds": span("epochs")}


NUMBERS_OF_PAIRS = (125, 250, 500, 1000, 2000, 4000, 8000)


def from_pairs(name: str, number: int) -> list[float]:
    if number == 1000:
        return accuracies_of(base("train_pairs", name))
    return plain.percent("train_pairs", name, data={"nb_train_pairs": number})


def of_train_pairs() -> dict[str, Any]:
    lines = []
    for number in NUMBERS_OF_PAIRS:
        names = (*BASE, *EXPLORATION) if number <= 1000 else BASE
        lines.append(
            {
                "pairs": f"{number:,}",
                "accuracies": {name: Near(mean(from_pairs(name, number)), 1) for name in names},
                "differences": [effect(*(from_pairs(name, number) for name in pair)) for pair in PAIRS],
            }
        )
    # each number is twice the one before: the places are -3 to 3, whose squares' sum is 28
    doubling = []
    for more, less in PAIRS:
        rounds = zip(*(minus(from_pairs(more, each), from_pairs(less, each)) for each in NUMBERS_OF_PAIRS), strict=True)
        doubling.append(difference_of([sum((n - 3) * y for n, y in enumerate(line)) / 28 for line in rounds]))
    ends = {"ends": effect(from_pairs("AuxModel1", 125), from_pairs("AuxModel", 8000))}
    ends |= {"fewest": "125", "most": "8,000"}
    return {"lines": lines, "doubling": doubling, "rounds": number_of("train_pairs"), **ends}


# ---------------------------------------------------------------------------------------------------------------------
# The exploration classes


def of_more_rounds() -> dict[str, Any]:
    found = {}
    for name, below in zip(EXPLORATION, ("WSModel", "AuxModel"), strict=True):
        every = plain.plain("claims", name) + plain.plain("more_rounds", name)
        values = accuracies_of(every)
        found[name] = {
            **mean_of(values),
            "n": str(len(ROUNDS["claims"]) + len(ROUNDS["more_rounds"])),
            "worst": Near(min(values), 1),
            "digits": plain.digits(every),
            "gain": effect(plain.percent("claims", name), plain.percent("claims", below)),
        }
    return found


def lowest_and_highest(values: list[float]) -> dict[str, Near]:
    return {"mean": Near(mean(values), 1), "low": Near(min(values), 1), "high": Near(max(values), 1)}


def of_prior() -> dict[str, Any]:
    kinds = {
        "ten digits, equally frequent": base("prior", "WSModel1"),
        "digits 0 to 7 only": plain.plain("prior", "WSModel1", data={"shares": [1.0] * 8 + [0.0, 0.0]}),
        "digits 0 to 4 three times as frequent": plain.plain(
            "prior", "WSModel1", data={"shares": [1.0] * 5 + [1 / 3] * 5}
        ),
    }
    lines = [
        {
            "name": name,
            "accuracy": lowest_and_highest(accuracies_of(found)),
            "digits": lowest_and_highest(plain.digits_of(found)),
            # of digits 0, 1, 2 and 3 of eight, 0.1, 0.075, 0.05 and 0.025 are in their own tenth of the order;
            # of those with 0.15 each up to 4 and 0.05 each from 5 on, 0.1 of 0, 0.05 of 1, and 0.05 of 9
            "parts": parts,
        }
        for parts, (name, found) in zip(("100", "25", "20"), kinds.items(), strict=True)
    ]
    return {"lines": lines, "rounds": number_of("prior")}


def of_errors() -> dict[str, Any]:
    pairs = [pair for r in ROUNDS["errors"] for pair in plain.classes_of_test_pairs(r)]
    close_pairs = sum(abs(first - second) < 2 for first, second in pairs)
    found: dict[str, Any] = {"rounds": number_of("errors"), "close_pairs": Near(100 * close_pairs / len(pairs), 0)}
    for network in EXPLORATION:
        details = [json.loads(row["details"]) for row in plain.plain("errors", network)]
        wrong = sum(int(row["wrong"]) for row in base("errors", network))
        close = sum(of["wrong"][i][j] for of in details for i in TEN for j in TEN if abs(i - j) < 2)
        told = sum(of["digits"][i][i] for of in details for i in TEN)
        found[network] = {"digits": Near(100 * told / (2 * len(pairs)), 1), "close": Near(100 * close / wrong, 0)}
    return found


def of_ceiling() -> dict[str, Any]:
    found: dict[str, Any] = {"rounds": span("ceiling"), "pairs": "30,000"}
    all_images = {"nb_test_pairs": 5000, "nb_train_pairs": 30000}
    every = {name: plain.percent("ceiling", name, data=all_images) for name in EXPLORATION}
    for name in EXPLORATION:
        usual = plain.percent("confirmation", name, ROUNDS["ceiling"], **WHOLE)
        errors = [100 - mean(accuracies) for accuracies in (every[name], usual)]
        fewer = Near(100 - 100 * errors[0] / errors[1], 0)
        found[name] = {"all": mean_of(every[name]), "usual": Near(mean(usual), 2), "fewer": fewer}
    return {**found, "labels": effect(every["AuxModel1"], every["WSModel1"])}


EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    **{"sharing": of_sharing, "last_layer": of_last_layer, "head": of_head, "aux_weight": of_aux_weight},
    **{"epochs": of_epochs, "train_pairs": of_train_pairs, "more_rounds": of_more_rounds, "prior": of_prior},
    **{"errors": of_errors, "ceiling": of_ceiling},
}
