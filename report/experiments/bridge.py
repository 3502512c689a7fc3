"""Which difference from the published networks matters? From theirs to ours, one change after the other."""

from typing import Any

from common.evidence import compare, mean_texts
from common.networks import AUX, PUBLISHED, WS, Network
from common.rows import Job, Saved, digit_accuracy

from experiments import claims, published

ROUNDS = range(10)
SMALLER = {"maps": [32, 64]}
PLAIN = {"plain_scores": True}
EPOCHS = {"nb_epochs": published.EPOCHS[0]}
PUBLISHED_WS, PUBLISHED_AUX = PUBLISHED[1], PUBLISHED[3]
Run = tuple[Network, dict[str, Any], dict[str, Any]]  # with the keywords of the network and of its training

# each step changes one thing more; the networks of the first are the published ones, those of the last ours
STEPS: dict[str, tuple[Run, Run]] = {
    "as published": tuple((net, {}, {**EPOCHS, "shuffle": False}) for net in (PUBLISHED_WS, PUBLISHED_AUX)),
    "mini-batches shuffled": tuple((network, {}, EPOCHS) for network in (PUBLISHED_WS, PUBLISHED_AUX)),
    "auxiliary loss on the plain scores": ((PUBLISHED_WS, {}, EPOCHS), (PUBLISHED_AUX, PLAIN, EPOCHS)),
    "32 and 64 maps": ((PUBLISHED_WS, SMALLER, EPOCHS), (PUBLISHED_AUX, {**PLAIN, **SMALLER}, EPOCHS)),
    "our fully connected layers": tuple((network, {}, EPOCHS) for network in (WS, AUX)),
    "50 epochs": tuple((network, {}, {}) for network in (WS, AUX)),
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
    return [run(of, nb_round) for both in STEPS.values() for of in both]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return, after each step, the accuracies, what the step changed, and the digit accuracy with digit labels."""
    lines: list[dict[str, Any]] = []
    before: list[list[Job]] = []
    for name, both in STEPS.items():
        own = [[run(of, r) for r in ROUNDS] for of in both]
        changes = [
            compare(saved, *pair).texts if pair[0] != pair[1] else None for pair in zip(own, before, strict=False)
        ]
        lines.append(
            {
                "name": name,
                "ws": mean_texts(saved.accuracies(own[0])),
                "aux": mean_texts(saved.accuracies(own[1])),
                "digits": f"{digit_accuracy(saved.rows(own[1])):.1f}",
                "changes": changes or [None, None],
            }
        )
        before = own
    return {"lines": lines, "rounds": str(len(ROUNDS))}
