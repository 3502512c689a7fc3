"""The figures: every saved round is drawn once. How else most look, test_report holds to what is committed."""

import matplotlib as mpl
import plain
import pytest
from common import plotting
from common.networks import AUX, MAIN, WS
from common.plotting import STYLES, figure_of
from conftest import all_results
from experiments import confirmation
from experiments.catalogue import pictures
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from plain import BASE
from test_numbers import as_theirs

RATES = (0.1, 0.01)
WITHOUT_DOTS = {"course", "depends", "ladder", "task", "networks"}


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
    assert all(2.8 <= x <= 3.05 for x in first.get_offsets()[:, 0])
    colours = STYLES[WS][0], STYLES[AUX][0]
    assert (to_hex(first.get_facecolor()[0]), to_hex(first.get_edgecolor()[0])) == (colours[0], colours[0])
    assert (len(second.get_facecolor()), to_hex(second.get_edgecolor()[0])) == (0, colours[1])
    assert [container[0].get_xdata()[0] for container in axes.containers] == pytest.approx([3.22, 5.22])
    bar = axes.containers[0]
    assert bar[0].get_ydata()[0] == pytest.approx(2)
    assert bar[2][0].get_segments()[0][:, 1] == pytest.approx([2 - 2.484, 2 + 2.484], abs=0.001)


def test_a_forest_by_hand() -> None:
    """Two networks under each other, filled or hollow, with their intervals."""
    _, axes = figure_of(1, 1, 2)
    numbers = [{"mean": 1.0, "half": 0.5}, {"mean": -2.0, "half": 0.25}]
    for network in (WS, AUX):
        plotting.forest(axes, ["a", "b"], numbers, [True, False], network, network.name)
    marks = [container[0] for container in axes.containers]
    assert [mark.get_xdata()[0] for mark in marks] == [1, -2, 1, -2]
    assert [mark.get_ydata()[0] for mark in marks] == pytest.approx([0, 1, 0.28, 1.28])
    assert [to_hex(mark.get_markerfacecolor()) for mark in marks] == [
        STYLES[WS][0],
        "#ffffff",
        STYLES[AUX][0],
        "#ffffff",
    ]
    assert axes.containers[1][2][0].get_segments()[0][:, 0] == pytest.approx([-2.25, -1.75])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted()


def expected_dots(name: str) -> list[float]:
    """Return the heights of all dots of a figure of rounds."""
    if name == "authors":
        ours = plain.errors([plain_row for net in MAIN for rate in RATES for plain_row in as_theirs(net.name, rate)])
        return ours + [error for net in MAIN for rate in RATES for error in plain.errors_of_authors(net.name, rate)]
    values = {net.name: plain.accuracies(plain.of(net.name, confirmation.ROUNDS, nb_test_pairs=5000)) for net in MAIN}
    simple, ws, aux = (values[network] for network in BASE)
    return [*sum(values.values(), []), *plain.minus(ws, simple), *plain.minus(aux, ws)]


def test_every_round_is_drawn_once_at_its_height() -> None:
    for name in pictures().keys() - WITHOUT_DOTS:
        axes = pictures()[name](all_results()).axes
        drawn = [height for each in axes for height in dots(each)]
        assert sorted(drawn) == pytest.approx(sorted(expected_dots(name)), abs=1e-9), name
        assert axes[0].get_ylabel(), name
    assert mpl.rcParams["axes.grid"] is False  # the style of the figures is theirs alone
