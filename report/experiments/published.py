"""The networks of the published script, rebuilt to the last parameter, in our rounds; and what differs from ours.

From two of theirs to ours the way is gone one change after the other.
"""

import itertools
from statistics import mean
from typing import Any

from common.evidence import Comparison, compare, require
from common.networks import AUX, BASE, PUBLISHED, WS, Network
from common.rows import Variant, digit_accuracy
from common.saved import Saved

QUESTION = "What do the published networks give in our rounds, and which difference from them matters?"
ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
PLAIN_STEP, LAYERS = "auxiliary loss on the plain scores", "our fully connected layers"


def published(network: Network, nb_epochs: int) -> Variant:
    """Return a published network, trained the published way."""
    return Variant(network, {"nb_epochs": nb_epochs, "shuffle": False}, ROUNDS)


def steps() -> dict[str, tuple[Variant, Variant]]:
    """Return the two networks after each change; those of the first step are the published ones, of the last ours."""
    ws, aux = PUBLISHED[1], PUBLISHED[3]
    epochs = {"nb_epochs": EPOCHS[0]}
    plain, smaller = {**epochs, "plain_scores": True}, {"maps": [32, 64]}
    settings: dict[str, tuple[Network, dict[str, Any], Network, dict[str, Any]]] = {
        "as published": (ws, {**epochs, "shuffle": False}, aux, {**epochs, "shuffle": False}),
        "mini-batches shuffled": (ws, epochs, aux, epochs),
        PLAIN_STEP: (ws, epochs, aux, plain),
        "32 and 64 maps": (ws, {**epochs, **smaller}, aux, {**plain, **smaller}),
        LAYERS: (WS, epochs, AUX, epochs),
        "50 epochs": (WS, {}, AUX, {}),
    }
    return {name: (Variant(*of[:2], ROUNDS), Variant(*of[2:], ROUNDS)) for name, of in settings.items()}


STEPS = steps()
VARIANTS: dict[Any, Variant] = {(net.name, n): published(net, n) for n in EPOCHS for net in PUBLISHED}
VARIANTS |= {(step, place): variant for step, both in STEPS.items() for place, variant in enumerate(both)}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the accuracies of the three networks, what the steps change, and AuxModel's digit accuracy."""
    changes: list[dict[str, Comparison]] = [{}, {}]  # of WSModel, and of AuxModel
    for (_, before), (name, after) in itertools.pairwise(STEPS.items()):
        for place, change in enumerate(changes):
            if after[place] != before[place]:
                change[name] = compare(saved, after[place], before[place])
    clear = [[name for name, change in each.items() if change.word != "no clear difference"] for each in changes]
    require("only our linear layers change WSModel's accuracy clearly, nothing AuxModel's", clear == [[LAYERS], []])
    digits = {name: digit_accuracy(saved.rows(variant)) for name, (_, variant) in STEPS.items()}
    gains = {after: digits[after] - digits[before] for before, after in itertools.pairwise(digits)}
    require("the plain scores change the digit accuracy most", max(gains, key=lambda name: gains[name]) == PLAIN_STEP)
    read = digits[PLAIN_STEP]
    texts = {"before": f"{read - gains[PLAIN_STEP]:.1f}", "after": f"{read:.1f}"}
    accuracies = {
        str(n): [f"{mean(saved.accuracies(VARIANTS[f'Published{net.name}', n])):.1f}" for net in BASE] for n in EPOCHS
    }
    return {"accuracies": accuracies, "layers": changes[0][LAYERS].texts, "digits": texts, "rounds": str(len(ROUNDS))}
