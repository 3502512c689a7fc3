"""Which difference from the published networks matters? From theirs to ours, one change after the other."""

from typing import Any

from common.evidence import compare, mean_texts, require
from common.networks import AUX, PUBLISHED, WS, Network
from common.rows import Job, digit_accuracy
from common.saved import Saved

from experiments import claims, published

ROUNDS = range(10)
SMALLER = {"maps": [32, 64]}
PLAIN, PLAIN_STEP = {"plain_scores": True}, "auxiliary loss on the plain scores"
EPOCHS = {"nb_epochs": published.EPOCHS[0]}
Run = tuple[Network, dict[str, Any], dict[str, Any]]  # with the keywords of the network and of its training


def steps() -> dict[str, tuple[Run, Run]]:
    """Return the two networks after each change; those of the first step are the published ones, of the last ours."""
    ws, aux = PUBLISHED[1], PUBLISHED[3]
    unshuffled = {**EPOCHS, "shuffle": False}
    return {
        "as published": ((ws, {}, unshuffled), (aux, {}, unshuffled)),
        "mini-batches shuffled": ((ws, {}, EPOCHS), (aux, {}, EPOCHS)),
        PLAIN_STEP: ((ws, {}, EPOCHS), (aux, PLAIN, EPOCHS)),
        "32 and 64 maps": ((ws, SMALLER, EPOCHS), (aux, {**PLAIN, **SMALLER}, EPOCHS)),
        "our fully connected layers": ((WS, {}, EPOCHS), (AUX, {}, EPOCHS)),
        "50 epochs": ((WS, {}, {}), (AUX, {}, {})),
    }


def run(of: Run, nb_round: int) -> Job:
    """Return a run on the way; those at its ends are other experiments' runs."""
    network, model, training = of
    if not training:
        return claims.run(network, nb_round)
    if "shuffle" in training:
        return published.run(network, EPOCHS["nb_epochs"], nb_round)
    return Job("bridge", network, nb_round, model, training)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(of, nb_round) for both in steps().values() for of in both]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, after each step, the accuracies, what the step changed, and the digit accuracy with digit labels."""
    lines: list[dict[str, Any]] = []
    before: list[list[Job]] = []
    words: list[str] = []  # of what each step changes in AuxModel
    for name, both in steps().items():
        own = [[run(of, r) for r in ROUNDS] for of in both]
        changes = [compare(saved, *pair) if pair[0] != pair[1] else None for pair in zip(own, before, strict=False)]
        words += [change.word for change in changes[1:] if change]
        lines.append(
            {
                "name": name,
                "ws": mean_texts(saved.accuracies(own[0])),
                "aux": mean_texts(saved.accuracies(own[1])),
                "digits": f"{digit_accuracy(saved.rows(own[1])):.1f}",
                "changes": [change and change.texts for change in changes or (None, None)],
            }
        )
        before = own
    require("no step changes AuxModel's accuracy clearly", set(words) == {"no clear difference"})
    read = {line["name"]: float(line["digits"]) for line in lines}
    gains = {name: read[name] - earlier for name, earlier in zip(list(read)[1:], read.values(), strict=False)}
    require("the plain scores change the digit accuracy most", max(gains, key=lambda name: gains[name]) == PLAIN_STEP)
    start = [[run(of, r) for r in ROUNDS] for of in next(iter(steps().values()))]
    return {
        "lines": lines,
        "total": [compare(saved, *ends).texts for ends in zip(before, start, strict=True)],
        "digits": {"before": f"{read[PLAIN_STEP] - gains[PLAIN_STEP]:.1f}", "after": f"{read[PLAIN_STEP]:.1f}"},
        "rounds": str(len(ROUNDS)),
    }
