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

from common.evidence import Numbers, interval_of
from common.networks import AUX, AUX1, SIMPLE, WS, WS1, Network
from common.results import Results
from helpers import SIDE

WIDTH = 6.9  # inches, that of the report's text
STYLES = {  # each network's colour and marker, as in test.py
    SIMPLE: ("#404040", "o"),
    WS: ("#e69f00", "s"),
    AUX: ("#0072b2", "^"),
    WS1: ("#d55e00", "D"),
    AUX1: ("#56b4e9", "v"),
}
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
    """Return a figure, as wide as the report's text by default, without a window whatever the screen, and its axes."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(nb_rows, nb_columns, **options)


def save(draw: Callable[[Results], Figure], results: Results, file: Path) -> None:
    """Draw a figure of the saved rows to an SVG file, whole or not at all."""
    with mpl.rc_context(STYLE):
        partial = file.with_suffix(".partial.svg")
        draw(results).savefig(partial, metadata={"Date": None})
        partial.replace(file)


def strip(
    axes: Axes, x: float, values: Sequence[float], network: Network, width: float = 0.16, hollow: bool = False
) -> None:
    """Draw every round as a dot, or as a hollow one, and beside them the mean with its 95 % interval."""
    colour, marker = STYLES[network]
    inside = "none" if hollow else colour
    xs = x - 0.08 + width * np.linspace(-1, 1, len(values))  # in the order of the rounds
    axes.scatter(xs, values, s=9, c=inside, edgecolors=colour, marker=marker, linewidths=0.5, alpha=0.8)
    of = interval_of(values)
    axes.errorbar([x + 0.22], [of["mean"]], [of["half"]], fmt="_", color="k", markersize=7, capsize=2, linewidth=1.2)


def label_places(axes: Axes, names: Iterable[str]) -> None:
    """Write names under 0, 1, 2, ..."""
    names = list(names)
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="x", length=0)


def forest(
    axes: Axes,
    names: Sequence[str],
    intervals: Sequence[Numbers],
    filled: Sequence[bool],
    network: Network,
    label: str,
) -> None:
    """Draw intervals under each other, from the top, in a network's style: a mark filled or hollow, its 95 % interval.

    Called again, the next ones come a little lower.
    """
    colour, marker = STYLES[network]
    shift = 0.28 * len(axes.containers[:1])
    for y, (each, full) in enumerate(zip(intervals, filled, strict=True)):
        inside = colour if full else "w"
        style: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": inside, "markersize": 4}
        axes.errorbar(
            [each["mean"]], [y + shift], xerr=[each["half"]], linewidth=1, label=label if y == 0 else None, **style
        )
    if not shift:
        axes.axvline(0, color="k", linewidth=0.7)
        axes.set_yticks(np.arange(len(names)) + 0.14, names, fontsize=7)
        axes.set_ylim(len(names) - 0.4, -0.4)
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")


def draw_pair(axes: Axes, pair: Tensor, title: str) -> None:
    """Draw a pair (2, 14, 14), the first digit on the left."""
    gap = torch.full((SIDE, 1), pair.max().item())
    axes.imshow(torch.cat([pair[0], gap, pair[1]], 1).numpy(), cmap="gray_r", interpolation="none")
    axes.set_title(title, fontsize=7, fontweight="normal")
    axes.axis("off")
