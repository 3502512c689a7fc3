"""The networks of the published script, rebuilt to the last parameter, in our rounds; and what differs from ours.

Two of theirs are changed into ours, step by step.
"""

import itertools
from statistics import mean
from typing import Any

from common.evidence import Comparison, compare, require
from common.networks import AUX, BASE, PUBLISHED, WS
from common.results import Results
from common.rows import Variant, digit_accuracy

QUESTION = "What do the published networks give in our rounds, and which difference from them matters?"
ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
PLAIN_STEP, LAYERS = "auxiliary loss on the plain scores", "our fully connected layers"


SHORT: dict[str, Any] = {"nb_epochs": EPOCHS[0]}
AS_PUBLISHED, PLAIN, SMALLER = {**SHORT, "shuffle": False}, {**SHORT, "plain_scores": True}, {"maps": [32, 64]}
THEIR_WS, THEIR_AUX = PUBLISHED[1], PUBLISHED[3]
STEPS = {  # both networks after each change, from the published ones to ours
    "as published": (Variant(THEIR_WS, AS_PUBLISHED, ROUNDS), Variant(THEIR_AUX, AS_PUBLISHED, ROUNDS)),
    "mini-batches shuffled": (Variant(THEIR_WS, SHORT, ROUNDS), Variant(THEIR_AUX, SHORT, ROUNDS)),
    PLAIN_STEP: (Variant(THEIR_WS, SHORT, ROUNDS), Variant(THEIR_AUX, PLAIN, ROUNDS)),
    "32 and 64 maps": (Variant(THEIR_WS, SHORT | SMALLER, ROUNDS), Variant(THEIR_AUX, PLAIN | SMALLER, ROUNDS)),
    LAYERS: (Variant(WS, SHORT, ROUNDS), Variant(AUX, SHORT, ROUNDS)),
    "50 epochs": (Variant(WS, {}, ROUNDS), Variant(AUX, {}, ROUNDS)),
}
VARIANTS: dict[Any, Variant] = {
    (net.name, n): Variant(net, {"nb_epochs": n, "shuffle": False}, ROUNDS) for n in EPOCHS for net in PUBLISHED
}
VARIANTS |= {(step, place): variant for step, variants in STEPS.items() for place, variant in enumerate(variants)}


def numbers(results: Results) -> dict[str, Any]:
    """Return the accuracies of the three networks, what the steps change, and AuxModel's digit accuracy."""
    changes: list[dict[str, Comparison]] = [{}, {}]  # of WSModel, and of AuxModel
    for (_, before), (name, after) in itertools.pairwise(STEPS.items()):
        for place, change in enumerate(changes):
            if after[place] != before[place]:
                change[name] = compare(results, after[place], before[place])
    clear = [[name for name, change in each.items() if change.word != "no clear difference"] for each in changes]
    require("only our linear layers change WSModel's accuracy clearly, nothing AuxModel's", clear == [[LAYERS], []])
    digits = {name: digit_accuracy(results.rows(variant)) for name, (_, variant) in STEPS.items()}
    gains = {after: digits[after] - digits[before] for before, after in itertools.pairwise(digits)}
    require("the plain scores change the digit accuracy most", max(gains, key=lambda name: gains[name]) == PLAIN_STEP)
    read = digits[PLAIN_STEP]
    texts = {"before": f"{read - gains[PLAIN_STEP]:.1f}", "after": f"{read:.1f}"}
    accuracies = {
        str(n): [f"{mean(results.accuracies(VARIANTS[f'Published{net.name}', n])):.1f}" for net in BASE] for n in EPOCHS
    }
    return {"accuracies": accuracies, "layers": changes[0][LAYERS].texts, "digits": texts, "rounds": str(len(ROUNDS))}
