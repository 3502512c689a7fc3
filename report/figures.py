"""The figures of the report and of README, drawn from the saved results alone; the images of digits are MNIST's.

report/build.py draws them, to report/figures/*.svg: vector graphics in one style. Every round is a dot; what is black
is a mean with its 95 % interval. Colours differ in grey, too, and each network has a marker of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from evidence import accuracies, claims_of, finished, in_rounds, judged, read_table
from inference import mean_and_interval
from rows import NETWORKS, RESULTS
from scipy.optimize import linear_sum_assignment
from study import (
    AUX_WEIGHTS,
    BASE,
    CLAIMS_ROUNDS,
    EPOCHS,
    EXPLORATION,
    LAST_LAYERS,
    PUBLISHED,
    PUBLISHED_EPOCHS,
    ROUNDS,
    TRAIN_PAIRS,
    UNTIED,
    VALIDATION_ROUNDS,
    aux_weight,
    epochs,
    last_layer,
    numbers_of_pairs,
    published,
    sharing,
    train_pairs,
)
from torch import Tensor, nn

from helpers import AUX_WEIGHT, SIDE, load_round, nb_parameters

FIGURES = RESULTS.parent / "figures"
WIDTH = 6.9  # inches, that of the report's text
COLOURS = {"SimpleModel": "#404040", "WSModel": "#e69f00", "AuxModel": "#0072b2"}
COLOURS |= {"WSModel1": "#d55e00", "AuxModel1": "#56b4e9"}
MARKERS = {"SimpleModel": "o", "WSModel": "s", "AuxModel": "^", "WSModel1": "D", "AuxModel1": "v"}
STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e0e0e0",
    "legend.fontsize": 7,
    "legend.frameon": False,
    "svg.hashsalt": "the same names in each file that is drawn again",
    "svg.image_inline": True,
    "figure.constrained_layout.use": True,
}


def spread(values: Sequence[float], width: float) -> list[float]:
    """Return a sideways place for each dot, of -width to width, so that neighbours in height are apart."""
    places = [0.0] * len(values)
    for rank, index in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        places[index] = width * ((rank * 0.618034) % 1 * 2 - 1)  # the golden ratio: close ranks are far apart
    return places


def interval(axes: plt.Axes, place: float, values: Sequence[float]) -> None:
    """Draw the mean with its 95 % interval."""
    middle, half = mean_and_interval(values)
    axes.errorbar([place], [middle], [half], fmt="_", color="k", markersize=7, capsize=2, linewidth=1.2)


def strip(axes: plt.Axes, place: float, values: Sequence[float], network: str, width: float = 0.16) -> None:
    """Draw every round as a dot, and beside them the mean with its 95 % interval."""
    places = [place - 0.08 + offset for offset in spread(values, width)]
    axes.scatter(places, values, s=9, color=COLOURS[network], marker=MARKERS[network], linewidths=0, alpha=0.8)
    interval(axes, place + 0.22, values)


def named(axes: plt.Axes, names: Iterable[str]) -> None:
    """Write names under the places 0, 1, 2, ..."""
    names = list(names)
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="x", length=0)


def curve(axes: plt.Axes, places: Sequence[float], values: Sequence[Sequence[float]], network: str) -> None:
    """Draw a network's rounds at each place, and a line through their means."""
    for place, rounds in zip(places, values, strict=True):
        axes.scatter([place] * len(rounds), rounds, s=5, color=COLOURS[network], marker=MARKERS[network], alpha=0.35)
    style = {"color": COLOURS[network], "marker": MARKERS[network], "markersize": 4, "linewidth": 1.4}
    axes.plot(places, [mean(rounds) for rounds in values], label=network, **style)


# ---------------------------------------------------------------------------------------------------------------------
# The task and the networks


def draw_pair(axes: plt.Axes, pair: Tensor, title: str) -> None:
    """Draw a pair (2, 14, 14), the first digit on the left."""
    gap = torch.full((SIDE, 1), pair.max().item())
    axes.imshow(torch.cat([pair[0], gap, pair[1]], 1), cmap="gray_r", interpolation="none")
    axes.set_title(title, fontsize=7, fontweight="normal")
    axes.axis("off")


def task() -> plt.Figure:
    """Draw the first training pairs of round 0."""
    data = load_round(0)
    figure, line = plt.subplots(1, 8, figsize=(WIDTH, 0.85))
    for axes, pair, (first, second), target in zip(
        line, data.train_input, data.train_classes.tolist(), data.train_target.tolist(), strict=False
    ):
        draw_pair(axes, pair, f"{first} {'≤' if target else '>'} {second}: class {target}")
    return figure


def blocks(layers: nn.Sequential, channels: int) -> list[str]:
    """Return a text for each layer with weights and what follows it: its parts, its output and its parameters."""
    found: list[list[Any]] = []
    x = torch.zeros(2, channels, SIDE, SIDE)
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            name = "conv 3×3" if isinstance(layer, nn.Conv2d) else "linear"
            found.append([[name], x.shape, nb_parameters(layer)])
        elif not isinstance(layer, nn.Flatten):
            name = "max-pool 2×2" if isinstance(layer, nn.MaxPool2d) else type(layer).__name__
            found[-1][0].append(name)
            found[-1][1] = x.shape
    return [
        "\n".join(parts) + "\n" + "×".join(map(str, shape[1:])) + f"\n({parameters:,})"
        for parts, shape, parameters in found
    ]


def box(axes: plt.Axes, x: float, y: float, text: str, colour: str = "w", width: float = 0.92) -> None:
    """Draw a text in a box around (x, y)."""
    height = 0.19 * (text.count("\n") + 1) + 0.16
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(
        mpl.patches.FancyBboxPatch(
            corner, width, height, boxstyle="round,pad=0,rounding_size=0.06", facecolor=colour, linewidth=0.7
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=6.3, linespacing=1.25)


def arrow(axes: plt.Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "linewidth": 0.7, "color": "k", "shrinkA": 0})


def networks() -> plt.Figure:
    """Draw the three networks with their layers' outputs and parameters, taken from the networks themselves."""
    figure, axes = plt.subplots(figsize=(WIDTH, 4.3))
    axes.set(xlim=(0, 7.6), ylim=(-0.55, 4.85))
    axes.axis("off")
    axes.grid(visible=False)
    shared, step, first = "#fdeecb", 1.06, 1.55

    def chain(y: float, texts: list[str], colour: str) -> float:
        for n, text in enumerate(texts):
            box(axes, first + n * step, y, text, colour)
            if n:
                arrow(axes, (first + (n - 1) * step + 0.46, y), (first + n * step - 0.46, y))
        return first + (len(texts) - 1) * step

    def title(y: float, name: str) -> None:
        parameters = nb_parameters(NETWORKS[name][0]())
        axes.text(0, y, f"{name}, {parameters:,} parameters", fontweight="bold", fontsize=8)

    def loss(x: float, y: float, text: str) -> None:
        axes.text(x, y, text, ha="left", va="center", fontsize=6.3, style="italic")

    y = 4.1
    title(y + 0.68, "SimpleModel")
    box(axes, 0.45, y, f"both digits\n2×{SIDE}×{SIDE}", width=0.8)
    arrow(axes, (0.86, y), (first - 0.46, y))
    end = chain(y, blocks(NETWORKS["SimpleModel"][0]().layers, 2), "#eeeeee")
    arrow(axes, (end + 0.46, y), (end + 0.72, y))
    loss(end + 0.76, y, "cross-entropy\nof the comparison")

    for y, name in ((2.4, "WSModel"), (0.6, "AuxModel")):
        model = NETWORKS[name][0]()
        title(y + 0.72, name)
        for up, text in ((0.3, "first digit"), (-0.3, "second digit")):
            box(axes, 0.45, y + up, f"{text}\n1×{SIDE}×{SIDE}", width=0.8)
            arrow(axes, (0.86, y + up), (first - 0.46, y + up / 3))
        end = chain(y, blocks(model.branch, 1), shared)
        final = end + step + 0.12
        text = f"join {model.final.in_features}\n{type(model.merge).__name__}\nlinear\n{model.final.out_features}"
        box(axes, final, y, f"{text}\n({nb_parameters(model.final):,})", "#eeeeee")
        for up in (0.1, -0.1):
            arrow(axes, (end + 0.46, y + up), (final - 0.46, y + up))
        arrow(axes, (final + 0.46, y), (final + 0.66, y))
        loss(final + 0.7, y, "cross-entropy\nof the comparison")
        middle, left, right = y - 0.66, first - 0.46, end + 0.46
        axes.plot([left, left, right, right], [middle + 0.06, middle, middle, middle + 0.06], color="k", linewidth=0.7)
        share = "one branch, the same weights for both digits: ten scores each"
        axes.text((left + right) / 2, middle - 0.12, share, ha="center", fontsize=6.3)
    x, low = end + 0.58, -0.28
    axes.plot([x, x], [y - 0.1, low], color="k", linewidth=0.7)
    arrow(axes, (x, low), (final - 0.4, low))
    loss(final - 0.36, low, f"+ {AUX_WEIGHT:g} × (cross-entropy of the first\n+ of the second digit's class)")
    return figure


# ---------------------------------------------------------------------------------------------------------------------
# The claims and the controls


def claims_figure() -> plt.Figure:
    """Draw the accuracies of the three networks in each round, and the differences that the claims are about."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.5), width_ratios=[3, 2])
    values = [accuracies(claims_of(network)) for network in BASE]
    for one_round in zip(*values, strict=True):
        left.plot(range(3), one_round, color="#bbbbbb", linewidth=0.5, zorder=1)
    for place, (network, own) in enumerate(zip(BASE, values, strict=True)):
        left.scatter([place] * len(own), own, s=10, color=COLOURS[network], marker=MARKERS[network], zorder=2)
        interval(left, place + 0.12, own)
    named(left, BASE)
    left.set(title="Each line is a round", ylabel="test accuracy (%)")
    for place, claim in enumerate(judged()):
        strip(right, place, claim.found.differences, claim.better)
    right.axhline(0, color="k", linewidth=0.7)
    named(right, (f"{claim.better}\n− {claim.worse}" for claim in judged()))
    right.set(title="Differences within rounds", ylabel="difference (points)")
    return figure


def controls() -> plt.Figure:
    """Draw what sharing and splitting are worth, the last layers, and the published networks."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.6), width_ratios=[9, 8, 11])
    parts = [("SimpleModel", claims_of("SimpleModel"), "no\nsplit")]
    for untied, tied in zip(UNTIED, BASE[1:], strict=True):
        parts += [
            (tied, in_rounds(sharing, untied, rounds=CLAIMS_ROUNDS), "split"),
            (tied, claims_of(tied), "shared"),
        ]
    for place, (network, jobs, _) in enumerate(parts):
        strip(left, place, accuracies(jobs), network)
    named(left, (name for *_, name in parts))
    left.set(title="(2) Splitting and sharing", ylabel="test accuracy (%)")
    left.margins(y=0.12)
    for place, text in ((1, "no digit labels"), (3.5, "digit labels")):
        left.text(place, 1.0, text, ha="center", va="top", fontsize=7, transform=left.get_xaxis_transform())
    left.axvline(2.5, color="k", linewidth=0.5, linestyle=":")
    for place, (without, labelled, model) in enumerate(LAST_LAYERS.values()):
        for name, as_network, shift in ((without, "WSModel", -0.25), (labelled, "AuxModel", 0.2)):
            values = accuracies(in_rounds(last_layer, name, model))
            strip(middle, place + shift, values, as_network, 0.08)
    named(middle, ("scores", "ReLU", "softmax", "joint"))
    middle.set(title="(5) Last layer")
    facts = {(row["network"], int(row["epochs"])): row for row in read_table("published_facts")}
    for place, network in enumerate(PUBLISHED):
        name = network.removeprefix("Published")
        for nb_epochs, shift in zip(PUBLISHED_EPOCHS, (-0.25, 0.22), strict=True):
            values = accuracies(in_rounds(published, network, nb_epochs))
            strip(right, place + shift, values, name, 0.07)
            if fact := facts.get((name, nb_epochs)):
                low, high = float(fact["low"]), float(fact["high"])
                right.plot(
                    [place + shift + 0.13] * 2, [low, high], color="#cc0000", marker="_", linewidth=2.5, alpha=0.6
                )
    named(right, (network.removeprefix("Published").replace("Model", "") for network in PUBLISHED))
    right.set(title="(6) Published networks")
    return figure


def growth() -> plt.Figure:
    """Draw accuracy against the auxiliary weight, the training pairs and the epochs."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.7))
    values = [accuracies(finished(in_rounds(aux_weight, weight))) for weight in AUX_WEIGHTS]
    curve(left, range(len(AUX_WEIGHTS)), values, "AuxModel")
    for place, own in enumerate(values):
        if len(own) < len(ROUNDS):
            text = f"{len(ROUNDS) - len(own)} of {len(ROUNDS)}\ndiverged"
            left.text(place - 0.2, left.get_ylim()[0], text, ha="right", va="bottom", fontsize=6.5)
    left.set_xticks(range(len(AUX_WEIGHTS)), [f"{weight:g}" for weight in AUX_WEIGHTS])
    left.set(title="(3) Auxiliary weight", xlabel="weight of each digit's loss", ylabel="test accuracy (%)")

    def points(axes: plt.Axes, xs: Sequence[int], make: Callable, network: str, rounds: range = ROUNDS) -> None:
        curve(axes, xs, [accuracies(in_rounds(make, network, x, rounds=rounds)) for x in xs], network)

    for network in (*BASE, *EXPLORATION):
        points(middle, numbers_of_pairs(network), train_pairs, network)
    middle.set(title="(4) Training pairs", xlabel="training pairs", xscale="log")
    middle.set_xticks(TRAIN_PAIRS, [f"{n}" if n < 1000 else f"{n // 1000}k" for n in TRAIN_PAIRS], fontsize=7)
    middle.minorticks_off()
    figure.legend(*middle.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    for network in BASE:
        points(right, EPOCHS, epochs, network, rounds=VALIDATION_ROUNDS)
    right.set(title="(7) Epochs", xlabel="epochs", ylabel="validation accuracy (%)", xscale="log")
    right.set_xticks(EPOCHS, [str(n) for n in EPOCHS])
    right.minorticks_off()
    return figure


# ---------------------------------------------------------------------------------------------------------------------
# The exploration classes


def best_order(table: np.ndarray) -> list[int]:
    """Return the order of the scores, columns, in which the most digits, rows, are on the diagonal."""
    return linear_sum_assignment(table, maximize=True)[1].tolist()


def draw_table(axes: plt.Axes, table: np.ndarray, texts: np.ndarray, title: str, labels: tuple[str, str]) -> None:
    """Draw a 10 x 10 table, a darker cell for a higher share, with a text in each cell."""
    axes.pcolormesh(table, cmap="Blues", vmin=0, edgecolors="w", linewidth=0.2)
    for row, column in np.ndindex(10, 10):
        dark = table[row, column] > 0.6 * table.max()
        colour = "w" if dark else "k"
        axes.text(column + 0.5, row + 0.5, texts[row, column], ha="center", va="center", fontsize=5.5, color=colour)
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], aspect="equal")
    axes.set_xticks(np.arange(10) + 0.5, range(10))
    axes.set_yticks(np.arange(10) + 0.5, range(10))
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def digits_table(network: str) -> np.ndarray:
    """Return how many images of each digit, rows, each score won, columns."""
    table = np.zeros((10, 10), dtype=int)
    for row in read_table("digits"):
        if row["network"] == network:
            table[int(row["digit"]), int(row["score"])] = int(row["images"])
    return table


def digits() -> plt.Figure:
    """Draw which score wins for which digit, the scores in the best order."""
    figure, both = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for axes, network in zip(both, EXPLORATION, strict=True):
        table = digits_table(network)
        order = best_order(table)
        share = 100 * table[:, order] / table.sum(1, keepdims=True)
        texts = np.array([[f"{cell:.1f}" if cell else "" for cell in row] for row in share])
        right = 100 * np.trace(table[:, order]) / table.sum()
        title = f"{network}: {right:.1f} % of digits on the diagonal"
        draw_table(axes, share, texts, title, ("score that wins", "digit (each row: % of its images)"))
        axes.set_xticklabels(order)
    return figure


def wrong_pairs() -> plt.Figure:
    """Draw how many pairs of each two digits are wrong."""
    figure, both = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for axes, network in zip(both, EXPLORATION, strict=True):
        rows = [row for row in read_table("pairs") if row["network"] == network]
        wrong = np.array([int(row["wrong"]) for row in rows]).reshape(10, 10)
        texts = np.where(wrong > 0, wrong.astype(str), "")
        title = f"{network}: {wrong.sum()} of {sum(int(row['pairs']) for row in rows):,} pairs wrong"
        draw_table(axes, wrong, texts, title, ("second digit", "first digit"))
    return figure


def worst_pairs() -> plt.Figure:
    """Draw the wrong pairs of round 0 that the exploration classes were surest of."""
    pairs = load_round(0).test_input
    rows = read_table("worst")
    nb_columns = max(int(row["place"]) for row in rows) + 1
    figure, grid = plt.subplots(2, nb_columns, figsize=(WIDTH, 1.75))
    for line, network in zip(grid, EXPLORATION, strict=True):
        line[0].text(-0.12, 0.5, network, transform=line[0].transAxes, rotation=90, ha="right", va="center")
        for axes in line:
            axes.axis("off")
        own = [row for row in rows if row["network"] == network]
        for axes, row in zip(line, own, strict=False):
            said = ">" if int(row["first"]) <= int(row["second"]) else "≤"
            title = f"{row['first']}, {row['second']}\nsaid {said}: {100 * float(row['probability']):.0f} %"
            draw_pair(axes, pairs[int(row["pair"])], title)
            axes.title.set_fontsize(6)
    return figure


FIGURES_BY_NAME: dict[str, Callable[[], plt.Figure]] = {
    "task": task,
    "networks": networks,
    "claims": claims_figure,
    "controls": controls,
    "growth": growth,
    "digits": digits,
    "wrong_pairs": wrong_pairs,
    "worst_pairs": worst_pairs,
}


def draw_all() -> None:
    """Draw all figures, each whole or not at all."""
    FIGURES.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, draw in FIGURES_BY_NAME.items():
            figure = draw()
            partial = FIGURES / f"{name}.partial.svg"
            figure.savefig(partial, metadata={"Date": None})
            plt.close(figure)
            partial.replace(FIGURES / f"{name}.svg")
