"""The networks of the published script, rebuilt to the last parameter, in our rounds; and what differs from ours.

From two of theirs to ours the way is gone one change after the other.
"""

from statistics import mean, stdev
from typing import Any

from common.evidence import compare, fitted, mean_texts, require
from common.networks import AUX, PUBLISHED, WS, Network
from common.rows import Variant, digit_accuracy
from common.saved import Saved

from experiments import claims

QUESTION = "What do the published networks give in our rounds, and which difference from them matters?"
ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
PLAIN_STEP = "auxiliary loss on the plain scores"


def name_of(network: Network) -> str:
    """Return the name that a published network has in the original."""
    return network.name.removeprefix("Published")


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


def step_numbers(saved: Saved) -> dict[str, Any]:
    """Return, after each step, the accuracies, what the step changed, and the digit accuracy with digit labels."""
    lines: list[dict[str, Any]] = []
    before: tuple[Variant, ...] = ()
    words: list[str] = []  # of what each step changes in AuxModel
    for name, variants in STEPS.items():
        changes = [
            compare(saved, *pair) if pair[0] != pair[1] else None for pair in zip(variants, before, strict=False)
        ]
        words += [change.word for change in changes[1:] if change]
        lines.append(
            {
                "name": name,
                "ws": mean_texts(saved.accuracies(variants[0])),
                "aux": mean_texts(saved.accuracies(variants[1])),
                "digits": f"{digit_accuracy(saved.rows(variants[1])):.1f}",
                "fitted": " / ".join(fitted(saved.rows(variant)) for variant in variants),
                "changes": [change and change.texts for change in changes or (None, None)],
            }
        )
        before = variants
    require("no step changes AuxModel's accuracy clearly", set(words) == {"no clear difference"})
    read = {line["name"]: float(line["digits"]) for line in lines}
    gains = {name: read[name] - earlier for name, earlier in zip(list(read)[1:], read.values(), strict=False)}
    require("the plain scores change the digit accuracy most", max(gains, key=lambda name: gains[name]) == PLAIN_STEP)
    first, *_, last = STEPS.values()
    return {
        "lines": lines,
        "total": [compare(saved, *ends).texts for ends in zip(last, first, strict=True)],
        "digits": {"before": f"{read[PLAIN_STEP] - gains[PLAIN_STEP]:.1f}", "after": f"{read[PLAIN_STEP]:.1f}"},
        "rounds": str(len(ROUNDS)),
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each network's accuracies, digit accuracies and dead scores, the claims' differences, and the steps."""
    lines = []
    for network in PUBLISHED:
        line: dict[str, Any] = {"name": name_of(network)}
        for nb_epochs in EPOCHS:
            variant = VARIANTS[network.name, nb_epochs]
            rows, values = saved.rows(variant), saved.accuracies(variant)
            texts: dict[str, Any] = {**mean_texts(values), "sd": f"{stdev(values):.1f}"}
            if network.labelled:
                digits, dead = [digit_accuracy([row]) for row in rows], [int(row["dead_scores"]) for row in rows]
                texts |= {
                    "digits": f"{mean(digits):.1f}",
                    "worst_digits": f"{min(digits):.1f}",
                    "dead": f"{mean(dead):.1f}",
                }
            line |= {"parameters": f"{int(rows[0]['parameters']):,}", str(nb_epochs): texts}
        lines.append(line)
    differences = {}
    for nb_epochs in EPOCHS:
        compared = claims.differences(saved, {name_of(net): VARIANTS[net.name, nb_epochs] for net in PUBLISHED})
        differences[str(nb_epochs)] = [comparison.texts for comparison in compared]
    by_name = {line["name"]: line for line in lines}
    return {"by_name": by_name, "differences": differences, "rounds": str(len(ROUNDS)), "bridge": step_numbers(saved)}
