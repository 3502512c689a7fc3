"""The networks of the published script, rebuilt to the last parameter, in our rounds; and what differs from ours.

From two of theirs to ours the way is gone one change after the other.
"""

import itertools
from typing import Any

from common.evidence import compare, require
from common.networks import AUX, PUBLISHED, WS, Network
from common.rows import Variant, digit_accuracy
from common.saved import Saved

QUESTION = "What do the published networks give in our rounds, and which difference from them matters?"
ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
PLAIN_STEP = "auxiliary loss on the plain scores"


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
        "our fully connected layers": (WS, epochs, AUX, epochs),
        "50 epochs": (WS, {}, AUX, {}),
    }
    return {name: (Variant(*of[:2], ROUNDS), Variant(*of[2:], ROUNDS)) for name, of in settings.items()}


STEPS = steps()
VARIANTS: dict[Any, Variant] = {(net.name, n): published(net, n) for n in EPOCHS for net in PUBLISHED}
VARIANTS |= {(step, place): variant for step, both in STEPS.items() for place, variant in enumerate(both)}


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the digit accuracy with digit labels before and after the step that changes it most."""
    words: list[str] = []  # of what each step changes in AuxModel
    for (_, before), (_, after) in itertools.pairwise(STEPS.values()):
        words += [compare(saved, after, before).word] if after != before else []
    require("no step changes AuxModel's accuracy clearly", set(words) == {"no clear difference"})
    digits = {name: digit_accuracy(saved.rows(variant)) for name, (_, variant) in STEPS.items()}
    gains = {after: digits[after] - digits[before] for before, after in itertools.pairwise(digits)}
    require("the plain scores change the digit accuracy most", max(gains, key=lambda name: gains[name]) == PLAIN_STEP)
    read = digits[PLAIN_STEP]
    texts = {"before": f"{read - gains[PLAIN_STEP]:.1f}", "after": f"{read:.1f}"}
    return {"digits": texts, "rounds": str(len(ROUNDS))}
