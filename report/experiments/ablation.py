"""The differences between the exploration classes and their base classes, on validation pairs.

Each difference is taken away from the exploration class, and is added alone to the base class.
"""

from typing import Any

from common.evidence import Texts, compare, fitted, range_texts, require, span
from common.networks import ABLATED_AUX1, ABLATED_WS1, EXPLORATION, SIMPLE, SIMPLE_ON_VIEWS, WS1, Network
from common.results import Results
from common.rows import VALIDATION, Variant, digit_accuracy

from helpers import NB_EPOCHS

QUESTION = "What does each difference between an exploration class and its base class do?"
ROUNDS = range(1100, 1110)  # not those in which the settings were chosen
ABLATED = dict(zip(EXPLORATION, (ABLATED_WS1, ABLATED_AUX1), strict=True))

# the differences of the network, by the keyword that keeps them, and those of the training, by the setting
OF_NETWORK = {"last layer without weights": "joint", "batch normalisation": "batch_norm"}
OF_TRAINING = {
    "mini-batches of 50": "mini_batch_size",
    "one cycle of learning rate and momentum": "one_cycle",
    "two distorted views": "two_views",
    "consistency of the views": "consistency",
    "averaged weights": "averaging",
    "balanced digits": "balance",
    "auxiliary weight 1": "aux_weight",
    "label smoothing": "label_smoothing",
}
FOR_ALL = ["mini-batches of 50", "one cycle of learning rate and momentum", "two distorted views", "averaged weights"]
NEEDS = {"consistency of the views": "two distorted views"}
LONG = 3 * NB_EPOCHS  # for what alone fits in fewer than half of the runs
NOT_FITTED = {
    "WSModel1": ["last layer without weights", "two distorted views", "consistency of the views"],
    "AuxModel1": ["two distorted views", "consistency of the views", "averaged weights"],
}


def differences(network: Network) -> list[str]:
    """Return the differences of an exploration class from its base class."""
    return [*OF_NETWORK, *(name for name, setting in OF_TRAINING.items() if setting in network.training)]


def variants(network: Network) -> dict[str, list[str]]:
    """Return each variant's differences: all of them, all but one, one alone, none."""
    names = differences(network)
    kept = {"all": names}
    for taken in names:
        gone = {taken, *(difference for difference, needed in NEEDS.items() if needed == taken)}
        kept[f"without {taken}"] = [difference for difference in names if difference not in gone]
    for alone in names:
        kept[f"only {alone}"] = [difference for difference in names if difference in (alone, NEEDS.get(alone))]
    return {**kept, "none": []}


def training_of(network: Network, kept: list[str]) -> dict[str, Any]:
    """Return the settings of an exploration class's training that the differences kept are."""
    return {OF_TRAINING[name]: network.training[OF_TRAINING[name]] for name in kept if name in OF_TRAINING}


def ablated(network: Network, kept: list[str], nb_epochs: int = NB_EPOCHS) -> Variant:
    """Return an exploration class with the differences that are kept."""
    of_network = {keyword: difference in kept for difference, keyword in OF_NETWORK.items()}
    settings = {**of_network, **training_of(network, kept), **VALIDATION, "nb_epochs": nb_epochs}
    return Variant(ABLATED[network], settings, ROUNDS)


VARIANTS = {(net.name, name): ablated(net, kept) for net in EXPLORATION for name, kept in variants(net).items()}
for net in EXPLORATION:
    for name in (*(f"only {name}" for name in NOT_FITTED[net.name]), "none"):
        VARIANTS[net.name, f"{name}, longer"] = ablated(net, variants(net)[name], LONG)
VARIANTS["WSModel1", "training"] = ablated(WS1, FOR_ALL)
VARIANTS["SimpleModel", "none"] = Variant(SIMPLE, VALIDATION, ROUNDS)
# as WSModel1 is trained, as far as a plain network can be
VARIANTS["SimpleModel", "training"] = Variant(SIMPLE_ON_VIEWS, {**training_of(WS1, FOR_ALL), **VALIDATION}, ROUNDS)


def numbers(results: Results) -> dict[str, Any]:
    """Return what each difference does, taken away or alone, and what of it is the training's."""

    def effect(network: Network, more: str, less: str) -> Texts:
        comparison = compare(results, VARIANTS[network.name, more], VARIANTS[network.name, less])
        return {**comparison.texts, "half": f"{comparison.half_width:.2f}"}

    def digits(network: Network, variant: str) -> Texts:
        return range_texts([digit_accuracy([row]) for row in results.rows(VARIANTS[network.name, variant])])

    lines: list[dict[str, Any]] = []
    for name in dict.fromkeys(name for network in EXPLORATION for name in differences(network)):
        line: dict[str, Any] = {"name": name}
        for network in EXPLORATION:
            if name in differences(network):
                without, long = f"without {name}", name in NOT_FITTED[network.name]
                alone, none = (f"{text}, longer" if long else text for text in (f"only {name}", "none"))
                line[network.name] = {
                    "lost": effect(network, "all", without),
                    "digits": digits(network, without),
                    "won": effect(network, alone, none),
                    "fitted": fitted(results.rows(VARIANTS[network.name, alone])),
                    "longer": long,
                }
        lines.append(line)
    for network in EXPLORATION:
        few = [
            name
            for name in differences(network)
            if int(fitted(results.rows(VARIANTS[network.name, f"only {name}"]))) < len(ROUNDS) / 2
        ]
        require(f"in these fewer than half of the runs fit: {network.name}", few == NOT_FITTED[network.name])
    trained, plain_trained = VARIANTS["WSModel1", "training"], VARIANTS["SimpleModel", "training"]
    orders = {}
    for network in EXPLORATION:
        losses = {line["name"]: float(line[network.name]["lost"]["mean"]) for line in lines if network.name in line}
        orders[network.name] = sorted(losses, key=lambda name: -losses[name])[:2]
    largest = ["two distorted views", "last layer without weights"]
    require("WSModel1 loses most without the views, then the last layer", orders["WSModel1"] == largest)
    require("AuxModel1 loses most without the last layer, then the views", orders["AuxModel1"] == largest[::-1])
    by_name = {line["name"]: line["WSModel1"] for line in lines if "WSModel1" in line}
    together = {network.name: effect(network, "all", "none") for network in EXPLORATION}
    best_alone = max(float(line["won"]["mean"]) for line in by_name.values())
    require(
        "no difference alone wins WSModel a third of what all win", best_alone < float(together["WSModel1"]["mean"]) / 3
    )
    unbalanced = by_name["balanced digits"]
    require("without balance WSModel1's scores are no digits", float(unbalanced["digits"]["high"]) < 75)
    require(
        "without balance it loses less than without views",
        float(unbalanced["lost"]["mean"]) < float(by_name["two distorted views"]["lost"]["mean"]) / 2,
    )
    loose = [digit_accuracy([row]) for row in results.rows(VARIANTS["WSModel1", "without consistency of the views"])]
    nearly = sum(value > 90 for value in loose)
    require(
        "without consistency most rounds find nine of ten digits, some do not", len(loose) / 2 < nearly < len(loose)
    )
    return {
        "lines": lines,
        "digits": {network.name: digits(network, "all") for network in EXPLORATION},
        "by_name": by_name,
        "together": together,
        "most_alone": f"{best_alone:+.2f}",
        "nearly": str(nearly),
        "of": str(len(loose)),
        "training": {
            "SimpleModel_gain": compare(results, plain_trained, VARIANTS["SimpleModel", "none"]).texts,
            "WSModel_gain": compare(results, trained, VARIANTS["WSModel1", "none"]).texts,
            "rest": compare(results, VARIANTS["WSModel1", "all"], trained).texts,
        },
        "rounds": span(ROUNDS),
        "n": str(len(ROUNDS)),
        "long": str(LONG),
    }
