"""The base networks by the learning rate, with the protocol's epochs and with as many as it takes to fit."""

import json
from typing import Any

from common.evidence import fitted, require, span
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
        spiky = [sum(bool(course.spikes(json.loads(row["details"]))) for row in of_net) for of_net in runs]
        compared = claims.differences(results, {variant.network.name: variant for variant in variants})
        lines.append(
            {
                "rate": f"{rate:g}",
                "epochs": str(nb_epochs),
                "differences": [comparison.texts for comparison in compared],
                "words": [comparison.word for comparison in compared],
                "fitted": " / ".join(map(fitted, runs)),
                "n": str(len(variants[0].rounds)),
                "spikes": spiky,
            }
        )
    fit = [line for line in lines if min(map(int, line["fitted"].split(" / "))) >= 0.8 * int(line["n"])]
    require(
        "the networks fit at every rate, if trained enough",
        {line["rate"] for line in fit} == {f"{r:g}" for r in EPOCHS},
    )
    require("where they fit, both ideas help", all(line["words"] == ["better"] * 2 for line in fit))
    slow = next(line for line in lines if (line["rate"], line["epochs"]) == ("0.01", "50"))
    behind = (slow["fitted"], slow["words"][0]) == ("0 / 0 / 0", "worse")
    require("at 0.01 no run fits after 50 epochs, and WSModel is behind SimpleModel", behind)
    fast = [line["spikes"] for line in lines if line["epochs"] == "150"]
    spikes = {
        net.name: f"{min(counts)} to {max(counts)}" for net, counts in zip(BASE, zip(*fast, strict=True), strict=True)
    }
    require("at each of the four higher rates, most runs of AuxModel have spikes", min(aux for *_, aux in fast) >= 6)
    slow_spikes = next(line["spikes"] for line in lines if line["epochs"] == "500")
    require("at 0.01 no run of AuxModel has a spike", slow_spikes[-1] == 0)
    more = {"slow_spikes": str(slow_spikes[0]), "rounds": span(ROUNDS), "n": str(len(ROUNDS))}
    return {"lines": lines, "spikes": spikes, **more}
