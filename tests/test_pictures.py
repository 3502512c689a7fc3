"""The figures: every saved round is drawn once. How else most look, test_report holds to what is committed."""

import json

import matplotlib as mpl
import plain
import pytest
import torch
from common import plotting
from common.networks import AUX, MAIN, WS
from common.plotting import COLOURS, figure_of
from common.rows import accuracy
from conftest import all_results
from experiments import confirmation, errors
from experiments.catalogue import EXPERIMENTS, jobs_of, pictures
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from plain import BASE, EXPLORATION, TEN

from helpers import SIDE, load_round

WITHOUT_DOTS = {"course", "digits", "worst_pairs", "task", "networks"}


def dots(axes: Axes) -> list[float]:
    """Return the heights of all dots that are drawn, without those of a legend."""
    return [height for found in points(axes) for height in found.get_offsets()[:, 1]]


def points(axes: Axes) -> list[PathCollection]:
    """Return the sets of dots that are drawn, without those of a legend."""
    return [found for found in axes.collections if isinstance(found, PathCollection) and len(found.get_offsets())]


def test_a_strip_by_hand() -> None:
    """Three rounds, and beside them their mean with 4.302653 / sqrt(3) to both sides; hollow dots of another."""
    _, axes = figure_of(1, 1, 2)
    plotting.strip(axes, 3, [1, 2, 3], WS, 0.1)
    plotting.strip(axes, 5, [4, 5, 9], AUX, hollow=True)
    first, second = points(axes)
    assert sorted(dots(axes)) == [1, 2, 3, 4, 5, 9]
    assert all(2.8 <= place <= 3.05 for place in first.get_offsets()[:, 0])
    assert (to_hex(first.get_facecolor()[0]), to_hex(first.get_edgecolor()[0])) == (COLOURS[WS], COLOURS[WS])
    assert (len(second.get_facecolor()), to_hex(second.get_edgecolor()[0])) == (0, COLOURS[AUX])
    assert [container[0].get_xdata()[0] for container in axes.containers] == pytest.approx([3.22, 5.22])
    bar = axes.containers[0]
    assert bar[0].get_ydata()[0] == pytest.approx(2)
    assert bar[2][0].get_segments()[0][:, 1] == pytest.approx([2 - 2.484, 2 + 2.484], abs=0.001)


def test_the_tables_of_the_digits_and_the_worst_pairs() -> None:
    pairs = load_round(0).test_input
    tables, worst = (draw(all_results()).axes for draw in (errors.digits_picture, errors.worst_picture))
    for line, network in enumerate(EXPLORATION):
        details = [json.loads(row["details"]) for row in plain.of(network, errors.ROUNDS)]
        read = [[sum(each["digits"][i][j] for each in details) for j in TEN] for i in TEN]
        shares = [100 * read[i][j] / sum(read[i]) for i in TEN for j in TEN]
        plain.agree([text.get_text() for text in tables[line].texts], [share or "" for share in shares])
        assert tables[line].yaxis_inverted()  # as a table is read
        for axes, (n, first, second, probability) in zip(worst[10 * line :], details[0]["worst"], strict=False):
            predicted = ">" if first <= second else "≤"
            assert axes.get_title() == f"{first}, {second}\npredicted {predicted}\n{100 * probability:.0f} %"
            drawn = torch.tensor(axes.images[0].get_array())
            assert torch.equal(torch.stack([drawn[:, :SIDE], drawn[:, -SIDE:]]), pairs[n])


def expected_dots(name: str) -> list[float]:
    """Return the heights of all dots of a figure of rounds: of most, each run that did not diverge."""
    of_main = {net.name: plain.of(net.name, confirmation.ROUNDS, nb_test_pairs=5000) for net in MAIN}
    simple, ws, aux = (plain.accuracies(of_main[network]) for network in BASE)
    if name == "last_layer":
        columns = ("wrong", "highest_wrong", "joint_wrong")
        return sum((plain.accuracies(of_main[net], each) for net in ("AuxModel", "AuxModel1") for each in columns), [])
    jobs = {job.key: job for job in jobs_of(EXPERIMENTS[name])}
    if name == "train_pairs":  # the ceiling is told in words
        jobs = {key: job for key, job in jobs.items() if job.settings["nb_train_pairs"] < 30_000}
    jobs = {key: job for key, job in jobs.items() if "branch_rate" not in job.settings}  # told in words, too
    values = [accuracy(row) for key in jobs if not (row := all_results().by_key[key])["error"]]
    if name == "authors":
        errors_of_all = [plain.errors_of_authors(net.name, rate) for net in MAIN for rate in (0.1, 0.01)]
        return [100 - value for value in values] + sum(errors_of_all, [])
    return values + (plain.minus(ws, simple) + plain.minus(aux, ws) if name == "confirmation" else [])


def test_every_round_is_drawn_once_at_its_height() -> None:
    for name in pictures().keys() - WITHOUT_DOTS:
        axes = pictures()[name](all_results()).axes
        drawn = [height for each in axes for height in dots(each)]
        assert sorted(drawn) == pytest.approx(sorted(expected_dots(name)), abs=1e-9), name
        assert axes[0].get_ylabel(), name
    assert mpl.rcParams["axes.grid"] is False  # the style of the figures is theirs alone
