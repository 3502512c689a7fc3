"""The base networks by the learning rate, with the protocol's epochs and with as many as it takes to fit."""

import json
from typing import Any

from common.evidence import fitted, interval_of, span
from common.networks import BASE
from common.results import Results
from common.rows import VALIDATION, Variant

from experiments import claims, course

QUESTION = "At which learning rates do the two ideas help?"
ROUNDS = range(1300, 1310)
EPOCHS = {0.01: (50, 500), 0.03: (50, 150), 0.05: (50, 150), 0.1: (50, 150), 0.2: (50, 150)}
KINDS = [(rate, n) for rate, numbers_of_epochs in EPOCHS.items() for n in numbers_of_epochs]
VARIANTS = {
    (net.name, rate, n): Variant(net, {**VALIDATION, "learning_rate": rate, "nb_epochs": n}, ROUNDS, details="losses")
    for rate, n in sorted(KINDS, key=lambda kind: -kind[1])  # the longest first
    for net in BASE
}


def numbers(results: Results) -> dict[str, Any]:
    """Return, for each rate and number of epochs, the claims' differences, and how many runs fit and have spikes."""
    lines: list[dict[str, Any]] = []
    for rate, nb_epochs in KINDS:
        variants = results.finished_together([VARIANTS[net.name, rate, nb_epochs] for net in BASE])
        runs = [results.rows(variant) for variant in variants]
        compared = claims.differences(results, {variant.network.name: variant for variant in variants})
        lines.append(
            {
                "rate": rate,
                "epochs": nb_epochs,
                "differences": list(map(interval_of, compared)),
                "fitted": [fitted(of_net) for of_net in runs],
                "n": len(variants[0].rounds),
                "spikes": [sum(bool(course.spikes(json.loads(row["details"]))) for row in of_net) for of_net in runs],
            }
        )
    return {"lines": lines, "rounds": span(ROUNDS), "n": len(ROUNDS)}
