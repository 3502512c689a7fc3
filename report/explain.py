"""Why the exploration classes work: what their ten scores mean, and which pairs they still get wrong.

    python report/explain.py

Trains WSModel1 and AuxModel1 in rounds 0 to 9 and counts, over the test pairs, which score wins for which digit, and
which digits are in the pairs that are wrong. The counts are saved to results/digits.csv and results/pairs.csv, and
drawn, with the worst pairs of round 0, to figures/.
"""

from collections import Counter
from typing import NamedTuple

import joblib
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from rows import NETWORKS, RESULTS, csv_text, winners, write_whole
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from helpers import load_round, run

NAMES = ("WSModel1", "AuxModel1")
ROUNDS = range(10)
FIGURES = RESULTS.parent / "figures"
NB_WORST = 10  # pairs shown


class Counts(NamedTuple):
    """What one network did in one round; the worst pairs are those wrong with the highest probability."""

    digits: Counter  # (digit, score that wins)
    pairs: Counter  # (first digit, second digit, wrong or not)
    worst: list[tuple[Tensor, list[int], float]]  # input (2, 14, 14), digits, probability given to the wrong class


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
    worst = [(data.test_input[n].cpu(), data.test_classes[n].tolist(), probabilities[n].max().item()) for n in order]
    return Counts(digits, pairs, worst)


def best_order(table: np.ndarray) -> list[int]:
    """Return the order of the scores, columns, in which the most digits, rows, are on the diagonal."""
    return linear_sum_assignment(table, maximize=True)[1].tolist()


def save(figure: mpl.figure.Figure, name: str) -> None:
    """Write a figure whole, or not at all."""
    FIGURES.mkdir(exist_ok=True)
    partial = FIGURES / f"{name}.partial.png"
    figure.savefig(partial, dpi=150)
    partial.replace(FIGURES / f"{name}.png")


def draw_table(axes: plt.Axes, table: np.ndarray, texts: np.ndarray, title: str, labels: tuple[str, str]) -> None:
    """Draw a 10 x 10 table, a darker cell for a higher share, with a text in each cell."""
    axes.imshow(table, cmap="Blues", vmin=0)
    for row, column in np.ndindex(10, 10):
        dark = table[row, column] > 0.6 * table.max()
        axes.text(column, row, texts[row, column], ha="center", va="center", fontsize=7, color="w" if dark else "k")
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], xticks=range(10), yticks=range(10))


def draw_digits(tables: dict[str, np.ndarray]) -> None:
    """Draw which score wins for which digit, the scores in the best order."""
    figure, both = plt.subplots(1, 2, figsize=(11, 5.2), layout="constrained")
    for axes, (name, table) in zip(both, tables.items(), strict=True):
        order = best_order(table)
        share = 100 * table[:, order] / table.sum(1, keepdims=True)
        texts = np.array([[f"{cell:.1f}" if cell else "" for cell in row] for row in share])
        right = 100 * np.trace(table[:, order]) / table.sum()
        title = f"{name}: {right:.1f} % of digits on the diagonal"
        draw_table(axes, share, texts, title, ("score that wins", "digit (each row: % of its images)"))
        axes.set_xticklabels(order)
    save(figure, "digits")


def draw_pairs(pairs: dict[str, Counter]) -> None:
    """Draw how many pairs of each two digits are wrong."""
    figure, both = plt.subplots(1, 2, figsize=(11, 5.2), layout="constrained")
    for axes, (name, counts) in zip(both, pairs.items(), strict=True):
        wrong = np.array([[counts[i, j, True] for j in range(10)] for i in range(10)])
        texts = np.where(wrong > 0, wrong.astype(str), "")
        total = sum(counts.values())
        title = f"{name}: {wrong.sum()} of {total:,} pairs wrong"
        draw_table(axes, wrong, texts, title, ("second digit", "first digit"))
    save(figure, "wrong_pairs")


def draw_worst(worst: dict[str, list[tuple[Tensor, list[int], float]]]) -> None:
    """Draw the worst pairs of round 0."""
    figure, grid = plt.subplots(len(worst), NB_WORST, figsize=(11, 2.6), layout="constrained", squeeze=False)
    for line, (name, pairs) in zip(grid, worst.items(), strict=True):
        for axes in line:
            axes.axis("off")
        line[0].text(-0.1, 0.5, name, transform=line[0].transAxes, rotation=90, ha="right", va="center")
        for axes, (pair, (first, second), probability) in zip(line, pairs, strict=False):
            gap = torch.full((14, 1), pair.max().item())
            axes.imshow(torch.cat([pair[0], gap, pair[1]], 1), cmap="gray_r")
            said = ">" if first <= second else "≤"
            axes.set_title(f"{first}, {second}\nsaid {said}: {100 * probability:.0f} %", fontsize=8)
    save(figure, "worst_pairs")


def main() -> None:
    """Count, save and draw."""
    jobs = [(name, nb_round) for name in NAMES for nb_round in ROUNDS]
    found = dict(zip(jobs, joblib.Parallel(n_jobs=-1)(joblib.delayed(count)(*job) for job in jobs), strict=True))
    digits = {name: sum((found[name, r].digits for r in ROUNDS), Counter()) for name in NAMES}
    pairs = {name: sum((found[name, r].pairs for r in ROUNDS), Counter()) for name in NAMES}
    rows = [(name, i, j, digits[name][i, j]) for name in NAMES for i in range(10) for j in range(10)]
    write_whole(RESULTS / "digits.csv", csv_text(["network", "digit", "score", "images"], rows))
    rows = [
        (name, i, j, pairs[name][i, j, False] + pairs[name][i, j, True], pairs[name][i, j, True])
        for name, i, j in ((name, i, j) for name in NAMES for i in range(10) for j in range(10))
    ]
    write_whole(RESULTS / "pairs.csv", csv_text(["network", "first", "second", "pairs", "wrong"], rows))
    tables = {name: np.array([[digits[name][i, j] for j in range(10)] for i in range(10)]) for name in NAMES}
    draw_digits(tables)
    draw_pairs(pairs)
    draw_worst({name: found[name, 0].worst for name in NAMES})


if __name__ == "__main__":
    main()
