"""The figures: every saved round is drawn once; the tables of errors; the diagrams."""

import json
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import plain
import pytest
import torch
from common import drawing
from common.drawing import COLOURS, MARKERS, figure_of
from common.networks import AUX, AUX1, MAIN, SIMPLE, WS
from common.rows import accuracy
from conftest import all_saved
from experiments import confirmation, course, diagrams, errors, sharing
from experiments.catalogue import BY_NAME, jobs_of, pictures
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from plain import BASE, EXPLORATION, TEN

from helpers import SIDE, load_round
from models.WSharing import WSModel

LONG = {**plain.VALIDATION, "nb_epochs": 100}
WITHOUT_DOTS = {"course", "digits", "worst_pairs", "task", "networks"}


def points(axes: Axes) -> list[PathCollection]:
    """Return the sets of dots that are drawn, without those of a legend."""
    return [found for found in axes.collections if isinstance(found, PathCollection) and len(found.get_offsets())]


def dots(axes: Axes) -> list[list[float]]:
    """Return the heights of each set of dots, sorted."""
    return [sorted(found.get_offsets()[:, 1]) for found in points(axes)]


def test_each_network_has_a_colour_and_a_marker_of_its_own() -> None:
    assert set(COLOURS) == set(MARKERS) == set(MAIN)
    assert len(set(COLOURS.values())) == len(set(MARKERS.values())) == len(MAIN)


def test_a_strip_by_hand() -> None:
    """Three rounds, and beside them their mean with 4.302653 / sqrt(3) to both sides; hollow dots of another."""
    _, axes = figure_of(1, 1, 2)
    drawing.strip(axes, 3, [1, 2, 3], WS, 0.1)
    drawing.strip(axes, 5, [4, 5, 9], AUX, hollow=True)
    first, second = points(axes)
    assert dots(axes) == [[1, 2, 3], [4, 5, 9]]
    assert all(2.8 <= place <= 3.05 for place in first.get_offsets()[:, 0])
    assert (to_hex(first.get_facecolor()[0]), to_hex(first.get_edgecolor()[0])) == (COLOURS[WS], COLOURS[WS])
    assert (len(second.get_facecolor()), to_hex(second.get_edgecolor()[0])) == (0, COLOURS[AUX])
    assert [container[0].get_xdata()[0] for container in axes.containers] == pytest.approx([3.22, 5.22])
    bar = axes.containers[0]
    assert bar[0].get_ydata()[0] == pytest.approx(2)
    assert bar[2][0].get_segments()[0][:, 1] == pytest.approx([2 - 2.484, 2 + 2.484], abs=0.001)


def test_a_curve_by_hand() -> None:
    _, axes = figure_of(1, 1, 2)
    drawing.curve(axes, [10, 100], [[1, 2, 3], [4, 5, 9]], AUX1)
    (container,) = axes.containers
    assert (list(container[0].get_xdata()), list(container[0].get_ydata())) == ([10, 100], pytest.approx([2, 6]))
    assert (container[0].get_color(), container.get_label()) == (COLOURS[AUX1], "AuxModel1")
    assert dots(axes) == [[1, 2, 3], [4, 5, 9]]


def expected_dots(name: str) -> list[float]:
    """Return the heights of all dots of a figure of rounds: of most, each run that did not diverge."""
    of_main = {net.name: plain.of(net.name, confirmation.ROUNDS, nb_test_pairs=5000) for net in MAIN}
    simple, ws, aux = (plain.accuracies(of_main[network]) for network in BASE)
    if name == "head":
        columns = ("wrong", "highest_wrong", "joint_wrong")
        return [
            value
            for net in ("AuxModel", "AuxModel1")
            for each in columns
            for value in plain.accuracies(of_main[net], each)
        ]
    jobs = {job.key: job for job in jobs_of(BY_NAME[name])}
    if name == "train_pairs":  # the ceiling is told in words
        jobs = {key: job for key, job in jobs.items() if job.settings["nb_train_pairs"] < 30_000}
    jobs = {key: job for key, job in jobs.items() if "branch_rate" not in job.settings}  # told in words, too
    values = [accuracy(row) for key in jobs if not (row := all_saved().by_key[key])["error"]]
    if name == "authors":
        errors_of_all = [plain.errors_of_authors(net.name, rate) for net in MAIN for rate in (0.1, 0.01)]
        return [100 - value for value in values] + sum(errors_of_all, [])
    return values + (plain.minus(ws, simple) + plain.minus(aux, ws) if name == "confirmation" else [])


def test_every_round_is_drawn_once_at_its_height() -> None:
    for name in pictures().keys() - WITHOUT_DOTS:
        axes = pictures()[name](all_saved()).axes
        drawn = [height for each in axes for heights in dots(each) for height in heights]
        assert sorted(drawn) == pytest.approx(sorted(expected_dots(name)), abs=1e-9), name
        assert axes[0].get_ylabel(), name
    assert mpl.rcParams["axes.grid"] is False  # the style of the figures is theirs alone


def test_the_names_below_the_strips() -> None:
    def names(axes: Axes) -> list[str]:
        return [label.get_text() for label in axes.get_xticklabels()]

    left, right = confirmation.picture(all_saved()).axes
    assert names(left) == [network.name for network in (SIMPLE, WS, AUX, *MAIN[2:5:2])]
    assert names(right) == ["WSModel\n− SimpleModel", "AuxModel\n− WSModel"]
    untied = ["untied", "untied,\nhalf", "one\nbranch"]
    assert names(sharing.picture(all_saved()).axes[0]) == ["no\nsplit", *untied, *untied]


def details_of(network: str) -> list[dict[str, Any]]:
    return [json.loads(row["details"]) for row in plain.of(network, errors.ROUNDS)]


def test_the_tables_of_the_digits() -> None:
    for network, axes in zip(EXPLORATION, errors.digits_picture(all_saved()).axes, strict=True):
        tables = [details["digits"] for details in details_of(network)]
        read = [[sum(table[i][j] for table in tables) for j in TEN] for i in TEN]
        shares = [100 * read[i][j] / sum(read[i]) for i in TEN for j in TEN]
        plain.agree([text.get_text() for text in axes.texts], [share or "" for share in shares])
        name, right = axes.get_title().removesuffix(" % on the diagonal").split(": ")
        plain.agree([name, right], [network, 100 * sum(read[i][i] for i in TEN) / sum(map(sum, read))])
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            assert [label.get_text() for label in labels] == list("0123456789")
        assert axes.yaxis_inverted()


def test_every_run_of_the_course_is_drawn() -> None:
    left, right = course.picture(all_saved()).axes
    expected = [json.loads(row["details"]) for name in BASE for row in plain.of(name, course.ROUNDS, **LONG)]
    for axes, values in (
        (left, [[loss for loss, *_ in epochs] for epochs in expected]),
        (right, [[100 - wrong / 50 for *_, wrong in epochs] for epochs in expected]),
    ):
        assert [list(line.get_ydata()) for line in axes.lines] == [pytest.approx(heights) for heights in values]
        assert all(list(line.get_xdata()) == list(range(1, 101)) for line in axes.lines)
        assert [line.get_linewidth() > 1 for line in axes.lines] == ([True] + [False] * (len(course.ROUNDS) - 1)) * 3
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(BASE)


def test_the_worst_pairs() -> None:
    axes = errors.worst_picture(all_saved()).axes
    pairs = load_round(0).test_input
    for line, network in enumerate(EXPLORATION):
        for place, (n, first, second, probability) in enumerate(details_of(network)[0]["worst"]):
            one = axes[len(axes) // 2 * line + place]
            predicted = ">" if first <= second else "≤"
            assert one.get_title() == f"{first}, {second}\npredicted {predicted}\n{100 * probability:.0f} %"
            drawn = torch.tensor(one.images[0].get_array())
            assert torch.equal(torch.stack([drawn[:, :SIDE], drawn[:, -SIDE:]]), pairs[n])


def test_the_first_pairs_of_round_0() -> None:
    data = load_round(0)
    found = diagrams.task_picture(SimpleNamespace()).axes
    for axes, (first, second), pair in zip(found, data.train_classes.tolist(), data.train_input, strict=False):
        assert axes.get_title() == f"{first} {'≤' if first <= second else '>'} {second}: class {int(first <= second)}"
        drawn = torch.tensor(axes.images[0].get_array())
        assert torch.equal(torch.stack([drawn[:, :SIDE], drawn[:, -SIDE:]]), pair)
    assert len(found) == 8


def test_the_networks_in_the_figure_have_their_sizes() -> None:
    """Against a calculation by hand."""
    first, second, hidden, last = diagrams.blocks(WSModel().branch, 1)
    assert first.splitlines() == ["conv 3×3", "pool 2×2", "ReLU", "32×6×6", f"({32 * 9 + 32})"]
    assert second.splitlines()[-2:] == ["64×2×2", f"({64 * 32 * 9 + 64:,})"]
    assert hidden.splitlines() == ["linear", "ReLU", "150", f"({256 * 150 + 150:,})"]
    assert last.splitlines() == ["linear", "10", f"({150 * 10 + 10:,})"]
    texts = [text.get_text() for text in diagrams.networks_picture(SimpleNamespace()).axes[0].texts]
    titles = ["SimpleModel, 57,956", "WSModel and AuxModel, 58,918", "WSModel1 and AuxModel1, 59,368"]
    assert [text for text in texts if text.endswith(" parameters")] == [f"{title} parameters" for title in titles]
    assert texts.count("join 20\nReLU\nlinear\n2\n(42)") == 1
    assert sum("+ 0.5 × digits" in text for text in texts) == 1
