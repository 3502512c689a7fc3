"""The networks of the published script, rebuilt to the last parameter, in our rounds."""

from statistics import mean
from typing import Any

from common.evidence import compare, interval_of, span
from common.networks import BASE, PUBLISHED, SIMPLE
from common.results import Results
from common.rows import Variant

from experiments import claims

QUESTION = "What do the published networks give in our rounds?"
ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
VARIANTS = {
    (net.name, n): Variant(net, {"nb_epochs": n, "shuffle": False}, ROUNDS) for n in EPOCHS for net in PUBLISHED
}


def numbers(results: Results) -> dict[str, Any]:
    """Return the accuracies of the three networks, the claims in them, and their SimpleModel beside ours."""
    short, long = ({net.name: VARIANTS[f"Published{net.name}", n] for net in BASE} for n in EPOCHS)
    larger = compare(results, long["SimpleModel"], Variant(SIMPLE, {}, ROUNDS))
    return {
        "accuracies": [[mean(results.accuracies(variant)) for variant in each.values()] for each in (short, long)],
        "differences": list(map(interval_of, claims.differences(results, long))),
        "simple": interval_of(larger),
        "rounds": span(ROUNDS),
    }
