"""Does an exploration class ever collapse? Its runs in rounds from 30 on; claims has the first 30."""

from typing import Any

from common.evidence import compare, mean_texts, require
from common.networks import BASE, EXPLORATION, Network
from common.rows import Job, digit_accuracy
from common.saved import Saved

from experiments import claims

ROUNDS = range(30, 200)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [Job("more_rounds", network, nb_round) for network in EXPLORATION]


def every_run(network: Network) -> list[Job]:
    """Return an exploration class's runs in all rounds, the claims' too."""
    return claims.runs_of(network) + [job for r in ROUNDS for job in runs(r) if job.network == network]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the exploration classes' accuracies over all rounds, and what they gain on their base classes."""
    found = {}
    for network, base in zip(EXPLORATION, BASE[1:], strict=True):
        values = saved.accuracies(every_run(network))
        above = min(values) > max(saved.accuracies(claims.runs_of(base)))
        require(f"no run of {network.name} collapsed, its worst is above every one of {base.name}", above)
        found[network.name] = {
            **mean_texts(values),
            "n": str(len(values)),
            "worst": f"{min(values):.1f}",
            "digits": f"{digit_accuracy(saved.rows(every_run(network))):.1f}",
            "gain": compare(saved, claims.runs_of(network), claims.runs_of(base)).texts,
        }
    return found
