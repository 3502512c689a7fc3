"""The differences between the exploration classes and their base classes, each taken away, on validation pairs."""

from typing import Any

from common.evidence import Numbers, compare, interval_of, range_of, span
from common.networks import ABLATED_AUX1, ABLATED_WS1, EXPLORATION, SIMPLE, SIMPLE_ON_VIEWS, WS1, Network
from common.results import Results
from common.rows import VALIDATION, Variant, digit_accuracy

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
NEEDS = {"two distorted views": "consistency of the views"}  # which goes with them


def differences(network: Network) -> list[str]:
    """Return the differences of an exploration class from its base class."""
    return [*OF_NETWORK, *(name for name, setting in OF_TRAINING.items() if setting in network.training)]


def training_of(network: Network, kept: list[str]) -> dict[str, Any]:
    """Return the settings of an exploration class's training that the differences kept are."""
    return {OF_TRAINING[name]: network.training[OF_TRAINING[name]] for name in kept if name in OF_TRAINING}


def ablated(network: Network, kept: list[str]) -> Variant:
    """Return an exploration class with the differences that are kept."""
    of_network = {keyword: difference in kept for difference, keyword in OF_NETWORK.items()}
    return Variant(ABLATED[network], {**of_network, **training_of(network, kept), **VALIDATION}, ROUNDS)


VARIANTS: dict[tuple[str, str], Variant] = {}
for net in EXPLORATION:
    names = differences(net)
    VARIANTS |= {(net.name, "all"): ablated(net, names), (net.name, "none"): ablated(net, [])}
    for taken in names:
        VARIANTS[net.name, taken] = ablated(net, [name for name in names if name not in (taken, NEEDS.get(taken))])
VARIANTS["WSModel1", "training"] = ablated(WS1, FOR_ALL)
VARIANTS["SimpleModel", "none"] = Variant(SIMPLE, VALIDATION, ROUNDS)
# as WSModel1 is trained, as far as a plain network can be
VARIANTS["SimpleModel", "training"] = Variant(SIMPLE_ON_VIEWS, {**training_of(WS1, FOR_ALL), **VALIDATION}, ROUNDS)


def numbers(results: Results) -> dict[str, Any]:
    """Return what taking each difference away costs, and what of all of them is the training's."""

    def effect(network: Network, more: str, less: str) -> Numbers:
        return interval_of(compare(results, VARIANTS[network.name, more], VARIANTS[network.name, less]))

    def digits(network: Network, variant: str) -> list[float]:
        return [digit_accuracy([row]) for row in results.rows(VARIANTS[network.name, variant])]

    lines: list[dict[str, Any]] = []
    for name in dict.fromkeys(name for network in EXPLORATION for name in differences(network)):
        line: dict[str, Any] = {"name": name}
        for network in EXPLORATION:
            if name in differences(network):
                read = digits(network, name)
                more = {**range_of(read), "above_90": sum(value > 90 for value in read)}
                line[network.name] = {"lost": effect(network, "all", name), "digits": more}
        lines.append(line)
    trained, plain_trained = VARIANTS["WSModel1", "training"], VARIANTS["SimpleModel", "training"]
    return {
        "lines": lines,
        "digits": {network.name: range_of(digits(network, "all")) for network in EXPLORATION},
        "together": {network.name: effect(network, "all", "none") for network in EXPLORATION},
        "training": {
            "SimpleModel_gain": interval_of(compare(results, plain_trained, VARIANTS["SimpleModel", "none"])),
            "WSModel_gain": interval_of(compare(results, trained, VARIANTS["WSModel1", "none"])),
            "rest": interval_of(compare(results, VARIANTS["WSModel1", "all"], trained)),
        },
        "rounds": span(ROUNDS),
        "n": len(ROUNDS),
    }
