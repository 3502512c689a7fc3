"""What a network sees, and what the networks are: drawn from the pairs and the networks themselves."""

from typing import Any

import torch
from common.networks import SIMPLE, WS, WS1
from common.plotting import draw_pair, figure_of
from common.results import Results
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

import helpers
from experiments import authors
from helpers import AUX_WEIGHT, SIDE, load_round, nb_parameters
from models.AuxLoss import AuxModel1
from models.WSharing import WSModel1


def task_picture(_: Results) -> Figure:
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
            names = {"MaxPool2d": "pool 2×2", "BatchNorm2d": "batch norm", "BatchNorm1d": "batch norm"}
            name = names.get(type(layer).__name__, type(layer).__name__)
            texts[-1][0].append(name)
            texts[-1][1] = x.shape
    return [
        "\n".join(parts) + "\n" + "×".join(map(str, shape[1:])) + f"\n({parameters:,})"
        for parts, shape, parameters in texts
    ]


def box(axes: Axes, x: float, y: float, text: str, colour: str = "w") -> None:
    """Draw a text in a box around (x, y)."""
    width, height = 0.88, 0.19 * (text.count("\n") + 1) + 0.14
    corner = (x - width / 2, y - height / 2)
    shape = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.06")
    shape.set(facecolor=colour, linewidth=0.7)
    axes.add_patch(shape)
    axes.text(x, y, text, ha="center", va="center", fontsize=6.7, linespacing=1.25)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "linewidth": 0.7, "color": "k", "shrinkA": 0})


THEIRS = (  # what the authors' networks have instead; all have 64 and 128 maps
    "SimpleModel: 512-128-2",
    "WSModel: 1024-100-10-2\non both digits' 512 numbers\n\nAuxModel: 512-100-40-10\nand ReLU for each digit, 20-2",
    "WSModel1: 1024-100-2\non both digits' 512 numbers\n\nAuxModel1: 512-100-10\nand ReLU for each digit, 20-2",
)
LOSSES = (  # in words; as formulas in the report
    "comparison",
    f"WSModel:\ncomparison\n\nAuxModel:\ncomparison\n+ {AUX_WEIGHT:g} × digits",
    "WSModel1:\ncomparison\n+ balance\n+ consistency\nAuxModel1:\ncomparison\n+ 1 × digits\n+ consistency",
)


def networks_picture(_: Results) -> Figure:
    """Draw the five networks with their layers' outputs and parameters, taken from the networks themselves."""
    figure, axes = figure_of(1, 1, 4.7)
    axes.set(xlim=(0, 9.4), ylim=(-0.2, 5.7))
    axes.axis("off")
    axes.grid(visible=False)
    first, final, beside = 1.5, 5.55, 0.44  # places of the first block and of the last layer; half of a block
    for x, text in ((6.15, "loss"), (7.3, "the authors' layers instead")):
        axes.text(x, 5.5, text, fontsize=7.5, fontweight="bold")
    names = ("SimpleModel", "WSModel and AuxModel", "WSModel1 and AuxModel1")
    rows = zip((4.75, 2.95, 0.85), names, (SIMPLE, WS, WS1), LOSSES, THEIRS, strict=True)
    for y, name, network, loss, theirs in rows:
        model: Any = network.make()
        layers, colour = (model.layers, "#eeeeee") if network == SIMPLE else (model.branch, "#fdeecb")
        axes.text(0, y + 0.74, f"{name}, {nb_parameters(model):,} parameters", fontweight="bold", fontsize=7.5)
        digits = ((0, "both digits"),) if network == SIMPLE else ((0.31, "first digit"), (-0.31, "second digit"))
        for up, text in digits:
            box(axes, 0.45, y + up, f"{text}\n{1 if up else 2}×{SIDE}×{SIDE}")
            arrow(axes, (0.45 + beside, y + up), (first - beside, y + up / 3))
        texts = blocks(layers, 2 if network == SIMPLE else 1)
        for n, text in enumerate(texts):
            box(axes, first + n, y, text, colour)
            if n:
                arrow(axes, (first + n - 1 + beside, y), (first + n - beside, y))
        end = first + len(texts) - 1
        if network != SIMPLE:
            joint = "the joint\ncomparison,\nno weights"
            linear = f"join 20\nReLU\nlinear\n2\n({nb_parameters(model.final):,})"
            box(axes, final, y, joint if network == WS1 else linear, "#eeeeee")
            for up in (0.1, -0.1):
                arrow(axes, (end + beside, y + up), (final - beside, y + up))
            low, left, right = y - 0.74, first - beside, end + beside
            axes.plot([left, left, right, right], [low + 0.06, low, low, low + 0.06], color="k", linewidth=0.7)
            share = "one branch, the same weights for both digits: ten scores each"
            axes.text((left + right) / 2, low - 0.16, share, ha="center", fontsize=7)
            end = final
        arrow(axes, (end + beside, y), (6.1, y))
        for x, text in ((6.15, loss), (7.3, theirs)):
            axes.text(x, y, text, ha="left", va="center", fontsize=6.8, linespacing=1.2)
    return figure


def settings_table() -> list[list[str]]:
    """Return the settings of base networks, exploration classes, the authors' rounds and their final script."""
    ours, rounds = AuxModel1.settings, authors.VARIANTS["AuxModel1", authors.RATES[0]].settings
    batch, aux = helpers.MINI_BATCH_SIZE, helpers.AUX_WEIGHT
    rate, epochs, pairs = helpers.LEARNING_RATE, helpers.NB_EPOCHS, f"{helpers.NB_TRAIN_PAIRS:,}"
    rates = " and ".join(f"{each:g}" for each in authors.RATES)
    return [
        ["feature maps", "32 and 64", "32 and 64", "64 and 128", "64 and 128"],
        ["training pairs", pairs, pairs, pairs, pairs],
        ["epochs", f"{epochs}", f"{epochs}", f"{rounds['nb_epochs']}", f"{rounds['nb_epochs']} (50 in its README)"],
        ["learning rate", f"{rate:g}", f"up to {rate:g}, one cycle", rates, f"{rate:g}"],
        ["momentum", "none", "0.85 to 0.95", "none", "none"],
        ["mini-batches", f"{batch}, shuffled", f"{ours['mini_batch_size']}, shuffled", *[f"{batch}, not shuffled"] * 2],
        ["weight: comparison, digit", f"1, {aux:g}", f"1, {ours['aux_weight']:g}", "0.5, 1", f"1, {aux:g}"],
        ["digits' loss is on", "scores", "scores, smoothed labels", "ReLU of scores", "ReLU of scores"],
    ]


def numbers(_: Results) -> dict[str, Any]:
    """Return the table of settings, and those of the exploration classes."""
    return {"settings": settings_table(), "exploration": {**WSModel1.settings, **AuxModel1.settings}}


PICTURES = {"task": task_picture, "networks": networks_picture}
