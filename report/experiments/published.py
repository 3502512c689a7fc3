"""Do the published networks, rebuilt to the last parameter, give what the published code gives?"""

from statistics import mean, stdev
from typing import Any

from common.drawing import label_places, strip
from common.evidence import compare, mean_texts
from common.networks import MAIN, PUBLISHED, Network
from common.rows import Job, Saved
from matplotlib.axes import Axes

from experiments import claims

ROUNDS = range(10)
EPOCHS = (25, 50)  # in the published code, and in its README
FACTS = {  # what the published code gave when it was made to start, in %: lowest and highest mean of five runs
    ("SimpleModel", 25): (80.2, 80.2),
    ("WSModel", 25): (82.3, 82.3),
    ("AuxModel", 25): (86.4, 86.4),
    ("AuxModel1", 25): (88.9, 88.9),
    ("SimpleModel", 50): (82, 83),
    ("WSModel", 50): (84, 88),
    ("AuxModel", 50): (87, 91),
}
NEAR_CHANCE = 60  # % of test pairs: what is below has learnt next to nothing


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


def numbers(saved: Saved) -> dict[str, Any]:
    """Return each network's accuracies beside what the published code gave, and the claims' differences."""
    lines, gaps = [], []
    for network in PUBLISHED:
        line: dict[str, Any] = {"name": name_of(network)}
        for nb_epochs in EPOCHS:
            rows, values = saved.rows(runs_of(network, nb_epochs)), saved.accuracies(runs_of(network, nb_epochs))
            line["parameters"] = f"{int(rows[0]['parameters']):,}"
            of = {**mean_texts(values), "sd": f"{stdev(values):.1f}", "fact": ""}
            if fact := FACTS.get((name_of(network), nb_epochs)):
                of["fact"] = " to ".join(dict.fromkeys(f"{value:g}" for value in fact))
                gaps.append(max(fact[0] - mean(values), mean(values) - fact[1]))
            line[str(nb_epochs)] = of
        lines.append(line)
    by_name = {name_of(network): network for network in PUBLISHED}
    differences = {
        str(nb_epochs): [
            compare(
                saved, *(runs_of(by_name[network.name], nb_epochs) for network in (claim.better, claim.worse))
            ).texts
            for claim in claims.CLAIMS
        ]
        for nb_epochs in EPOCHS
    }
    values = saved.accuracies(job for r in ROUNDS for job in runs(r))
    return {
        "lines": lines,
        "differences": differences,
        "farthest": f"{max(gaps):.1f}",
        "near_chance": str(sum(value < NEAR_CHANCE for value in values)),
        "near_chance_below": str(NEAR_CHANCE),
        "runs": str(len(values)),
        "worst": f"{min(values):.1f}",
        "rounds": str(len(ROUNDS)),
    }


def panel(axes: Axes, saved: Saved) -> None:
    """Draw the accuracies after 25 and 50 epochs, and what the published code gave."""
    by_name = {network.name: network for network in MAIN}
    for place, network in enumerate(PUBLISHED):
        for nb_epochs, shift in zip(EPOCHS, (-0.25, 0.22), strict=True):
            values = saved.accuracies(runs_of(network, nb_epochs))
            strip(axes, place + shift, values, by_name[name_of(network)], 0.07)
            if fact := FACTS.get((name_of(network), nb_epochs)):
                places = [place + shift + 0.13] * 2
                axes.plot(places, fact, color="#cc0000", marker="_", linewidth=2.5, alpha=0.6)
    label_places(axes, (name_of(network).replace("Model", "") for network in PUBLISHED))
    axes.set(title="(6) Published networks")
