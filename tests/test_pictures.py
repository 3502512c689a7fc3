"""The figures: every saved round is drawn once; the tables; the diagrams."""

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
from experiments import (
    authors,
    aux_weight,
    confirmation,
    diagrams,
    epochs,
    errors,
    head,
    last_layer,
    sharing,
    train_pairs,
)
from experiments.catalogue import PICTURES, jobs_of
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from plain import BASE, EXPLORATION, TEN, WHOLE, Near, accuracies_of

from helpers import SIDE, load_round
from models.WSharing import WSModel


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


def test_a_legend_names_the_networks_of_the_dots() -> None:
    _, axes = figure_of(1, 1, 2)
    drawing.legend(axes, (WS, AUX1), loc="lower right")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["WSModel", "AuxModel1"]
    colours = [to_hex(handle.get_facecolor()[0]) for handle in axes.get_legend().legend_handles]
    assert colours == [COLOURS[WS], COLOURS[AUX1]]
    assert points(axes) == []


# ---------------------------------------------------------------------------------------------------------------------
# Every round


def accuracies(experiment: Any) -> list[float]:
    """Return the accuracy of every run of an experiment that did not diverge."""
    return [accuracy(row) for job in jobs_of(experiment) if not (row := all_saved().by_key[job.key])["error"]]


def of_confirmation(name: str, column: str = "wrong") -> list[float]:
    return accuracies_of(plain.plain("confirmation", name, **WHOLE), column)


def expected_dots() -> dict[Any, list[float]]:
    """Return the heights of all dots of each figure that draws rounds."""
    simple, ws, aux = (of_confirmation(name) for name in BASE)
    ways = ("wrong", "highest_wrong", "joint_wrong")
    experiments = (sharing, last_layer, aux_weight, epochs, train_pairs)
    return {
        **{experiment: accuracies(experiment) for experiment in experiments},
        confirmation: [*accuracies(confirmation), *plain.minus(ws, simple), *plain.minus(aux, ws)],
        head: [value for name in ("AuxModel", "AuxModel1") for way in ways for value in of_confirmation(name, way)],
        authors: [100 - value for value in accuracies(authors)]
        + [error for net in MAIN for rate in (0.1, 0.01) for error in plain.errors_of_authors(net.name, rate)],
    }


def test_every_round_is_drawn_once_at_its_height() -> None:
    for experiment, heights in expected_dots().items():
        axes = experiment.picture(all_saved()).axes
        drawn = [height for each in axes for heights_of_one in dots(each) for height in heights_of_one]
        assert sorted(drawn) == pytest.approx(sorted(heights), abs=1e-9), experiment
        assert all(each.get_ylabel() for each in axes[:1]), experiment


def test_the_names_below_the_strips() -> None:
    def names(axes: Axes) -> list[str]:
        return [label.get_text() for label in axes.get_xticklabels()]

    left, right = confirmation.picture(all_saved()).axes
    assert names(left) == [network.name for network in (SIMPLE, WS, AUX, *MAIN[2:5:2])]
    assert names(right) == ["WSModel\n− SimpleModel", "AuxModel\n− WSModel"]
    untied = ["untied", "untied,\nhalf", "one\nbranch"]
    assert names(sharing.picture(all_saved()).axes[0]) == ["no\nsplit", *untied, *untied]
    layers = ["linear\non scores", "linear\non ReLU", "linear\non softmax", "joint\ncomparison"]
    assert names(last_layer.picture(all_saved()).axes[0]) == layers


# ---------------------------------------------------------------------------------------------------------------------
# Tables and pairs


def test_the_tables_of_the_errors() -> None:
    saved = all_saved()
    for network, *both in zip(
        EXPLORATION, errors.digits_picture(saved).axes, errors.wrong_picture(saved).axes, strict=True
    ):
        details = [json.loads(row["details"]) for row in plain.plain("errors", network)]
        told, wrong = (
            [[sum(of[name][i][j] for of in details) for j in TEN] for i in TEN] for name in ("digits", "wrong")
        )
        texts = [[text.get_text() for text in axes.texts] for axes in both]
        shares = [100 * told[i][j] / sum(told[i]) for i in TEN for j in TEN]
        assert texts[0] == [Near(share, 1) if share else "" for share in shares]
        assert texts[1] == [str(wrong[i][j] or "") for i in TEN for j in TEN]
        right = 100 * sum(told[i][i] for i in TEN) / sum(map(sum, told))
        steps = (-1e-9, 0, 1e-9)
        assert both[0].get_title() in [f"{network}: {right + step:.1f} % on the diagonal" for step in steps]
        pairs = f"{1000 * len(details):,}"
        assert both[1].get_title() == f"{network}: {sum(map(sum, wrong))} of {pairs} pairs wrong"
        for axes in both:
            assert [label.get_text() for label in axes.get_xticklabels()] == list("0123456789")
            assert [label.get_text() for label in axes.get_yticklabels()] == list("0123456789")
            assert axes.yaxis_inverted()


def test_the_worst_pairs() -> None:
    axes = errors.worst_picture(all_saved()).axes
    pairs = load_round(0).test_input
    for line, network in enumerate(EXPLORATION):
        worst = json.loads(plain.plain("errors", network, [0])[0]["details"])["worst"]
        own = axes[len(axes) // 2 * line :]
        for place, (n, first, second, probability) in enumerate(worst):
            said = ">" if first <= second else "≤"
            assert own[place].get_title() == f"{first}, {second}\npredicted {said}\n{100 * probability:.0f} %"
            drawn = torch.tensor(own[place].images[0].get_array())
            assert torch.equal(torch.stack([drawn[:, :SIDE], drawn[:, -SIDE:]]), pairs[n])


def test_the_first_pairs_of_round_0() -> None:
    data = load_round(0)
    found = diagrams.task_picture(SimpleNamespace()).axes
    for axes, (first, second), pair in zip(found, data.train_classes.tolist(), data.train_input, strict=False):
        assert axes.get_title() == f"{first} {'≤' if first <= second else '>'} {second}: class {int(first <= second)}"
        drawn = torch.tensor(axes.images[0].get_array())
        assert torch.equal(drawn[:, :SIDE], pair[0])
        assert torch.equal(drawn[:, -SIDE:], pair[1])
    assert len(found) == 8


def test_the_networks_in_the_figure_have_their_sizes() -> None:
    """Against a calculation by hand."""
    first, second, hidden, last = diagrams.blocks(WSModel().branch, 1)
    assert first.splitlines() == ["conv 3×3", "max-pool 2×2", "ReLU", "32×6×6", f"({32 * 9 + 32})"]
    assert second.splitlines()[-2:] == ["64×2×2", f"({64 * 32 * 9 + 64:,})"]
    assert hidden.splitlines() == ["linear", "ReLU", "150", f"({256 * 150 + 150:,})"]
    assert last.splitlines() == ["linear", "10", f"({150 * 10 + 10:,})"]
    texts = [text.get_text() for text in diagrams.networks_picture(SimpleNamespace()).axes[0].texts]
    titles = [f"{name}, {number} parameters" for name, number in zip(BASE, ("57,956", "58,918", "58,918"), strict=True)]
    assert [text for text in texts if text.endswith(" parameters")] == titles
    assert texts.count("join 20\nReLU\nlinear\n2\n(42)") == 2
    assert sum(text.startswith("+ 0.5 × (cross-entropy") for text in texts) == 1


def test_every_picture_is_tested_here() -> None:
    own = {experiment.__name__.rpartition(".")[2] for experiment in expected_dots()}
    assert set(PICTURES) == own | {"digits", "wrong_pairs", "worst_pairs", "task", "networks"}
    assert mpl.rcParams["axes.grid"] is False  # the style of the figures is theirs alone
