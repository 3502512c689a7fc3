"""What does each difference between an exploration class and its base class do? On validation pairs.

Each difference is taken away from the exploration class, and is added alone to the base class.
"""

from typing import Any

from common.evidence import Texts, compare, mean_texts, range_texts, require, span
from common.networks import ABLATED_AUX1, ABLATED_WS1, EXPLORATION, SIMPLE, WS1, Network
from common.rows import Job, digit_accuracy
from common.saved import Saved

ROUNDS = range(1100, 1110)  # not those in which the settings were chosen
DATA = {"validation": True, "nb_test_pairs": 5000}
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


def settings_of(network: Network) -> dict[str, Any]:
    """Return the settings in which an exploration class differs from its base class."""
    return vars(network.make)["settings"]


def differences(network: Network) -> list[str]:
    """Return the differences of an exploration class from its base class."""
    return [*OF_NETWORK, *(name for name, setting in OF_TRAINING.items() if setting in settings_of(network))]


def variants(network: Network) -> dict[str, list[str]]:
    """Return each variant's differences: all of them, all but one, one alone, none."""
    every = differences(network)
    found = {"all": every}
    for taken in every:
        gone = {taken, *(difference for difference, needed in NEEDS.items() if needed == taken)}
        found[f"without {taken}"] = [difference for difference in every if difference not in gone]
    for alone in every:
        found[f"only {alone}"] = [difference for difference in every if difference in (alone, NEEDS.get(alone))]
    return {**found, "none": []}


def run(network: Network, kept: list[str], nb_round: int) -> Job:
    """Return the run of one variant, with the differences that are kept."""
    model = {keyword: difference in kept for difference, keyword in OF_NETWORK.items()}
    settings = [OF_TRAINING[difference] for difference in kept if difference in OF_TRAINING]
    training = {setting: settings_of(network)[setting] for setting in settings}
    return Job("ablation", ABLATED[network], nb_round, model, training, DATA)


def plain_run(trained: bool, nb_round: int) -> Job:
    """Return the run of SimpleModel, trained its own way or as WSModel1, as far as a plain network can be."""
    settings = settings_of(WS1)
    training = {setting: settings[setting] for setting in map(OF_TRAINING.__getitem__, FOR_ALL)} if trained else {}
    return Job("ablation", SIMPLE, nb_round, {}, training, DATA)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    every = [run(network, kept, nb_round) for network in EXPLORATION for kept in variants(network).values()]
    every += [run(WS1, FOR_ALL, nb_round)]
    return every + [plain_run(trained, nb_round) for trained in (False, True)]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return what each difference does, taken away or alone, and what of it is the training's."""

    def runs_of(network: Network, variant: str) -> list[Job]:
        return [run(network, variants(network)[variant], r) for r in ROUNDS]

    def effect(network: Network, more: str, less: str) -> Texts:
        found = compare(saved, runs_of(network, more), runs_of(network, less))
        return {**found.texts, "half": f"{found.half_width:.2f}"}

    def digits(network: Network, variant: str) -> Texts:
        return range_texts([digit_accuracy([row]) for row in saved.rows(runs_of(network, variant))])

    lines: list[dict[str, Any]] = []
    for name in dict.fromkeys(name for network in EXPLORATION for name in differences(network)):
        line: dict[str, Any] = {"name": name}
        for network in EXPLORATION:
            if name in differences(network):
                without = f"without {name}"
                line[network.name] = {
                    "lost": effect(network, "all", without),
                    "digits": digits(network, without),
                    "won": effect(network, f"only {name}", "none"),
                }
        lines.append(line)
    ends = {
        network.name: {
            variant: {**mean_texts(saved.accuracies(runs_of(network, variant))), "digits": digits(network, variant)}
            for variant in ("all", "none")
        }
        for network in EXPLORATION
    }
    trained = [run(WS1, FOR_ALL, r) for r in ROUNDS]
    plain, plain_trained = ([plain_run(way, r) for r in ROUNDS] for way in (False, True))
    orders = {}
    for network in EXPLORATION:
        own = {line["name"]: float(line[network.name]["lost"]["mean"]) for line in lines if network.name in line}
        orders[network.name] = sorted(own, key=lambda name: -own[name])[:2]
    largest = ["two distorted views", "last layer without weights"]
    require("WSModel1 loses most without the views, then the last layer", orders["WSModel1"] == largest)
    require("AuxModel1 loses most without the last layer, then the views", orders["AuxModel1"] == largest[::-1])
    by_name = {line["name"]: line["WSModel1"] for line in lines if "WSModel1" in line}
    lost, won = ([float(by_name[name][what]["mean"]) for name in largest] for what in ("lost", "won"))
    require("alone, these two give WSModel1's base class little", max(won) < min(lost) / 4)
    unbalanced = by_name["balanced digits"]
    require("without balance WSModel1's scores are no digits", float(unbalanced["digits"]["high"]) < 75)
    require(
        "without balance it loses less than without views",
        float(unbalanced["lost"]["mean"]) < float(by_name["two distorted views"]["lost"]["mean"]) / 2,
    )
    loose = [digit_accuracy([row]) for row in saved.rows(runs_of(WS1, "without consistency of the views"))]
    nearly = sum(value > 90 for value in loose)
    require(
        "without consistency most rounds find nine of ten digits, some do not", len(loose) / 2 < nearly < len(loose)
    )
    return {
        "lines": lines,
        "ends": ends,
        "by_name": by_name,
        "nearly": str(nearly),
        "of": str(len(loose)),
        "training": {
            "SimpleModel": mean_texts(saved.accuracies(plain_trained)),
            "SimpleModel_gain": compare(saved, plain_trained, plain).texts,
            "WSModel": mean_texts(saved.accuracies(trained)),
            "WSModel_gain": compare(saved, trained, runs_of(WS1, "none")).texts,
            "rest": compare(saved, runs_of(WS1, "all"), trained).texts,
        },
        "rounds": span(ROUNDS),
    }
