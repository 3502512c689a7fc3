"""How the settings of the three base networks were chosen: on validation pairs, in rounds 1000 to 1009.

    python report/tuning.py

First, at one size, what is applied to the ten scores before the merge, and whether mini-batches are shuffled; then,
with that choice, the channels of the convolutions and the hidden units. Every setting is tried on all three networks,
and one is taken for all, so that they differ in their idea only: of the settings whose mean validation accuracy over
the three networks is within one standard error of the best (the rule of Breiman et al., Classification and Regression
Trees, 1984), the one with the fewest parameters, and of several, the best.

Rows are kept in results/tuning.csv, where only the missing ones are run; results/tuning.md is made from them.
"""

import itertools
import math
from statistics import mean, stdev
from typing import Any

from rows import MERGES, RESULTS, Job, accuracies_of, complete, table, write_whole

from helpers import nb_parameters
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel

ROUNDS = range(1000, 1010)
DATA = {"validation": True, "nb_test_pairs": 5000}  # more than the 1000 of a test: less noise in what is chosen by
MAX_PARAMETERS = 70_000  # the course's hint
FILE = RESULTS / "tuning.csv"
NETWORKS = ("SimpleModel", "WSModel", "AuxModel")

FIRST_SIZE = {"maps": [32, 64], "hidden": 100}
MERGE_SETTINGS = [
    {**FIRST_SIZE, "merge": merge, "shuffle": shuffle} for merge, shuffle in itertools.product(MERGES, (True, False))
]


def size_settings(merge: str, shuffle: bool) -> list[dict[str, Any]]:
    """Return the sizes that are tried with the chosen merge and shuffling: those of at most 70,000 parameters."""
    sizes = itertools.product(([16, 32], [24, 48], [32, 64], [40, 80]), (50, 100, 150))
    return [
        {"maps": maps, "hidden": hidden, "merge": merge, "shuffle": shuffle}
        for maps, hidden in sizes
        if max(nb_parameters(SimpleModel(maps, hidden)), nb_parameters(WSModel(maps, hidden))) <= MAX_PARAMETERS
    ]


def job(network: str, setting: dict[str, Any], nb_round: int) -> Job:
    """Return the run of one network with one setting; the merge means nothing to SimpleModel."""
    names = ("maps", "hidden") if network == "SimpleModel" else ("maps", "hidden", "merge")
    model = {name: setting[name] for name in names}
    return Job("tuning", network, nb_round, model, {"shuffle": setting["shuffle"]}, DATA)


def accuracies(settings: list[dict[str, Any]]) -> list[dict[str, list[float]]]:
    """Return each setting's validation accuracies in %, a round each, per network and as the mean over the three.

    Raises KeyError if a row is missing.
    """
    lines = []
    for setting in settings:
        line = {}
        for network in NETWORKS:
            line[network] = accuracies_of(FILE, [job(network, setting, nb_round) for nb_round in ROUNDS])
        lines.append({**line, "mean": [mean(three) for three in zip(*line.values(), strict=True)]})
    return lines


def chosen(settings: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the setting that is taken: see the top of this file."""
    means = [line["mean"] for line in accuracies(settings)]
    best = max(means, key=mean)
    enough = mean(best) - stdev(best) / math.sqrt(len(best))

    def preference(index: int) -> tuple[int, float]:
        size = nb_parameters(WSModel(settings[index]["maps"], settings[index]["hidden"]))
        return -size, mean(means[index])

    within = [index for index in range(len(settings)) if mean(means[index]) >= enough]
    return settings[max(within, key=preference)]


def run_all(settings: list[dict[str, Any]]) -> None:
    """Run what is missing of these settings."""
    complete(FILE, [job(network, setting, r) for r in ROUNDS for setting in settings for network in NETWORKS])


def markdown(settings: list[dict[str, Any]]) -> str:
    """Return the settings and their accuracies as a table, the chosen one in bold."""
    lines = []
    taken = chosen(settings)
    for setting, line in zip(settings, accuracies(settings), strict=True):
        maps = "{} and {}".format(*setting["maps"])
        cells = [maps, setting["hidden"], setting["merge"], "yes" if setting["shuffle"] else "no"]
        cells += [f"{mean(accuracy):.2f}" for accuracy in line.values()]
        lines.append([f"**{cell}**" if setting == taken else str(cell) for cell in cells])
    return table(["maps", "hidden", "merge", "shuffled", *NETWORKS, "mean"], lines)


def main() -> None:
    """Run both stages and write the table."""
    run_all(MERGE_SETTINGS)
    merge = chosen(MERGE_SETTINGS)
    sizes = size_settings(merge["merge"], merge["shuffle"])
    run_all(sizes)
    text = (
        "# Settings of the base networks, chosen on validation pairs\n\n"
        f"Mean validation accuracy in % over rounds {ROUNDS[0]} to {ROUNDS[-1]}, {DATA['nb_test_pairs']} pairs each,"
        " drawn from MNIST's training images that the training pairs leave. Made by `python report/tuning.py` from"
        " `tuning.csv`. Bold: what is taken for all three networks, the fewest parameters within one standard error of"
        " the best mean over the three, and the best of these. The merge is what is applied to the ten scores of each"
        " digit before the final layer; SimpleModel has none. The first rule was the best mean alone; that of one"
        " standard error took its place when these numbers were known, for the sake of speed.\n\n"
        f"## Merge and shuffling\n\n{markdown(MERGE_SETTINGS)}\n\n"
        f"## Size, at most {MAX_PARAMETERS:,} parameters\n\n{markdown(sizes)}\n"
    )
    write_whole(FILE.with_suffix(".md"), text)
    print(text)


if __name__ == "__main__":
    main()
