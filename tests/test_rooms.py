"""Each experiment's numbers and pictures, against plain Python over the saved files; their networks; the house's order.

Nothing here uses the project's own reading, checks or statistics to say what is right.
"""

import ast
import csv
import graphlib
import inspect
import itertools
import json
import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from math import sqrt
from statistics import mean, median, stdev
from types import SimpleNamespace
from typing import Any

import benchmark
import pytest
import torch
from common import networks, running
from common.drawing import figure_of
from common.networks import AUX1, MAIN, PUBLISHED
from common.rows import RESULTS, Job, Saved
from conftest import ROOT
from experiments import (
    ablation,
    aux_weight,
    catalogue,
    claims,
    diagrams,
    epochs,
    errors,
    last_layer,
    published,
    sharing,
    train_pairs,
    tuning,
)
from experiments.catalogue import EXPERIMENTS, all_jobs, all_numbers, jobs_of, name_of
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import ErrorbarContainer
from torch import Tensor, nn

import helpers
from helpers import SIDE, UserError, load_round, nb_parameters, train
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel, WSModel1

# by degrees of freedom, from tables of Student's t: 2.5 % are above
T = {1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624, 8: 2.306004}
T |= {9: 2.262157, 29: 2.045230, 34: 2.032245}
BASE, EXPLORATION = ("SimpleModel", "WSModel", "AuxModel"), ("WSModel1", "AuxModel1")
THREE, TEN, THIRTY = range(3), range(10), range(30)
VALIDATION = {"validation": True, "nb_test_pairs": 5000}
Row = dict[str, str]

# ---------------------------------------------------------------------------------------------------------------------
# Plain reading, and what a text of a number should be


class Near:
    """Equal to the text of a number of so many decimals, whichever way a tie is rounded."""

    def __init__(self, value: float, decimals: int, sign: bool = False) -> None:
        self.value, self.decimals, self.sign = value, decimals, sign

    def __eq__(self, text: object) -> bool:
        form = ("[+-]" if self.sign else "-?") + r"\d+" + (rf"\.\d{{{self.decimals}}}" if self.decimals else "")
        return (
            isinstance(text, str)
            and re.fullmatch(form, text) is not None
            and not (self.sign and float(text) == 0 and text.startswith("-"))
            and abs(float(text) - self.value) <= 0.5 * 10**-self.decimals + 1e-9
        )

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"'{self.value:{'+' if self.sign else ''}.{self.decimals}f}'"


class About(Near):
    """Equal to the text of a number that is not farther away than so much."""

    def __eq__(self, text: object) -> bool:
        return isinstance(text, str) and abs(float(text) - self.value) <= self.decimals

    __hash__ = Near.__hash__


@cache
def rows() -> dict[tuple[str, str, int, str], Row]:
    """Return all saved rows by experiment, network, round and settings."""
    found = {}
    for name in ALL_ROUNDS:
        with (RESULTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found[row["experiment"], row["network"], int(row["round"]), row["settings"]] = row
    return found


def plain(experiment: str, network: str, rounds: Sequence[int], **settings: dict[str, Any]) -> list[Row]:
    """Return the rows of a network with the keywords `model`, `training` and `data`, one for each round."""
    every = {"data": {}, "model": {}, "training": {}, **settings}
    text = json.dumps({name: dict(sorted(every[name].items())) for name in ("data", "model", "training")})
    return [rows()[experiment, network, r, text] for r in rounds]


def percent(experiment: str, network: str, rounds: Sequence[int], **settings: dict[str, Any]) -> list[float]:
    """Return the accuracies of a network, one for each round."""
    return [100 - 100 * int(row["wrong"]) / int(row["total"]) for row in plain(experiment, network, rounds, **settings)]


def digits(found: list[Row]) -> Near:
    """Return the mean digit accuracy of rows."""
    return Near(mean(100 - 100 * int(row["digits_wrong"]) / (2 * int(row["total"])) for row in found), 1)


def half_width(values: Sequence[float]) -> float:
    return T[len(values) - 1] * stdev(values) / sqrt(len(values))


def mean_of(values: Sequence[float]) -> dict[str, Near]:
    """Return a mean and its interval."""
    middle, half = mean(values), half_width(values)
    return {
        name: Near(value, 2)
        for name, value in zip(
            ("mean", "half", "low", "high"), (middle, half, middle - half, middle + half), strict=True
        )
    }


def effect(better: Sequence[float], worse: Sequence[float]) -> dict[str, Near]:
    """Return a mean difference within rounds and its interval."""
    values = [a - b for a, b in zip(better, worse, strict=True)]
    middle, half = mean(values), half_width(values)
    return {"mean": Near(middle, 2, True), "low": Near(middle - half, 2, True), "high": Near(middle + half, 2, True)}


@pytest.fixture(scope="module")
def saved() -> Saved:
    return Saved(all_jobs())


@pytest.fixture(scope="module")
def numbers(saved: Saved) -> dict[str, Any]:
    return all_numbers(saved)


# ---------------------------------------------------------------------------------------------------------------------
# The numbers, room by room


def of_claims() -> dict[str, Any]:
    accuracies = {name: percent("claims", name, THIRTY) for name in (*BASE, *EXPLORATION)}
    above = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
    found = {}
    for name, values in accuracies.items():
        own = plain("claims", name, THIRTY)
        train = mean(100 - 100 * int(row["train_wrong"]) / int(row["train_total"]) for row in own)
        found[name] = {
            **mean_of(values),
            "sd": Near(stdev(values), 2),
            "worst": Near(min(values), 1),
            "n": "30",
            "parameters": {"SimpleModel": "57,956"}.get(name, "58,918" if name in BASE else "59,368"),
            "train": Near(train, 2),
            "digits": "" if name == "SimpleModel" else digits(own),
            "effect": effect(values, accuracies[above[name]]) if name in above else None,
        }
    said = []
    sentences = {"WSModel": "Sharing the weights helps", "AuxModel": "An auxiliary loss helps further"}
    for name, sentence in sentences.items():
        better, worse = accuracies[name], accuracies[above[name]]
        differences = [a - b for a, b in zip(better, worse, strict=True)]
        low, high = bootstrap(differences)
        wins, losses = (
            sum(a > b for a, b in zip(better, worse, strict=True)),
            sum(a < b for a, b in zip(better, worse, strict=True)),
        )
        p = flips(differences)
        found_effect = effect(better, worse)
        said.append(
            {
                "sentence": sentence,
                "difference": f"{name} - {above[name]}",
                **found_effect,
                "bootstrap": {"mean": found_effect["mean"], "low": About(low, 0.1), "high": About(high, 0.1)},
                "n": "30",
                "counts": f"{wins} / {30 - wins - losses} / {losses}",
                "p": "below 0.0001" if p == 0 else About(p, 0.02),
                "verdict": "not shown" if p > 0.02 else "holds" if found_effect["low"].value > 0 else "refuted",
            }
        )
    protocol = {"epochs": "50", "rate": "0.1", "batch": "100", "aux": "0.5", "train": "1,000", "test": "1,000"}
    protocol |= {"rounds": "30", "last_round": "29", "resamples": "100,000", "alpha": "0.05", "studies": "10,000"}
    protocol["most_parameters"] = "70,000"
    differences = [
        [a - b for a, b in zip(accuracies[name], accuracies[above[name]], strict=True)] for name in sentences
    ]
    coverage = [About(simulated_coverage(values), 2.5) for values in differences]
    return {"networks": found, "claims": said, "coverage": coverage, "protocol": protocol}


def bootstrap(values: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by resampling, its percentiles."""
    generator = random.Random(0)
    means = sorted(mean(generator.choices(values, k=len(values))) for _ in range(2000))
    return means[50], means[-50]


def flips(values: list[float]) -> float:
    """Return how often the mean is as far from 0, of 2000 ways to sign the values at random."""
    generator = random.Random(0)
    found = [abs(sum(value * generator.choice((-1, 1)) for value in values)) for _ in range(2000)]
    return sum(value >= abs(sum(values)) for value in found) / 2000


def simulated_coverage(values: list[float]) -> float:
    """Return how often the interval of 1000 simulated studies holds the mean, in %."""
    generator = random.Random(0)
    held, size = 0, len(values)
    for _ in range(1000):
        drawn = generator.choices(values, k=size)
        middle = sum(drawn) / size
        deviation = sqrt(sum((value - middle) ** 2 for value in drawn) / (size - 1))
        held += abs(middle - sum(values) / size) <= T[size - 1] * deviation / sqrt(size)
    return held / 10


def of_sharing() -> dict[str, Any]:
    simple, tied, tied_aux = (percent("claims", name, THIRTY) for name in BASE)
    untied, untied_aux = (percent("sharing", name, THIRTY) for name in ("UntiedModel", "UntiedAuxModel"))
    splitting, shared = ([a - b for a, b in zip(*both, strict=True)] for both in ((untied, simple), (tied, untied)))
    places = {"UntiedModel": "sharing", "UntiedAuxModel": "sharing", "WSModel": "claims", "AuxModel": "claims"}
    return {
        "parameters": "117,794",
        "splitting": effect(untied, simple),
        "sharing": effect(tied, untied),
        "gain": "a gain" if mean(splitting) > half_width(splitting) else "no clear gain",
        "median_splitting": Near(median(splitting), 2, True),
        "median_sharing": Near(median(shared), 2, True),
        "sharing_aux": effect(tied_aux, untied_aux),
        "aux_untied": effect(untied_aux, untied),
        "aux_tied": effect(tied_aux, tied),
        "unsettled": {
            name: str(sum(int(row["train_wrong"]) > 50 for row in plain(place, name, THIRTY)))  # of 1000
            for name, place in places.items()
        },
        "unsettled_above": "5",
    }


def rows_by_last_layer() -> dict[str, tuple[list[Row], list[Row]]]:
    """Return the rows by last layer, without and with digit labels."""
    models = {"linear on scores": {"activation": "none"}, "linear on softmax": {"activation": "softmax"}}
    found = {
        name: tuple(plain("last_layer", network, TEN, model=model) for network in ("WSModel", "AuxModel"))
        for name, model in models.items()
    }
    found["linear on ReLU"] = tuple(plain("claims", network, TEN) for network in ("WSModel", "AuxModel"))
    found["joint comparison"] = tuple(plain("last_layer", network, TEN) for network in ("JointModel", "JointAuxModel"))
    order = ("linear on scores", "linear on ReLU", "linear on softmax", "joint comparison")
    return {name: found[name] for name in order}


def accuracies_of(found: list[Row]) -> list[float]:
    return [100 - 100 * int(row["wrong"]) / int(row["total"]) for row in found]


def of_last_layer() -> dict[str, Any]:
    found = rows_by_last_layer()
    lines = [
        {
            "name": name,
            "plain": mean_of(accuracies_of(without)),
            "labelled": mean_of(accuracies_of(labelled)),
            "digits": digits(labelled),
        }
        for name, (without, labelled) in found.items()
    ]
    extremes = {}
    for place, which in enumerate(("plain", "labelled")):
        means = {name: mean(accuracies_of(both[place])) for name, both in found.items()}
        extremes[f"worst_{which}"] = min(means, key=lambda name: means[name])
        extremes[f"best_{which}"] = max(means, key=lambda name: means[name])
    return {"lines": lines, "rounds": "10", "ours": "linear on ReLU", **extremes}


WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)


def rows_of_weight(weight: float) -> list[Row]:
    """Return the rows with an auxiliary weight, those that diverged, too."""
    if weight == 0.5:
        return plain("claims", "AuxModel", TEN)
    return plain("aux_weight", "AuxModel", TEN, training={"aux_weight": weight})


def of_aux_weight() -> dict[str, Any]:
    lines = []
    for weight in WEIGHTS:
        found = [row for row in rows_of_weight(weight) if not row["error"]]
        values, without = accuracies_of(found), accuracies_of(rows_of_weight(0))
        lines.append(
            {
                "weight": str(weight),
                "accuracy": mean_of(values),
                "difference": effect(values, without) if weight and len(found) == 10 else None,
                "digits": digits(found),
                "diverged": str(10 - len(found)),
            }
        )
    return {"lines": lines, "rounds": "10"}


def after_epochs(network: str, number: int) -> list[float]:
    return percent("epochs", network, range(1200, 1210), training={"nb_epochs": number}, data=VALIDATION)


def of_epochs() -> dict[str, Any]:
    return {
        "doubled": {name: effect(after_epochs(name, 100), after_epochs(name, 50)) for name in BASE},
        "halved": {name: effect(after_epochs(name, 50), after_epochs(name, 25)) for name in BASE},
        "rounds": "1200 to 1209",
    }


FACTS = {25: {"SimpleModel": "80.2", "WSModel": "82.3", "AuxModel": "86.4", "AuxModel1": "88.9"}}
FACTS[50] = {"SimpleModel": "82 to 83", "WSModel": "84 to 88", "AuxModel": "87 to 91"}
PARAMETERS = {"SimpleModel": "140,994", "WSModel": "178,028", "WSModel1": "", "AuxModel": "130,288"}
PARAMETERS |= {"AuxModel1": "126,848"}
PARAMETERS["WSModel1"] = f"{(9 + 1) * 64 + (64 * 9 + 1) * 128 + (1024 + 1) * 100 + (100 + 1) * 2:,}"


def published_way(name: str, number: int) -> list[float]:
    return percent("published", f"Published{name}", TEN, training={"nb_epochs": number, "shuffle": False})


def of_published() -> dict[str, Any]:
    lines, gaps = [], []
    for name, parameters in PARAMETERS.items():
        line: dict[str, Any] = {"name": name, "parameters": parameters}
        for number in (25, 50):
            values, fact = published_way(name, number), FACTS[number].get(name, "")
            line[str(number)] = {**mean_of(values), "sd": Near(stdev(values), 1), "fact": fact}
            if fact:
                limits = [float(text) for text in fact.split(" to ")]
                gaps += [min(limits) - mean(values), mean(values) - max(limits)]
        lines.append(line)
    every = [value for name in PARAMETERS for number in (25, 50) for value in published_way(name, number)]
    pairs = (("WSModel", "SimpleModel"), ("AuxModel", "WSModel"))
    return {
        "lines": lines,
        "differences": {
            str(number): [effect(*(published_way(name, number) for name in pair)) for pair in pairs]
            for number in (25, 50)
        },
        "farthest": Near(max(gaps), 1),
        "near_chance": str(len([value for value in every if value < 60])),
        "near_chance_below": "60",
        "runs": "100",
        "worst": Near(min(every), 1),
        "rounds": "10",
    }


PAIRS = (125, 250, 500, 1000, 2000, 4000, 8000)


def from_pairs(name: str, number: int) -> list[float]:
    if number == 1000:
        return percent("claims", name, THREE)
    return percent("train_pairs", name, THREE, data={"nb_train_pairs": number})


def of_train_pairs() -> dict[str, Any]:
    lines = []
    for number in PAIRS:
        names = (*BASE, *EXPLORATION) if number <= 1000 else BASE
        pairs = (("WSModel", "SimpleModel"), ("AuxModel", "WSModel"))
        lines.append(
            {
                "pairs": f"{number:,}",
                "accuracies": {name: Near(mean(from_pairs(name, number)), 1) for name in names},
                "differences": [effect(*(from_pairs(name, number) for name in pair)) for pair in pairs],
            }
        )
    ends = {"fewest": "125", "most": "8,000"}
    ends |= {"AuxModel1_from_fewest": Near(mean(from_pairs("AuxModel1", 125)), 1)}
    ends |= {"AuxModel_from_most": Near(mean(from_pairs("AuxModel", 8000)), 1)}
    return {"lines": lines, "rounds": "3", **ends}


def of_more_rounds() -> dict[str, Any]:
    found = {}
    for name, base in (("WSModel1", "WSModel"), ("AuxModel1", "AuxModel")):
        every = plain("claims", name, THIRTY) + plain("more_rounds", name, range(30, 35))
        values = accuracies_of(every)
        gain = effect(percent("claims", name, THIRTY), percent("claims", base, THIRTY))
        found[name] = {
            **mean_of(values),
            "n": "35",
            "worst": Near(min(values), 1),
            "digits": digits(every),
            "gain": gain,
        }
    return found


KEYWORDS = {
    "last layer without weights": "joint",
    "batch normalisation": "batch_norm",
    "mini-batches of 50": "mini_batch_size",
    "one cycle of learning rate and momentum": "one_cycle",
    "two distorted views": "two_views",
    "consistency of the views": "consistency",
    "averaged weights": "averaging",
    "balanced digits": "balance",
    "auxiliary weight 1": "aux_weight",
    "label smoothing": "label_smoothing",
}
COMMON = {"mini_batch_size": 50, "one_cycle": True, "two_views": True, "averaging": 0.99, "consistency": 1.0}
SETTINGS = {
    "WSModel1": {**COMMON, "balance": 1.0},
    "AuxModel1": {**COMMON, "aux_weight": 1.0, "label_smoothing": 0.1},
}


def ablated(network: str, kept: set[str]) -> list[float]:
    """Return the accuracies with the keywords that are kept."""
    model = {keyword: keyword in kept for keyword in ("joint", "batch_norm")}
    training = {keyword: value for keyword, value in SETTINGS[network].items() if keyword in kept}
    return percent("ablation", network, range(1100, 1104), model=model, training=training, data=VALIDATION)


def of_ablation() -> dict[str, Any]:
    lines: list[dict[str, Any]] = [{"name": name} for name in KEYWORDS]
    largest, accuracies = {}, {}
    for network, settings in SETTINGS.items():
        every = {"joint", "batch_norm", *settings}
        full, none = ablated(network, every), ablated(network, set())
        accuracies[network] = {"all": mean_of(full), "none": mean_of(none)}
        lost_by_name = {}
        for line in lines:
            if (keyword := KEYWORDS[line["name"]]) not in every:
                continue
            gone = {"two_views", "consistency"} if keyword == "two_views" else {keyword}
            alone = {"two_views", "consistency"} if keyword == "consistency" else {keyword}
            without, only = ablated(network, every - gone), ablated(network, alone)
            lost, won = ([a - b for a, b in zip(*both, strict=True)] for both in ((full, without), (only, none)))
            lost_by_name[line["name"]] = mean(lost)
            line[network] = {
                "lost": {**effect(full, without), "half": Near(half_width(lost), 2)},
                "won": {**effect(only, none), "half": Near(half_width(won), 2)},
            }
        largest[network] = max(lost_by_name, key=lambda name: lost_by_name[name])
    return {"lines": lines, "accuracies": accuracies, "largest": largest, "rounds": "1100 to 1103"}


def of_errors() -> dict[str, Any]:
    found: dict[str, Any] = {"rounds": "10"}
    for network in EXPLORATION:
        details = [json.loads(row["details"]) for row in plain("errors", network, TEN)]
        wrong = sum(int(row["wrong"]) for row in plain("claims", network, TEN))
        close = sum(of["wrong"][i][j] for of in details for i in TEN for j in TEN if abs(i - j) < 2)
        told = sum(of["digits"][i][i] for of in details for i in TEN)
        found[network] = {
            "digits": Near(100 * told / 20_000, 1),
            "ordered": "the order of the digits",
            "close": Near(100 * close / wrong, 0),
        }
    return found


ACTIVATIONS = ("none", "relu", "tanh", "sigmoid", "softmax", "log-softmax")
FIRST_STAGE = [
    {"maps": [32, 64], "hidden": 100, "activation": activation, "shuffle": shuffle}
    for activation in ACTIVATIONS
    for shuffle in (True, False)
]


def size_of(maps: list[int], hidden: int) -> int:
    """Count the parameters of WSModel by hand."""
    return 10 * maps[0] + (9 * maps[0] + 1) * maps[1] + (4 * maps[1] + 1) * hidden + 11 * hidden - hidden + 10 + 42


def size_of_simple(maps: list[int], hidden: int) -> int:
    return 19 * maps[0] + (9 * maps[0] + 1) * maps[1] + (4 * maps[1] + 1) * hidden + 2 * hidden + 2


SECOND_STAGE = [
    {"maps": maps, "hidden": hidden, "activation": "relu", "shuffle": True}
    for maps in ([16, 32], [24, 48], [32, 64], [40, 80])
    for hidden in (50, 100, 150)
    if max(size_of(maps, hidden), size_of_simple(maps, hidden)) <= 70_000
]


def tuned(network: str, setting: dict[str, Any]) -> list[float]:
    """Return the accuracies of a setting, a round each, in the first rows of the tuning."""
    model = {name: setting[name] for name in ("maps", "hidden", "activation")}
    model["merge"] = model.pop("activation")
    if network == "SimpleModel":
        del model["merge"]
    settings = json.dumps(
        {"data": VALIDATION, "model": model, "training": {"shuffle": setting["shuffle"]}}, sort_keys=True
    )
    with (RESULTS / "tuning_first.csv").open(newline="", encoding="utf-8") as file:
        found = {
            int(row["round"]): row
            for row in csv.DictReader(file)
            if (row["network"], row["settings"]) == (network, settings)
        }
    return [100 - int(found[r]["wrong"]) / 50 for r in range(1000, 1010)]


ALL_ROUNDS = {
    "claims": "0 to 29",
    "sharing": "0 to 29",
    "last_layer": "0 to 9",
    "aux_weight": "0 to 9",
    "epochs": "1200 to 1209",
    "published": "0 to 9",
    "ablation": "1100 to 1103",
    "errors": "0 to 9",
    "train_pairs": "0 to 2",
    "more_rounds": "30 to 34",
}
NEW_RUNS = {"claims": 150, "sharing": 60, "last_layer": 60, "aux_weight": 60, "epochs": 180, "published": 100}
NEW_RUNS |= {"ablation": 152, "errors": 20, "train_pairs": 72, "more_rounds": 10}


def of_cost() -> dict[str, Any]:
    def seconds(found: list[Row]) -> float:
        return median(float(row["seconds"]) for row in found)

    def of_pairs(name: str, number: int) -> float:
        return seconds(plain("train_pairs", name, THREE, data={"nb_train_pairs": number}))

    def of_epochs(name: str, number: int) -> float:
        return seconds(plain("epochs", name, range(1200, 1210), training={"nb_epochs": number}, data=VALIDATION))

    measured = json.loads((RESULTS / "benchmark.json").read_text(encoding="utf-8"))
    whole = measured["whole job"]
    every = list(rows().values())
    total = sum(float(row["seconds"]) for row in every if row["seconds"])
    experiments = []
    for name, found_rounds in ALL_ROUNDS.items():
        own = [row for row in every if row["experiment"] == name]
        minutes = sum(float(row["seconds"]) for row in own if row["seconds"]) / 60
        processors = ", ".join(sorted({row["cpu"] for row in own}))
        experiments.append(
            {
                "name": name,
                "rounds": found_rounds,
                "runs": str(NEW_RUNS[name]),
                "minutes": Near(minutes, 0),
                "processors": processors,
            }
        )
    return {
        "seconds": {name: Near(of_epochs(name, 50), 1) for name in BASE},
        "alone": {name: Near(measured["a run on one core"][name], 1) for name in EXPLORATION},
        "pairs": {name: Near(of_pairs(name, 8000) / of_pairs(name, 2000), 1) for name in BASE},
        "epochs": {name: Near(of_epochs(name, 100) / of_epochs(name, 50), 1) for name in BASE},
        "most": "8,000",
        "fewer": "2,000",
        "times_pairs": "4",
        "times_epochs": "2",
        "runs": "864",
        "hours": Near(total / 3600, 1),
        "experiments": experiments,
        "benchmark": measured,
        "speed": {
            "machine": measured["machine"],
            **{name: Near(whole[name], 1) for name in ("ours", "without_limit", "baseline", "ratio")},
        },
    }


EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    "claims": of_claims,
    "sharing": of_sharing,
    "last_layer": of_last_layer,
    "aux_weight": of_aux_weight,
    "epochs": of_epochs,
    "published": of_published,
    "train_pairs": of_train_pairs,
    "more_rounds": of_more_rounds,
    "ablation": of_ablation,
    "errors": of_errors,
    "cost": of_cost,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_numbers_are_those_of_the_saved_rows(numbers: dict[str, Any], name: str) -> None:
    expected = EXPECTED[name]()
    assert numbers[name].keys() == expected.keys()
    for key, value in expected.items():
        assert numbers[name][key] == value, key


def test_every_room_with_numbers_is_checked_here(numbers: dict[str, Any]) -> None:
    assert numbers.keys() == EXPECTED.keys()
    assert set(rows()) == {(job.experiment, job.network.name, job.round, job.settings) for job in all_jobs()}


def test_the_base_networks_have_the_settings_that_were_chosen() -> None:
    taken = []
    for settings in (FIRST_STAGE, SECOND_STAGE):
        means = [
            [mean(three) for three in zip(*(tuned(name, each) for name in BASE), strict=True)] for each in settings
        ]
        taken.append(tuning.choose(settings, means))
    assert taken[0] == {"maps": [32, 64], "hidden": 100, "activation": "relu", "shuffle": True}
    for model in (SimpleModel, WSModel):
        defaults = {name: parameter.default for name, parameter in inspect.signature(model).parameters.items()}
        assert (list(defaults["maps"]), defaults["hidden"]) == (taken[1]["maps"], taken[1]["hidden"])
    assert defaults["activation"] == taken[1]["activation"]
    assert inspect.signature(train).parameters["shuffle"].default == taken[1]["shuffle"]
    assert [tuning.FIRST, tuning.SIZES] == [FIRST_STAGE, SECOND_STAGE]


class FirstRows(Saved):
    """The tuning's frozen first rows, as those of its runs."""

    def __init__(self) -> None:
        self.by_key = {
            tuning.run(network, setting, r).key: {"wrong": str(round(50 * (100 - value))), "total": "5000", "error": ""}
            for setting in (*tuning.FIRST, *tuning.SIZES)
            for network in networks.BASE
            for r, value in zip(tuning.ROUNDS, tuned(network.name, setting), strict=True)
        }


def test_the_numbers_of_the_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = tuning.numbers(FirstRows())
    assert (found["most_parameters"], found["rounds"]) == ("70,000", "1000 to 1009")
    for stage, settings in zip(found["stages"], (FIRST_STAGE, SECOND_STAGE), strict=True):
        for line, setting in zip(stage["lines"], settings, strict=True):
            by_network = {name: tuned(name, setting) for name in BASE}
            assert line == {
                "maps": f"{setting['maps'][0]} and {setting['maps'][1]}",
                "hidden": str(setting["hidden"]),
                "activation": setting["activation"],
                "shuffle": str(setting["shuffle"]),
                **{name: Near(mean(values), 2) for name, values in by_network.items()},
                "mean": Near(mean(map(mean, by_network.values())), 2),
                "chosen": setting == stage["taken"],
            }
    monkeypatch.setattr(tuning, "choose", lambda settings, _: settings[0])
    with pytest.raises(UserError, match=r"tuning\.csv: the first stage chooses .*none.*, and the second was run with"):
        tuning.numbers(FirstRows())


def test_the_choice_by_hand() -> None:
    """Fewest parameters within one standard error of the best, and of those the best."""
    settings = [{"maps": [32, 64], "hidden": hidden} for hidden in (150, 100, 100, 50)]
    # means 90, 89.7, 89.9, 89; the best one's standard error is sqrt(2.5 / 3) / sqrt(4) = 0.456
    means = [[89.5, 90.5, 89, 91], [89.7] * 4, [89.9] * 4, [89] * 4]
    assert tuning.choose(settings, means) is settings[2]
    assert tuning.choose(settings, [means[0], [89.6] * 4, [89.6] * 4, [89.55] * 4]) is settings[3]
    assert tuning.choose(settings, [means[0], [89.54] * 4, [89.5] * 4, [89.53] * 4]) is settings[0]


class Changed(Saved):
    """The saved rows, but for values of some."""

    def __init__(self, saved: Saved, *changes: tuple[Job, Row]) -> None:
        new = {job.key: {**saved.by_key[job.key], **values} for job, values in changes}
        self.by_key = {**saved.by_key, **new}


@pytest.mark.parametrize(("spread", "gain"), [(20, "a gain"), (200, "no clear gain")])
def test_a_gain_is_one_that_the_interval_shows(saved: Saved, spread: int, gain: str) -> None:
    """One point on average, with two or with twenty points more or less in each round."""
    changes = [
        (sharing.run(networks.UNTIED, r), {"wrong": str(int(row["wrong"]) - 10 + spread * (-1) ** r)})
        for r, row in enumerate(plain("claims", "SimpleModel", THIRTY))
    ]
    found = sharing.numbers(Changed(saved, *changes))
    assert (found["splitting"]["mean"], found["gain"]) == ("+1.00", gain)


def test_runs_that_did_not_converge_are_counted(saved: Saved) -> None:
    settled = [(sharing.run(networks.UNTIED, r), {"train_wrong": "0"}) for r in THIRTY]
    some = [
        (sharing.run(networks.UNTIED, r), {"train_wrong": number}) for r, number in ((3, "50"), (4, "51"), (5, "400"))
    ]
    assert sharing.numbers(Changed(saved, *settled, *some))["unsettled"]["UntiedModel"] == "2"


def test_a_run_that_diverged_is_told_and_leaves_no_difference(saved: Saved) -> None:
    lost = (aux_weight.run(2, 3), {"error": "it diverged", "wrong": "", "digits_wrong": ""})
    kept = [(aux_weight.run(2, r), {"error": "", "wrong": "200"}) for r in TEN if r != 3]
    changed = Changed(saved, lost, *kept[:-1], (kept[-1][0], {"error": "", "wrong": "110"}))
    (line,) = (line for line in aux_weight.numbers(changed)["lines"] if line["weight"] == "2")
    assert (line["accuracy"]["mean"], line["difference"], line["diverged"]) == ("81.00", None, "1")
    _, axes = figure_of(1, 1, 2)
    aux_weight.panel(axes, changed)
    assert "1 of 10\ndiverged" in [text.get_text() for text in axes.texts]


def test_runs_near_chance_are_counted(saved: Saved) -> None:
    every = [(job, {"wrong": str(100 + (-1) ** job.round)}) for job in jobs_of(published)]
    some = [(job, {"wrong": wrong}) for (job, _), wrong in zip(every, ("400", "401", "450"), strict=False)]
    found = published.numbers(Changed(saved, *every, *some))
    assert (found["near_chance"], found["worst"], found["runs"]) == ("2", "55.0", "100")
    # 78.2, where the published code gave 88.9 for AuxModel1; 90.0, where it gave 80.2 for SimpleModel
    worse = [(job, {"wrong": str(218 + (-1) ** job.round)}) for job, _ in every]
    below = published.numbers(Changed(saved, *worse))
    above = published.numbers(Changed(saved, *every))
    assert (below["farthest"], above["farthest"]) == ("10.7", "9.8")


def test_the_errors_are_of_the_runs_of_the_claims(saved: Saved) -> None:
    for job in (errors.run(AUX1, 3), claims.run(AUX1, 3)):
        for values in ({"wrong": "999"}, {"last_loss": "0.5"}):
            with pytest.raises(
                UserError, match=r"errors\.csv: AuxModel1 in round 3 is another run than in claims\.csv"
            ):
                errors.numbers(Changed(saved, (job, values)))


def test_scores_in_another_order_than_that_of_the_digits(saved: Saved) -> None:
    """Of one round the digits 3 and 4 are read as each other, so often that over all rounds, too, they are."""
    details = json.loads(saved.by_key[errors.run(AUX1, 0).key]["details"])
    told = details["digits"]
    told[3][4], told[4][3] = 10**6, 10**6
    found = errors.numbers(Changed(saved, (errors.run(AUX1, 0), {"details": json.dumps(details)})))["AuxModel1"]
    assert found["ordered"] == "not the order of the digits"
    assert float(found["digits"]) > 99


def test_the_best_order_is_a_permutation() -> None:
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    table = torch.ones(10, 10, dtype=torch.int64)
    for digit, score in enumerate(order):
        table[digit, score] = 50
    assert errors.best_order(table.numpy()) == order


# ---------------------------------------------------------------------------------------------------------------------
# The pictures


def dots(axes: Axes) -> list[list[float]]:
    """Return the heights of each set of dots, sorted."""
    return [sorted(found.get_offsets()[:, 1]) for found in axes.collections if isinstance(found, PathCollection)]


def intervals(axes: Axes) -> list[tuple[float, float, float]]:
    """Return the middle, the low and the high end of each interval that is drawn."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        ((_, low), (_, high)) = container[2][0].get_segments()[0]
        found.append((container[0].get_ydata()[0], low, high))
    return found


def interval(values: list[float]) -> Any:
    return pytest.approx((mean(values), mean(values) - half_width(values), mean(values) + half_width(values)))


def sharing_dots() -> list[list[float]]:
    simple, tied, tied_aux = (percent("claims", name, THIRTY) for name in BASE)
    untied, untied_aux = (percent("sharing", name, THIRTY) for name in ("UntiedModel", "UntiedAuxModel"))
    return [simple, untied, tied, untied_aux, tied_aux]


def weight_dots() -> list[list[float]]:
    return [accuracies_of([row for row in rows_of_weight(weight) if not row["error"]]) for weight in WEIGHTS]


def pairs_dots() -> list[list[float]]:
    return [from_pairs(name, n) for name in (*BASE, *EXPLORATION) for n in (PAIRS if name in BASE else PAIRS[:4])]


PANELS: dict[str, tuple[Callable[[Axes, Saved], None], Callable[[], list[list[float]]], bool]] = {
    "sharing": (sharing.panel, sharing_dots, True),
    "last_layer": (
        last_layer.panel,
        lambda: [accuracies_of(found) for both in rows_by_last_layer().values() for found in both],
        True,
    ),
    "published": (
        published.panel,
        lambda: [published_way(name, number) for name in PARAMETERS for number in (25, 50)],
        True,
    ),
    "aux_weight": (aux_weight.panel, weight_dots, False),
    "train_pairs": (train_pairs.panel, pairs_dots, False),
    "epochs": (epochs.panel, lambda: [after_epochs(name, n) for name in BASE for n in (3, 6, 12, 25, 50, 100)], False),
}


@pytest.mark.parametrize("name", PANELS)
def test_every_round_is_in_the_panel(saved: Saved, name: str) -> None:
    draw, expected, with_intervals = PANELS[name]
    _, axes = figure_of(1, 1, 2)
    draw(axes, saved)
    assert dots(axes) == [pytest.approx(sorted(values)) for values in expected()]
    if with_intervals:
        assert intervals(axes) == [interval(values) for values in expected()]
    else:
        middles = [height for line in axes.lines for height in line.get_ydata()]
        assert middles == pytest.approx([mean(values) for values in expected()])
    if name == "published":
        facts = [list(line.get_ydata()) for line in axes.lines if line.get_color() == "#cc0000"]
        texts = [FACTS[number][network] for network in PARAMETERS for number in (25, 50) if network in FACTS[number]]
        assert facts == [[float(text.split(" to ")[0]), float(text.split(" to ")[-1])] for text in texts]
    if name == "aux_weight":
        lost = [10 - len(values) for values in expected() if len(values) < 10]
        assert [text.get_text() for text in axes.texts] == [f"{number} of 10\ndiverged" for number in lost]


def test_every_round_is_in_the_figure_of_the_claims(saved: Saved) -> None:
    accuracies = [percent("claims", name, THIRTY) for name in BASE]
    left, right = claims.picture(saved).axes
    assert dots(left) == [pytest.approx(sorted(values)) for values in accuracies]
    assert intervals(left) == [interval(values) for values in accuracies]
    joined = [list(line.get_ydata()) for line in left.lines if line.get_color() == "#bbbbbb"]
    assert joined == [pytest.approx(three) for three in zip(*accuracies, strict=True)]
    differences = [[a - b for a, b in zip(*pair, strict=True)] for pair in (accuracies[1::-1], accuracies[:0:-1])]
    assert dots(right) == [pytest.approx(sorted(values), abs=1e-9) for values in differences]
    assert intervals(right) == [interval(values) for values in differences]


def test_the_tables_of_the_errors(saved: Saved) -> None:
    for network, *both in zip(
        EXPLORATION, errors.digits_picture(saved).axes, errors.wrong_picture(saved).axes, strict=True
    ):
        details = [json.loads(row["details"]) for row in plain("errors", network, TEN)]
        told, wrong = (
            [[sum(of[name][i][j] for of in details) for j in TEN] for i in TEN] for name in ("digits", "wrong")
        )
        texts = [[text.get_text() for text in axes.texts] for axes in both]
        shares = [100 * told[i][j] / sum(told[i]) for i in TEN for j in TEN]
        assert texts[0] == [Near(share, 1) if share else "" for share in shares]
        assert texts[1] == [str(wrong[i][j] or "") for i in TEN for j in TEN]
        right = sum(told[i][i] for i in TEN) / 200
        assert both[0].get_title() in [
            f"{network}: {right + step:.1f} % of digits on the diagonal" for step in (0, 1e-9)
        ]
        assert both[1].get_title() == f"{network}: {sum(map(sum, wrong))} of 10,000 pairs wrong"


def test_the_worst_pairs(saved: Saved) -> None:
    axes = errors.worst_picture(saved).axes
    for line, network in enumerate(EXPLORATION):
        worst = json.loads(plain("errors", network, [0])[0]["details"])["worst"]
        assert [axes[10 * line + n].get_title() for n in range(len(worst))] == [
            f"{first}, {second}\nsaid {'>' if first <= second else '≤'}: {100 * probability:.0f} %"
            for _, first, second, probability in worst
        ]


def test_the_first_pairs_of_round_0() -> None:
    data = load_round(0)
    found = diagrams.task_picture(SimpleNamespace()).axes
    for axes, (first, second), pair in zip(found, data.train_classes.tolist(), data.train_input, strict=False):
        assert axes.get_title() == f"{first} {'≤' if first <= second else '>'} {second}: class {int(first <= second)}"
        drawn = torch.tensor(axes.images[0].get_array())
        assert torch.equal(drawn[:, :SIDE], pair[0])
        assert torch.equal(drawn[:, -SIDE:], pair[1])
    assert len(found) == 8


def test_the_networks_in_the_figure_have_their_sizes() -> None:
    """Against a calculation by hand."""
    first, second, hidden, last = diagrams.blocks(WSModel().branch, 1)
    assert first.splitlines() == ["conv 3×3", "max-pool 2×2", "ReLU", "32×6×6", f"({32 * 9 + 32})"]
    assert second.splitlines()[-2:] == ["64×2×2", f"({64 * 32 * 9 + 64:,})"]
    assert hidden.splitlines() == ["linear", "ReLU", "150", f"({256 * 150 + 150:,})"]
    assert last.splitlines() == ["linear", "10", f"({150 * 10 + 10:,})"]
    texts = [text.get_text() for text in diagrams.networks_picture(SimpleNamespace()).axes[0].texts]
    titles = [f"{name}, {number} parameters" for name, number in zip(BASE, ("57,956", "58,918", "58,918"), strict=True)]
    assert [text for text in texts if text.endswith(" parameters")] == titles
    assert texts.count("join 20\nReLU\nlinear\n2\n(42)") == 2
    assert sum(text.startswith("+ 0.5 × (cross-entropy") for text in texts) == 1


# ---------------------------------------------------------------------------------------------------------------------
# The experiments and the networks


def test_the_experiments_are_those_that_the_report_is_about() -> None:
    by_name: dict[str, list[Job]] = {}
    for job in all_jobs():
        by_name.setdefault(job.experiment, []).append(job)
    assert {name: len(jobs) for name, jobs in by_name.items()} == NEW_RUNS
    found = {
        name: f"{min(job.round for job in own)} to {max(job.round for job in own)}" for name, own in by_name.items()
    }
    assert found == ALL_ROUNDS
    assert [name_of(room) for room in EXPERIMENTS] == list(ALL_ROUNDS)
    assert [job.round for job in jobs_of(epochs, 2)] == [1200] * 18 + [1201] * 18
    assert len(jobs_of(claims)) == 150


def test_no_choice_is_made_in_the_rounds_of_the_study() -> None:
    for job in all_jobs():
        assert bool(job.data.get("validation")) == (job.round >= 1000)
        assert job.round >= 1000 or job.experiment not in ("tuning", "ablation", "epochs")
    with (RESULTS / "exploration.csv").open(newline="", encoding="utf-8") as file:
        assert min(int(row["round"]) for row in csv.DictReader(file)) >= 1000


def test_published_networks_have_the_published_sizes() -> None:
    sizes = [f"{nb_parameters(network.make()):,}" for network in PUBLISHED]
    assert sizes == list(PARAMETERS.values())
    assert [published.name_of(network) for network in PUBLISHED] == list(PARAMETERS)
    assert nb_parameters(networks.NotebookWSModel()) == 178_208
    assert nb_parameters(networks.PublishedWSModel(maps=(32, 64))) == (
        (9 + 1) * 32 + (32 * 9 + 1) * 64 + (512 + 1) * 100 + (100 + 1) * 10 + (10 + 1) * 2
    )


def test_published_networks_by_hand() -> None:
    """One pass for each digit gives what the batch of both gives; the digits' scores are never below 0."""
    pairs = torch.randn(5, 2, SIDE, SIDE)
    for make in (networks.PublishedWSModel, networks.PublishedWSModel1, networks.NotebookWSModel):
        model: Any = make()
        features = [model.features(pairs[:, digit : digit + 1]) for digit in (0, 1)]
        assert torch.allclose(model(pairs), model.final(torch.cat(features, 1)), atol=1e-6)
    for make, units in ((networks.PublishedAuxModel, [100, 40, 10]), (networks.PublishedAuxModel1, [100, 10])):
        for plain_scores in (False, True):
            model = make(plain_scores=plain_scores)
            layers = [layer for layer in model.branch.modules() if isinstance(layer, nn.Linear)]
            assert [layer.out_features for layer in layers] == units
            scores = torch.stack([model.branch(pairs[:, digit : digit + 1]) for digit in (0, 1)], 1)
            assert torch.allclose(model.digit_scores(pairs), scores, atol=1e-6)
            assert torch.allclose(model(pairs), model.final(scores.clamp_min(0).flatten(1)), atol=1e-6)
            assert (model.digit_scores(pairs).min() == 0) != plain_scores
            assert (model.digit_scores(pairs).min() < 0) == plain_scores
            assert torch.equal(model.compare(scores), model.final(scores.clamp_min(0).flatten(1)))


def test_the_layers_of_the_published_networks() -> None:
    """Pooling before ReLU, two convolutions, and ReLU between linear layers but not after the last."""
    features = ["Conv2d", "MaxPool2d", "ReLU", "Conv2d", "MaxPool2d", "ReLU", "Flatten"]
    for make, last in ((networks.PublishedSimpleModel, 2), (networks.PublishedWSModel, 3)):
        leaves = [type(layer).__name__ for layer in make().modules() if not list(layer.children())]
        assert leaves == features + ["Linear", "ReLU"] * (last - 1) + ["Linear"]


def test_untied_branches_share_no_weight() -> None:
    torch.manual_seed(0)
    untied = networks.UntiedModel()
    torch.manual_seed(0)
    tied = WSModel()
    for name, weights in tied.state_dict().items():  # the same initial weights
        assert torch.equal(weights, untied.state_dict()[name])
    assert nb_parameters(untied) == 2 * nb_parameters(tied.branch) + nb_parameters(tied.final)
    pairs = torch.randn(3, 2, SIDE, SIDE)
    assert torch.allclose(untied.digit_scores(pairs)[:, 0], tied.digit_scores(pairs)[:, 0], atol=1e-6)
    assert not torch.allclose(untied.digit_scores(pairs)[:, 1], tied.digit_scores(pairs)[:, 1])
    untied.digit_scores(pairs)[:, 1].sum().backward()
    assert not untied.branch[0].weight.grad.any()
    assert untied.second_branch[0].weight.grad.abs().sum() > 0
    untied.second_branch.load_state_dict(untied.branch.state_dict())
    assert torch.allclose(untied(pairs), tied(pairs), atol=1e-6)
    with pytest.raises(ValueError, match="expected pairs of shape"):
        untied(pairs[:, :1])
    assert nb_parameters(networks.UntiedModel(hidden=75)) == 2 * (size_of([32, 64], 75) - 42) + 42


def test_the_joint_model_by_hand() -> None:
    """A double loop over the digits' probabilities."""
    model, pairs = networks.JointModel(), torch.randn(2, 2, SIDE, SIDE)
    for scores, compared in zip(model.digit_scores(pairs), model(pairs), strict=True):
        first, second = scores.softmax(-1).tolist()
        lesser = sum(first[i] * second[j] for i, j in itertools.product(TEN, TEN) if i <= j)
        assert compared.exp().tolist() == pytest.approx([1 - lesser, lesser], rel=1e-4)
    assert [layer for layer in model.branch if isinstance(layer, nn.BatchNorm2d)] == []


def test_the_full_ablation_is_the_exploration_class_and_the_empty_one_its_base() -> None:
    torch.manual_seed(0)
    full = networks.AblatedModel()
    torch.manual_seed(0)
    genuine = WSModel1()
    pairs = torch.randn(4, 2, SIDE, SIDE)
    assert torch.equal(full(pairs), genuine(pairs))
    none = networks.AblatedModel(joint=False, batch_norm=False)
    base = WSModel()
    assert [type(layer) for layer in none.branch] == [type(layer) for layer in base.branch]
    assert type(none.activation) is type(base.activation)
    assert nb_parameters(none) == nb_parameters(base)
    none.load_state_dict(base.state_dict())
    assert torch.equal(none(pairs), base(pairs))
    only_norm = networks.AblatedModel(joint=False)
    assert sum(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in only_norm.branch) == 3
    for network, settings in SETTINGS.items():
        (make,) = {each.make for each in MAIN if each.name == network}
        (found,) = (each for each in ablation.EXPLORATION if each.name == network)
        every = ablation.run(found, ablation.variants(found)["all"], 1100)
        assert every.training == make.settings == settings
        assert every.model == {"joint": True, "batch_norm": True}
        assert ablation.run(found, [], 1100).training == {}


class Table(nn.Module):
    """A network whose scores, in evaluation mode, are read from tables: a pair holds its own number."""

    def __init__(self, digit_scores: Tensor, scores: Tensor) -> None:
        super().__init__()
        self.of_digits, self.of_pairs = digit_scores, scores

    def digit_scores(self, pairs: Tensor) -> Tensor:
        assert not self.training
        return self.of_digits[pairs[:, 0, 0, 0].long()]

    def forward(self, pairs: Tensor) -> Tensor:
        assert not self.training
        return self.of_pairs[pairs[:, 0, 0, 0].long()]


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_of_digit_scores_against_a_loop(seed: int) -> None:
    generator, number = torch.Generator().manual_seed(seed), 1200  # more than one batch
    classes = torch.randint(10, (number, 2), generator=generator)
    digit_scores = torch.randn(number, 2, 10, generator=generator)
    digit_scores += 2.5 * nn.functional.one_hot(classes, 10)
    digit_scores[..., [3, 7]] = -1.0  # dead
    own = torch.randn(number, 2, generator=generator)
    target = (classes[:, 0] <= classes[:, 1]).long()
    pairs = torch.arange(number).float().view(-1, 1, 1, 1).expand(-1, 2, SIDE, SIDE)
    data = helpers.Round(0, pairs, target, classes, pairs, target, classes)
    expected = {"digits_wrong": 0, "highest_wrong": 0, "joint_wrong": 0, "head_wrong": 0, "dead_scores": 2}
    for n in range(number):
        read = [max(TEN, key=lambda score: digit_scores[n, place, score].item()) for place in (0, 1)]
        first, second = (digit_scores[n, place].double().softmax(0).tolist() for place in (0, 1))
        lesser = sum(first[i] * second[j] for i in TEN for j in range(i, 10))
        right = classes[n].tolist()
        answer = int(right[0] <= right[1])
        expected["digits_wrong"] += (read[0] != right[0]) + (read[1] != right[1])
        expected["highest_wrong"] += int(read[0] <= read[1]) != answer
        expected["joint_wrong"] += int(lesser > 0.5) != answer
        expected["head_wrong"] += read == right and int(own[n, 1] > own[n, 0]) != answer
    assert running.digit_counts(Table(digit_scores, own).train(), data) == expected
    assert torch.equal(running.predictions(Table(digit_scores, own).train(), pairs), own.argmax(1))
    assert min(expected.values()) > 0


# ---------------------------------------------------------------------------------------------------------------------
# The benchmark


def test_the_baseline_computes_what_the_published_networks_do() -> None:
    pairs = torch.randn(5, 2, SIDE, SIDE)
    for network in PUBLISHED:
        model = network.make()
        comparison, *of_digits = benchmark.outputs(model, pairs)
        assert torch.allclose(comparison, model(pairs), atol=1e-6)
        assert len(of_digits) == 2 * network.labelled
        for place, scores in enumerate(of_digits):
            assert torch.allclose(scores, model.digit_scores(pairs)[:, place], atol=1e-6)


@pytest.mark.parametrize("network", PUBLISHED, ids=lambda network: network.name)
def test_the_baseline_trains_as_the_published_way_does(network: networks.Network) -> None:
    data = load_round(0, nb_train_pairs=250, nb_test_pairs=150)
    torch.manual_seed(0)
    model, ours = network.make(), network.make()
    ours.load_state_dict(model.state_dict())
    accuracy = benchmark.train_baseline(SimpleNamespace(make=lambda: model), data, 2)
    classes = [data.train_classes] if network.labelled else []
    network.train(ours, data.train_input, data.train_target, *classes, nb_epochs=2, shuffle=False)
    for name, weights in ours.state_dict().items():
        assert torch.allclose(model.state_dict()[name], weights, atol=1e-4), name
    assert accuracy == pytest.approx(100 - 100 * helpers.nb_wrong(model, data.test_input, data.test_target) / 150)


def test_runs_that_are_compared_are_made_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of each the median counts: of 1, 9 and 3 seconds 3, of 20, 10 and 90 seconds 20."""
    seconds, now, called = {"a": iter((1, 9, 3)), "b": iter((20, 10, 90))}, [0.0], []

    def run(name: str) -> None:
        called.append(name)
        now[0] += next(seconds[name])

    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: now[0])
    assert benchmark.alternate(3, lambda: run("a"), lambda: run("b")) == [3, 20]
    assert "".join(called) == "ababab"


# ---------------------------------------------------------------------------------------------------------------------
# The order of the house

LAYERS = ("helpers", "models", "common", "experiments", "command")
COMMANDS = ("study", "build", "verify", "benchmark")


def name_of_module(file: Any) -> str:
    """Return the name by which a file is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "report" else parts)


def layer_of(module: str) -> int:
    first = module.partition(".")[0]
    return LAYERS.index("command" if first in COMMANDS else first)


def imports_of(file: Any) -> set[str]:
    """Return the modules of the project that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = {name_of_module(file) for file in FILES}
    return {name for name in found if name in known}


FILES = [ROOT / "helpers.py", *sorted((ROOT / "models").glob("*.py")), *sorted((ROOT / "report").rglob("*.py"))]


def test_imports_run_one_way() -> None:
    graph = {name_of_module(file): imports_of(file) for file in FILES}
    assert {"helpers", "common.rows"} <= graph["experiments.claims"] | graph["build"]
    for module, imported in graph.items():
        for other in imported:
            assert layer_of(other) <= layer_of(module), f"{module} imports {other}"
            assert other.partition(".")[0] not in COMMANDS, f"{module} imports {other}"
    graphlib.TopologicalSorter(graph).prepare()  # CycleError if there is one


def test_no_file_of_the_report_is_long() -> None:
    for file in (ROOT / "report").rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 260, file


def test_every_room_is_in_the_catalogue() -> None:
    files = {file.stem for file in (ROOT / "report" / "experiments").glob("*.py")} - {"__init__", "catalogue"}
    assert {name_of(room) for room in (*catalogue.ROOMS, *catalogue.PENDING)} == files
    assert {name_of(room) for room in (*catalogue.ROOMS, *catalogue.PENDING) if hasattr(room, "runs")} == {
        name_of(room) for room in (*EXPERIMENTS, *catalogue.PENDING)
    }
    for room in catalogue.ROOMS:
        assert re.fullmatch(r"[A-Z][^?]*\?", catalogue.question_of(room)), room
        assert hasattr(room, "numbers") or hasattr(room, "PICTURES")


def test_every_picture_is_in_the_report_and_every_room_of_the_saved_files() -> None:
    text = (ROOT / "report" / "report.typ").read_text(encoding="utf-8")
    assert set(re.findall(r'#picture\("(\w+)"', text)) == set(catalogue.PICTURES)
    drawn = {file.stem for file in (ROOT / "report" / "figures").glob("*.svg")}
    assert drawn == set(catalogue.PICTURES)
    saved_files = {file.stem for file in RESULTS.glob("*.csv")} - {"exploration", "tuning_first"}
    assert saved_files == set(ALL_ROUNDS)
