"""What the exploration classes' scores mean, and which pairs they misclassify.

And what WSModel1's scores mean where the digits are not equally frequent.
"""

import functools
import json
import operator
from collections.abc import Callable
from statistics import mean
from typing import Any

import numpy as np
import scipy
from common.evidence import range_texts, require
from common.measuring import table_of
from common.networks import AUX1, EXPLORATION, PRIOR, WS1, Network
from common.plotting import draw_pair, draw_table, figure_of
from common.results import Results
from common.rows import Variant, accuracy, digit_accuracy
from matplotlib.figure import Figure

from helpers import load_round

QUESTION = "Which pairs remain wrong, and does WSModel1 need the right prior to find the digits?"
ROUNDS = range(10)
SHARES = {  # of each digit's images, those that are used
    "digits 0 to 7 only": [1.0] * 8 + [0.0] * 2,
    "digits 0 to 4 three times as frequent": [1.0] * 5 + [1 / 3] * 5,
}
DEFAULTS = {net.name: Variant(net, {}, ROUNDS, details="errors") for net in EXPLORATION}
PRIORS = {("ten digits, equally frequent", "equal"): DEFAULTS[WS1.name]}
for name, shares in SHARES.items():
    total = functools.reduce(operator.add, shares)  # not `sum`, which rounds otherwise from Python 3.12 on
    frequencies = [share / total for share in shares]
    PRIORS[name, "equal"] = Variant(WS1, {"shares": shares}, ROUNDS, details="errors")
    PRIORS[name, "right"] = Variant(PRIOR, {"shares": shares, "prior": frequencies}, ROUNDS, details="errors")
VARIANTS: dict[Any, Variant] = {AUX1.name: DEFAULTS[AUX1.name], **PRIORS}


def details_of(results: Results, network: Network) -> list[dict[str, Any]]:
    """Return each round's details."""
    return [json.loads(row["details"]) for row in results.rows(DEFAULTS[network.name])]


def sum_of(results: Results, network: Network, name: str) -> np.ndarray:
    """Return one of the 10 x 10 tables, summed over the rounds."""
    return np.sum([details[name] for details in details_of(results, network)], axis=0)


def best_order(table: np.ndarray) -> list[int]:
    """Return the order of the scores, columns, in which the most digits, rows, are on the diagonal."""
    return scipy.optimize.linear_sum_assignment(table, maximize=True)[1].tolist()


def close(table: np.ndarray) -> str:
    """Return the share, in %, of a table's pairs whose digits are equal or neighbours."""
    return f"{100 * sum(table[i, j] for i, j in np.ndindex(10, 10) if abs(i - j) <= 1) / table.sum():.0f}"


def cuts(table: np.ndarray) -> str:
    """Return where the scores' ranks are cut: the digit that is most often read as each, "-" for one that none is."""
    return " ".join(str(column.argmax()) if column.any() else "-" for column in table.T)


def prior_numbers(results: Results) -> dict[str, Any]:
    """Return, for each kind of digits and either prior, the accuracy, the digit accuracy, and the cuts."""
    lines: list[dict[str, Any]] = []
    for (name, prior), variant in PRIORS.items():
        rows = results.rows(variant)
        right, digits = [accuracy(row) for row in rows], [digit_accuracy([row]) for row in rows]
        table = np.sum([json.loads(row["details"])["digits"] for row in rows], axis=0)
        line = {"name": name, "prior": prior, "accuracy": range_texts(right), "digits": range_texts(digits)}
        shares = [100 * row[n] / row.sum() for n, row in enumerate(table) if row.any()]
        lines.append({**line, "cuts": cuts(table), "least": f"{min(shares):.0f}"})
        as_said = min(digits) > 85 if (prior == "right" or name not in SHARES) else max(digits) < 40
        require(f"the ranks are the digits if the prior is right, and only then: {name}, {prior}", as_said)
        digits_of_ranks = [column.argmax() for column in table.T if column.any()]
        require("the ranks stay in order, whatever the prior", digits_of_ranks == sorted(digits_of_ranks))
        require("the accuracy stays high", mean(right) > 97)
    return {"lines": lines, "rounds": str(len(ROUNDS))}


def numbers(results: Results) -> dict[str, Any]:
    """Return the digit accuracy, and the share of wrong pairs of close digits."""
    pairs = np.sum([table_of(*load_round(r).test_classes.cpu().unbind(1)) for r in ROUNDS], axis=0)
    numbers: dict[str, Any] = {"rounds": str(len(ROUNDS)), "close_pairs": close(pairs)}
    for network in EXPLORATION:
        digits, wrong = (sum_of(results, network, name) for name in ("digits", "wrong"))
        require(f"{network.name}'s scores come in the order of the digits", best_order(digits) == list(range(10)))
        numbers[network.name] = {"digits": f"{100 * np.trace(digits) / digits.sum():.1f}", "close": close(wrong)}
    return {**numbers, "prior": prior_numbers(results)}


def digits_picture(results: Results) -> Figure:
    """Draw which score is the highest for which digit."""
    figure, panels = figure_of(1, 2, 2.5, 6.4)
    for axes, network in zip(panels, EXPLORATION, strict=True):
        table = sum_of(results, network, "digits")
        share = 100 * table / table.sum(1, keepdims=True)
        texts = [[f"{cell:.1f}" if cell else "" for cell in row] for row in share]
        right = 100 * np.trace(table) / table.sum()
        title = f"{network.name}: {right:.1f} % on the diagonal"
        draw_table(axes, share, texts, title, ("highest score", "true digit"))
    return figure


def worst_picture(results: Results) -> Figure:
    """Draw the wrong pairs of round 0 that the exploration classes gave the highest probability."""
    pairs = load_round(ROUNDS[0]).test_input.cpu()
    worst = [details_of(results, network)[0]["worst"] for network in EXPLORATION]
    figure, grid = figure_of(2, max(map(len, worst)), 1.7, 6.4)
    for line, network, pairs_of in zip(grid, EXPLORATION, worst, strict=True):
        line[0].text(-0.12, 0.5, network.name, transform=line[0].transAxes, rotation=90, ha="right", va="center")
        for axes in line:
            axes.axis("off")
        for axes, (n, first, second, probability) in zip(line, pairs_of, strict=False):
            predicted = ">" if first <= second else "≤"
            draw_pair(axes, pairs[n], f"{first}, {second}\npredicted {predicted}\n{100 * probability:.0f} %")
            axes.title.set_fontsize(6.5)
    return figure


PICTURES: dict[str, Callable[[Results], Figure]] = {
    "digits": digits_picture,
    "worst_pairs": worst_picture,
}
