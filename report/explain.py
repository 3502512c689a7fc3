"""Why the exploration classes work: what their ten scores mean, and which pairs they still get wrong.

    python report/explain.py

Trains WSModel1 and AuxModel1 in rounds 0 to 9 and counts, over the test pairs, which score wins for which digit, and
which digits are in the pairs that are wrong; and lists the worst pairs of round 0. report/build.py draws what is saved:
results/digits.csv, results/pairs.csv and results/worst.csv.
"""

from collections import Counter
from typing import NamedTuple

import joblib
import torch
from rows import NETWORKS, RESULTS, csv_text, winners, write_whole
from study import EXPLORATION as NAMES

from helpers import load_round, run

ROUNDS = range(10)
NB_WORST = 10


class Counts(NamedTuple):
    """What one network did in one round; the worst pairs are those wrong with the highest probability."""

    digits: Counter  # (digit, score that wins)
    pairs: Counter  # (first digit, second digit, wrong or not)
    worst: list[tuple[int, int, int, float]]  # which test pair, its digits, the probability given to the wrong class


def count(name: str, nb_round: int) -> Counts:
    """Train a network in a round and count."""
    network, train_function, takes_classes = NETWORKS[name]
    data = load_round(nb_round)
    classes = [data.train_classes] if takes_classes else []
    model = run(data, network, train_function, *classes, **network.training).model
    with torch.no_grad():
        probabilities = model(data.test_input).softmax(1)
    wrong = probabilities.argmax(1) != data.test_target
    won = winners(model, data.test_input)
    digits = Counter(zip(data.test_classes.flatten().tolist(), won.flatten().tolist(), strict=True))
    pairs = Counter((*pair, bad) for pair, bad in zip(data.test_classes.tolist(), wrong.tolist(), strict=True))
    order = [n for n in probabilities.max(1).values.argsort(descending=True).tolist() if wrong[n]][:NB_WORST]
    worst = [(n, *data.test_classes[n].tolist(), round(probabilities[n].max().item(), 6)) for n in order]
    return Counts(digits, pairs, worst)


def main() -> None:
    """Count and save."""
    jobs = [(name, nb_round) for name in NAMES for nb_round in ROUNDS]
    found = dict(zip(jobs, joblib.Parallel(n_jobs=-1)(joblib.delayed(count)(*job) for job in jobs), strict=True))
    digits = {name: sum((found[name, r].digits for r in ROUNDS), Counter()) for name in NAMES}
    pairs = {name: sum((found[name, r].pairs for r in ROUNDS), Counter()) for name in NAMES}
    cells = [(name, i, j) for name in NAMES for i in range(10) for j in range(10)]
    rows = [(*cell, digits[cell[0]][cell[1:]]) for cell in cells]
    write_whole(RESULTS / "digits.csv", csv_text(["network", "digit", "score", "images"], rows))
    wrong = {cell: pairs[cell[0]][*cell[1:], True] for cell in cells}
    rows = [(*cell, pairs[cell[0]][*cell[1:], False] + wrong[cell], wrong[cell]) for cell in cells]
    write_whole(RESULTS / "pairs.csv", csv_text(["network", "first", "second", "pairs", "wrong"], rows))
    rows = [(name, place, *pair) for name in NAMES for place, pair in enumerate(found[name, 0].worst)]
    header = ["network", "place", "pair", "first", "second", "probability"]
    write_whole(RESULTS / "worst.csv", csv_text(header, rows))


if __name__ == "__main__":
    main()
