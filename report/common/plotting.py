"""How the figures are drawn: one style, a colour and a marker for each network.

Every round is a dot; what is black is a mean with its 95 % interval. Two of the colours
are the same in grey; markers tell them apart.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from common.evidence import mean_and_interval
from common.networks import AUX, AUX1, SIMPLE, WS, WS1, Network
from common.results import Results
from helpers import SIDE

WIDTH, HALF = 6.9, 3.35  # inches, that of the report's text, and of two figures beside each other
COLOURS = {SIMPLE: "#404040", WS: "#e69f00", AUX: "#0072b2", WS1: "#d55e00", AUX1: "#56b4e9"}
MARKERS = {SIMPLE: "o", WS: "s", AUX: "^", WS1: "D", AUX1: "v"}
STYLE: dict[Any, Any] = {
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


def figure_of(nb_rows: int, nb_columns: int, height: float, width: float = WIDTH, **options: Any) -> tuple[Figure, Any]:
    """Return a figure, as wide as the report's text unless told, without a window whatever the screen, and its axes."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(nb_rows, nb_columns, **options)


def save(draw: Callable[[Results], Figure], results: Results, file: Path) -> None:
    """Draw a figure of the saved rows to an SVG file, whole or not at all."""
    with mpl.rc_context(STYLE):
        partial = file.with_suffix(".partial.svg")
        draw(results).savefig(partial, metadata={"Date": None})
        partial.replace(file)


def spread(values: Sequence[float], width: float) -> list[float]:
    """Return a sideways place for each dot, of -width to width, so that neighbours in height are apart."""
    places = [0.0] * len(values)
    for rank, index in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        places[index] = width * ((rank * 0.618034) % 1 * 2 - 1)  # the golden ratio: close ranks are far apart
    return places


def interval(axes: Axes, place: float, values: Sequence[float]) -> None:
    """Draw the mean with its 95 % interval."""
    middle, half_width = mean_and_interval(values)
    axes.errorbar([place], [middle], [half_width], fmt="_", color="k", markersize=7, capsize=2, linewidth=1.2)


def strip(
    axes: Axes, place: float, values: Sequence[float], network: Network, width: float = 0.16, hollow: bool = False
) -> None:
    """Draw every round as a dot, or as a hollow one, and beside them the mean with its 95 % interval."""
    places = [place - 0.08 + offset for offset in spread(values, width)]
    inside = "none" if hollow else COLOURS[network]
    axes.scatter(
        places, values, s=9, c=inside, edgecolors=COLOURS[network], marker=MARKERS[network], linewidths=0.5, alpha=0.8
    )
    interval(axes, place + 0.22, values)


def label_places(axes: Axes, names: Iterable[str]) -> None:
    """Write names under the places 0, 1, 2, ..."""
    names = list(names)
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="x", length=0)


def curve(axes: Axes, places: Sequence[float], values: Sequence[Sequence[float]], network: Network) -> None:
    """Draw a network's rounds at each place, and a line through their means with their 95 % intervals."""
    for place, rounds in zip(places, values, strict=True):
        axes.scatter([place] * len(rounds), rounds, s=5, color=COLOURS[network], marker=MARKERS[network], alpha=0.35)
    means, half_widths = zip(*map(mean_and_interval, values), strict=True)
    style: dict[str, Any] = {"color": COLOURS[network], "marker": MARKERS[network], "markersize": 4, "linewidth": 1.4}
    axes.errorbar(places, means, half_widths, label=network.name, capsize=2, elinewidth=1, **style)


def draw_pair(axes: Axes, pair: Tensor, title: str) -> None:
    """Draw a pair (2, 14, 14), the first digit on the left."""
    gap = torch.full((SIDE, 1), pair.max().item())
    axes.imshow(torch.cat([pair[0], gap, pair[1]], 1).numpy(), cmap="gray_r", interpolation="none")
    axes.set_title(title, fontsize=7, fontweight="normal")
    axes.axis("off")


def draw_table(axes: Axes, table: np.ndarray, texts: list[list[str]], title: str, labels: tuple[str, str]) -> None:
    """Draw a 10 x 10 table, a darker cell for a higher share, with a text in each cell."""
    axes.pcolormesh(table, cmap="Blues", vmin=0, edgecolors="w", linewidth=0.2)
    for row, column in np.ndindex(10, 10):
        dark = table[row, column] > 0.6 * table.max()
        colour = "w" if dark else "k"
        axes.text(column + 0.5, row + 0.5, texts[row][column], ha="center", va="center", fontsize=6.5, color=colour)
    axes.set_title(title, fontsize=7)
    axes.set_xlabel(labels[0], fontsize=7)
    axes.set_ylabel(labels[1], fontsize=7)
    axes.set_aspect("equal")
    axes.set_xticks(np.arange(10) + 0.5, list("0123456789"))
    axes.set_yticks(np.arange(10) + 0.5, list("0123456789"))
    axes.tick_params(length=0, labelsize=6.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
