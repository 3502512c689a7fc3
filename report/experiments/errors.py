"""Which pairs remain wrong? What the exploration classes' scores mean, and the pairs that they misclassify."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common.drawing import draw_pair, draw_table, figure_of
from common.evidence import require
from common.measuring import NB_WORST, error_details, table_of
from common.networks import EXPLORATION, Network
from common.rows import Job, Row
from common.saved import Saved
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from experiments import claims
from helpers import UserError, load_round

ROUNDS = range(10)


def check_details(row: Row) -> None:
    """Raise UserError unless a row's details are of the round's test pairs and agree with its counts."""
    classes = load_round(int(row["round"])).test_classes
    try:
        found = json.loads(row["details"])
        digits, wrong = (np.array(found[name]) for name in ("digits", "wrong"))
        pairs = [tuple(classes[n].tolist()) for n, *_ in found["worst"]]
        right = digits.shape == wrong.shape == (10, 10) and min(digits.min(), wrong.min()) >= 0
        right &= digits.sum(1).tolist() == torch.bincount(classes.flatten(), minlength=10).tolist()
        right &= int(np.trace(digits)) == 2 * int(row["total"]) - int(row["digits_wrong"])
        right &= bool((wrong <= np.array(table_of(*classes.unbind(1)))).all()) and int(wrong.sum()) == int(row["wrong"])
        right &= len({n for n, *_ in found["worst"]}) == len(found["worst"]) == min(NB_WORST, int(row["wrong"]))
        right &= all(wrong[pair] >= pairs.count(pair) for pair in pairs)
        right &= all(
            n >= 0 and list(pair) == own and 0.5 <= p <= 1
            for pair, (n, *own, p) in zip(pairs, found["worst"], strict=True)
        )
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"details: {error!r}") from error
    if not right:
        raise UserError("details: they are not those of the round's test pairs, or of the row's counts")


def run(network: Network, nb_round: int) -> Job:
    """Return the run of an exploration class, with what it gets wrong."""
    return Job("errors", network, nb_round, details=error_details, check_details=check_details)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in EXPLORATION]


def details_of(saved: Saved, network: Network) -> list[dict[str, Any]]:
    """Return each round's details; UserError if the run is not that of claims."""
    rows, others = ([of(network, r) for r in ROUNDS] for of in (run, claims.run))
    for row, other in zip(saved.rows(rows), saved.rows(others), strict=True):
        if (row["wrong"], row["last_loss"]) != (other["wrong"], other["last_loss"]):
            raise UserError(f"errors.csv: {row['network']} in round {row['round']} is another run than in claims.csv.")
    return [json.loads(row["details"]) for row in saved.rows(rows)]


def sum_of(saved: Saved, network: Network, name: str) -> np.ndarray:
    """Return one of the 10 x 10 tables, summed over the rounds."""
    return np.sum([found[name] for found in details_of(saved, network)], axis=0)


def best_order(table: np.ndarray) -> list[int]:
    """Return the order of the scores, columns, in which the most digits, rows, are on the diagonal."""
    return linear_sum_assignment(table, maximize=True)[1].tolist()


def close(table: np.ndarray) -> str:
    """Return the share, in %, of a table's pairs whose digits are equal or neighbours."""
    return f"{100 * sum(table[i, j] for i, j in np.ndindex(10, 10) if abs(i - j) <= 1) / table.sum():.0f}"


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the digit accuracy with the scores in their best order, and the share of wrong pairs of close digits."""
    pairs = np.sum([table_of(*load_round(r).test_classes.cpu().unbind(1)) for r in ROUNDS], axis=0)
    found: dict[str, Any] = {"rounds": str(len(ROUNDS)), "close_pairs": close(pairs)}
    for network in EXPLORATION:
        digits, wrong = (sum_of(saved, network, name) for name in ("digits", "wrong"))
        order = best_order(digits)
        require(f"{network.name}'s scores come in the order of the digits", order == list(range(10)))
        found[network.name] = {
            "digits": f"{100 * digits[range(10), order].sum() / digits.sum():.1f}",
            "close": close(wrong),
        }
        half = 40 < float(found[network.name]["close"]) < 60 and float(found["close_pairs"]) < 30
        require(f"about half of {network.name}'s errors are on equal or neighbouring digits", half)
    return found


def digits_picture(saved: Saved) -> Figure:
    """Draw which score is the highest for which digit, the scores in the best order."""
    figure, both = figure_of(1, 2, 1.9, 4.5)
    for axes, network in zip(both, EXPLORATION, strict=True):
        table = sum_of(saved, network, "digits")
        order = best_order(table)
        share = 100 * table[:, order] / table.sum(1, keepdims=True)
        texts = [[f"{cell:.1f}" if cell else "" for cell in row] for row in share]
        right = 100 * np.trace(table[:, order]) / table.sum()
        title = f"{network.name}: {right:.1f} % on the diagonal"
        draw_table(axes, share, texts, title, ("highest score", "true digit"))
        axes.set_xticklabels(order)
    return figure


def wrong_picture(saved: Saved) -> Figure:
    """Draw how many pairs of each two digits are wrong."""
    figure, both = figure_of(1, 2, 1.9, 4.5)
    for axes, network in zip(both, EXPLORATION, strict=True):
        wrong = sum_of(saved, network, "wrong")
        texts = [[str(cell) if cell else "" for cell in row] for row in wrong]
        total = sum(int(row["total"]) for row in saved.rows(run(network, r) for r in ROUNDS))
        title = f"{network.name}: {wrong.sum()} of {total:,} pairs wrong"
        draw_table(axes, wrong, texts, title, ("second digit", "first digit"))
    return figure


def worst_picture(saved: Saved) -> Figure:
    """Draw the wrong pairs of round 0 that the exploration classes gave the highest probability."""
    pairs = load_round(ROUNDS[0]).test_input.cpu()
    worst = [details_of(saved, network)[0]["worst"] for network in EXPLORATION]
    figure, grid = figure_of(2, max(map(len, worst)), 1.6, 6)
    for line, network, own in zip(grid, EXPLORATION, worst, strict=True):
        line[0].text(-0.12, 0.5, network.name, transform=line[0].transAxes, rotation=90, ha="right", va="center")
        for axes in line:
            axes.axis("off")
        for axes, (n, first, second, probability) in zip(line, own, strict=False):
            said = ">" if first <= second else "≤"
            draw_pair(axes, pairs[n], f"{first}, {second}\npredicted {said}\n{100 * probability:.0f} %")
            axes.title.set_fontsize(6)
    return figure


PICTURES: dict[str, Callable[[Saved], Figure]] = {
    "digits": digits_picture,
    "wrong_pairs": wrong_picture,
    "worst_pairs": worst_picture,
}
