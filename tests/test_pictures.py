"""The figures: every round is drawn, with the means and intervals of the saved files; the tables; the diagrams."""

import json
from collections.abc import Sequence
from statistics import mean
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import plain
import pytest
import torch
from common import drawing
from common.drawing import COLOURS, MARKERS, figure_of
from common.networks import AUX, AUX1, MAIN, SIMPLE, WS, WS1, Network
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
from experiments.catalogue import PICTURES
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from plain import BASE, EXPLORATION, TEN, WHOLE, Near, accuracies_of, half_width
from test_numbers_of_authors import REBUILT, errors_as_theirs
from test_numbers_of_controls import (
    NUMBERS_OF_PAIRS,
    WAYS,
    WEIGHTS,
    after_epochs,
    from_pairs,
    of_size,
    rows_by_last_layer,
    rows_of_weight,
)

from helpers import SIDE, load_round
from models.WSharing import WSModel

Strip = tuple[Network, Sequence[float], bool]  # a network, its values, and whether its dots are hollow


def points(axes: Axes) -> list[PathCollection]:
    """Return the sets of dots that are drawn, without those of a legend."""
    return [found for found in axes.collections if isinstance(found, PathCollection) and len(found.get_offsets())]


def dots(axes: Axes) -> list[list[float]]:
    """Return the heights of each set of dots, sorted."""
    return [sorted(found.get_offsets()[:, 1]) for found in points(axes)]


def intervals(axes: Axes) -> list[tuple[float, float, float]]:
    """Return the middle, the low and the high end of each interval that is drawn."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        segments = container[2][0].get_segments()
        for middle, ((_, low), (_, high)) in zip(container[0].get_ydata(), segments, strict=True):
            found.append((middle, low, high))
    return found


def interval(values: Sequence[float]) -> Any:
    """Return the mean of values and its interval, to be compared."""
    return pytest.approx((mean(values), mean(values) - half_width(values), mean(values) + half_width(values)))


def looks(found: PathCollection) -> tuple[str, Any, bool]:
    """Return the colour and the shape of dots, and whether they are hollow."""
    shape = found.get_paths()[0].vertices.round(6).tolist()
    return to_hex(found.get_edgecolor()[0]), shape, len(found.get_facecolor()) == 0


def assert_strips(axes: Axes, expected: Sequence[Strip], labels: Sequence[str]) -> None:
    """Assert that each strip has every round, its mean and interval, and the looks of its network; and the names."""
    assert dots(axes) == [pytest.approx(sorted(values), abs=1e-9) for _, values, _ in expected]
    assert intervals(axes) == [interval(values) for _, values, _ in expected]
    _, other = figure_of(1, 1, 2)
    for found, (network, _, hollow) in zip(points(axes), expected, strict=True):
        dot = other.scatter([0], [0], marker=MARKERS[network], color=COLOURS[network])
        assert looks(found) == (*looks(dot)[:2], hollow)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(labels)


def assert_curves(axes: Axes, expected: dict[Network, Sequence[Sequence[float]]], places: Sequence[float]) -> None:
    """Assert that each network has every round at every place, and a line through its means with their intervals."""
    every = [values for several in expected.values() for values in several]
    assert dots(axes) == [pytest.approx(sorted(values)) for values in every]
    assert intervals(axes) == [interval(values) for values in every]
    for container, (network, several) in zip(axes.containers, expected.items(), strict=True):
        line = container[0]
        assert list(line.get_xdata()) == list(places[: len(several)])
        assert (line.get_color(), container.get_label()) == (COLOURS[network], network.name)
    assert list(axes.get_xticks()) == list(places)


def solid(network: Network, values: Sequence[float]) -> Strip:
    return network, values, False


def test_each_network_has_a_colour_and_a_marker_of_its_own() -> None:
    assert set(COLOURS) == set(MARKERS) == set(MAIN)
    assert len(set(COLOURS.values())) == len(set(MARKERS.values())) == len(MAIN)


def test_a_strip_by_hand() -> None:
    _, axes = figure_of(1, 1, 2)
    drawing.strip(axes, 3, [1, 2, 3], WS, 0.1)
    drawing.strip(axes, 5, [4, 5, 9], AUX, hollow=True)
    assert [[2.8 <= place <= 3.05 for place in points(axes)[0].get_offsets()[:, 0]]] == [[True] * 3]
    assert [looks(found)[2] for found in points(axes)] == [False, True]
    assert [container[0].get_xdata()[0] for container in axes.containers] == pytest.approx([3.22, 5.22])
    assert intervals(axes)[0] == pytest.approx((2, 2 - 2.484, 2 + 2.484), abs=0.001)  # 4.302653 / sqrt(3)


def test_a_legend_names_the_networks_of_the_dots() -> None:
    _, axes = figure_of(1, 1, 2)
    drawing.legend(axes, (WS, AUX1), loc="lower right")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["WSModel", "AuxModel1"]
    colours = [to_hex(handle.get_facecolor()[0]) for handle in axes.get_legend().legend_handles]
    assert colours == [COLOURS[WS], COLOURS[AUX1]]
    assert dots(axes) == []


# ---------------------------------------------------------------------------------------------------------------------
# Every round


def test_the_confirmation() -> None:
    accuracies = {
        network: plain.percent("confirmation", network.name, **WHOLE) for network in (SIMPLE, WS, AUX, WS1, AUX1)
    }
    left, right = confirmation.picture(all_saved()).axes
    assert_strips(left, [solid(*own) for own in accuracies.items()], [network.name for network in accuracies])
    differences = [
        solid(WS, plain.minus(accuracies[WS], accuracies[SIMPLE])),
        solid(AUX, plain.minus(accuracies[AUX], accuracies[WS])),
    ]
    assert_strips(right, differences, ["WSModel\n− SimpleModel", "AuxModel\n− WSModel"])
    assert (left.get_ylabel(), right.get_ylabel()) == ("test accuracy (%)", "difference (points)")


def test_the_authors_rounds_beside_ours() -> None:
    for axes, rate in zip(authors.picture(all_saved()).axes, (0.1, 0.01), strict=True):
        strips = []
        for network in MAIN:
            strips.append((network, plain.errors_of_authors(network.name, rate), True))
            strips.append((network, errors_as_theirs(network.name, rate), False))
        assert_strips(axes, strips, [name.replace("Model", "\nModel") for name in REBUILT])
        assert (axes.get_title(), axes.get_ylabel()) == (f"learning rate {rate}", "test error (%)")


def test_sharing() -> None:
    parts = [("SimpleModel", "whole", SIMPLE), ("UntiedModel", "whole", WS), ("UntiedModel", "half", WS)]
    parts += [("WSModel", "whole", WS), ("UntiedAuxModel", "whole", AUX), ("UntiedAuxModel", "half", AUX)]
    parts += [("AuxModel", "whole", AUX)]
    names = ["untied", "untied,\nhalf", "one\nbranch"]
    for axes, number in zip(sharing.picture(all_saved()).axes, (50, 150), strict=True):
        strips = []
        for name, size, network in parts:
            finished = [row for row in of_size(name, size, number) if not row["error"]]
            strips.append((network, accuracies_of(finished), name.startswith("Untied")))
        assert_strips(axes, strips, ["no\nsplit", *names, *names])
        assert axes.get_title() == f"{number} epochs"


def test_the_last_layers() -> None:
    (axes,) = last_layer.picture(all_saved()).axes
    strips = [
        solid(net, accuracies_of(own))
        for both in rows_by_last_layer().values()
        for net, own in zip((WS, AUX), both, strict=True)
    ]
    assert_strips(axes, strips, [name.replace(" ", "\n", 1) for name in rows_by_last_layer()])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["WSModel", "AuxModel"]


def test_the_ways_to_compare_two_digits() -> None:
    (axes,) = head.picture(all_saved()).axes
    strips, names = [], []
    texts = {"own": "own last layer", "highest": "two highest scores", "joint": "joint comparison"}
    for network in (AUX, AUX1):
        for way, column in WAYS.items():
            strips.append(solid(network, accuracies_of(plain.plain("confirmation", network.name, **WHOLE), column)))
            names.append(f"{network.name}\n{texts[way]}")
    assert_strips(axes, strips, names)


def test_the_auxiliary_weights() -> None:
    (axes,) = aux_weight.picture(all_saved()).axes
    finished = [[row for row in rows_of_weight(weight) if not row["error"]] for weight in WEIGHTS]
    assert_curves(axes, {AUX: [accuracies_of(found) for found in finished]}, WEIGHTS)
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(weight) for weight in WEIGHTS]
    size = len(plain.ROUNDS["aux_weight"])
    lost = [f"{size - len(found)} of {size} runs\ndiverged" for found in finished if len(found) < size]
    assert [text.get_text() for text in axes.texts] == lost


def test_the_epochs() -> None:
    (axes,) = epochs.picture(all_saved()).axes
    places = (3, 6, 12, 25, 50, 100)
    curves = {net: [after_epochs(net.name, n) for n in places] for net in (SIMPLE, WS, AUX)}
    assert_curves(axes, curves, places)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(BASE)


def test_the_training_pairs() -> None:
    (axes,) = train_pairs.picture(all_saved()).axes
    numbers = {network: NUMBERS_OF_PAIRS if network.name in BASE else NUMBERS_OF_PAIRS[:4] for network in MAIN}
    order = (SIMPLE, WS, AUX, WS1, AUX1)
    assert_curves(axes, {net: [from_pairs(net.name, n) for n in numbers[net]] for net in order}, NUMBERS_OF_PAIRS)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["125", "250", "500", "1k", "2k", "4k", "8k"]


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
    own = {"confirmation", "authors", "sharing", "last_layer", "head", "aux_weight", "epochs", "train_pairs"}
    assert set(PICTURES) == own | {"digits", "wrong_pairs", "worst_pairs", "task", "networks"}
    assert mpl.rcParams["axes.grid"] is False  # the style of the figures is theirs alone
