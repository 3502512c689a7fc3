"""What a network sees, and what the networks are: drawn from the pairs and the networks themselves."""

from typing import Any

import torch
from common.drawing import draw_pair, figure_of
from common.networks import AUX, SIMPLE, WS, Network
from common.saved import Saved
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

from helpers import AUX_WEIGHT, SIDE, load_round, nb_parameters
from models.SimpleCNN import SimpleModel


def task_picture(_: Saved) -> Figure:
    """Draw the first training pairs of round 0."""
    data = load_round(0)
    figure, line = figure_of(1, 8, 0.7)
    for axes, pair, (first, second), target in zip(
        line, data.train_input.cpu(), data.train_classes.tolist(), data.train_target.tolist(), strict=False
    ):
        draw_pair(axes, pair, f"{first} {'≤' if target else '>'} {second}: class {target}")
    return figure


def blocks(layers: nn.Sequential, channels: int) -> list[str]:
    """Return a text for each layer with weights and what follows it: its parts, its output and its parameters."""
    texts: list[list[Any]] = []
    x = torch.zeros(2, channels, SIDE, SIDE)
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            name = "conv 3×3" if isinstance(layer, nn.Conv2d) else "linear"
            texts.append([[name], x.shape, nb_parameters(layer)])
        elif not isinstance(layer, nn.Flatten):
            name = "max-pool 2×2" if isinstance(layer, nn.MaxPool2d) else type(layer).__name__
            texts[-1][0].append(name)
            texts[-1][1] = x.shape
    return [
        "\n".join(parts) + "\n" + "×".join(map(str, shape[1:])) + f"\n({parameters:,})"
        for parts, shape, parameters in texts
    ]


def box(axes: Axes, x: float, y: float, text: str, colour: str = "w", width: float = 0.92) -> None:
    """Draw a text in a box around (x, y)."""
    height = 0.19 * (text.count("\n") + 1) + 0.16
    corner = (x - width / 2, y - height / 2)
    shape = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.06")
    shape.set(facecolor=colour, linewidth=0.7)
    axes.add_patch(shape)
    axes.text(x, y, text, ha="center", va="center", fontsize=6.7, linespacing=1.25)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "linewidth": 0.7, "color": "k", "shrinkA": 0})


def networks_picture(_: Saved) -> Figure:
    """Draw the three networks with their layers' outputs and parameters, taken from the networks themselves."""
    figure, axes = figure_of(1, 1, 4.3)
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

    def title(y: float, network: Network) -> None:
        text = f"{network.name}, {nb_parameters(network.make()):,} parameters"
        axes.text(0, y, text, fontweight="bold", fontsize=8)

    def loss(x: float, y: float, text: str) -> None:
        axes.text(x, y, text, ha="left", va="center", fontsize=7, style="italic")

    y = 4.1
    title(y + 0.68, SIMPLE)
    box(axes, 0.45, y, f"both digits\n2×{SIDE}×{SIDE}", width=0.8)
    arrow(axes, (0.86, y), (first - 0.46, y))
    end = chain(y, blocks(SimpleModel().layers, 2), "#eeeeee")
    arrow(axes, (end + 0.46, y), (end + 0.72, y))
    loss(end + 0.76, y, "cross-entropy\nof the comparison")

    for y, network in ((2.4, WS), (0.6, AUX)):
        model: Any = network.make()
        title(y + 0.72, network)
        for up, text in ((0.3, "first digit"), (-0.3, "second digit")):
            box(axes, 0.45, y + up, f"{text}\n1×{SIDE}×{SIDE}", width=0.8)
            arrow(axes, (0.86, y + up), (first - 0.46, y + up / 3))
        end = chain(y, blocks(model.branch, 1), shared)
        final = end + step + 0.12
        text = f"join {model.final.in_features}\n{type(model.activation).__name__}\nlinear\n{model.final.out_features}"
        box(axes, final, y, f"{text}\n({nb_parameters(model.final):,})", "#eeeeee")
        for up in (0.1, -0.1):
            arrow(axes, (end + 0.46, y + up), (final - 0.46, y + up))
        arrow(axes, (final + 0.46, y), (final + 0.66, y))
        loss(final + 0.7, y, "cross-entropy\nof the comparison")
        middle, left, right = y - 0.66, first - 0.46, end + 0.46
        axes.plot([left, left, right, right], [middle + 0.06, middle, middle, middle + 0.06], color="k", linewidth=0.7)
        share = "one branch, the same weights for both digits: ten scores each"
        axes.text((left + right) / 2, middle - 0.12, share, ha="center", fontsize=7)
    x, low = end + 0.58, -0.28
    axes.plot([x, x], [y - 0.1, low], color="k", linewidth=0.7)
    arrow(axes, (x, low), (final - 0.4, low))
    loss(final - 0.36, low, f"+ {AUX_WEIGHT:g} × (cross-entropy of the first\n+ of the second digit's class)")
    return figure


PICTURES = {"task": task_picture, "networks": networks_picture}
