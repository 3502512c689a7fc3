"""What do the networks of the published script give in our rounds? Rebuilt to the last parameter, with its loss."""

import functools
from statistics import mean, stdev
from typing import Any

from common.evidence import mean_texts
from common.networks import PUBLISHED, Network
from common.rows import Job, digit_accuracy
from common.saved import Saved

from experiments import claims

ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README


def run(network: Network, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a published network, the published way."""
    return Job("published", network, nb_round, training={"nb_epochs": nb_epochs, "shuffle": False})


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, number, nb_round) for number in EPOCHS for network in PUBLISHED]


def name_of(network: Network) -> str:
    """Return the name that a published network has in the original."""
    return network.name.removeprefix("Published")


def runs_of(network: Network, nb_epochs: int) -> list[Job]:
    """Return the runs of a published network."""
    return [run(network, nb_epochs, r) for r in ROUNDS]


def rebuilt_runs_of(nb_epochs: int, network: Network) -> list[Job]:
    """Return the runs of the published network that has this one's name."""
    return runs_of(next(published for published in PUBLISHED if name_of(published) == network.name), nb_epochs)


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each network's accuracies, digit accuracies and dead scores, and the claims' differences."""
    lines = []
    for network in PUBLISHED:
        line: dict[str, Any] = {"name": name_of(network)}
        for nb_epochs in EPOCHS:
            rows, values = saved.rows(runs_of(network, nb_epochs)), saved.accuracies(runs_of(network, nb_epochs))
            of: dict[str, Any] = {**mean_texts(values), "sd": f"{stdev(values):.1f}"}
            if network.labelled:
                digits, dead = [digit_accuracy([row]) for row in rows], [int(row["dead_scores"]) for row in rows]
                of |= {
                    "digits": f"{mean(digits):.1f}",
                    "worst_digits": f"{min(digits):.1f}",
                    "dead": f"{mean(dead):.1f}",
                }
            line |= {"parameters": f"{int(rows[0]['parameters']):,}", str(nb_epochs): of}
        lines.append(line)
    differences = {
        str(number): [
            comparison.texts for comparison in claims.differences(saved, functools.partial(rebuilt_runs_of, number))
        ]
        for number in EPOCHS
    }
    return {"by_name": {line["name"]: line for line in lines}, "differences": differences, "rounds": str(len(ROUNDS))}
