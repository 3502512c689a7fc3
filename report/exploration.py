"""The search for the exploration classes: every configuration that was tried, the losers too, on validation pairs.

    python report/exploration.py                         write results/exploration.md from results/exploration.csv
    python report/exploration.py '{"consistency": 0.5}'  try this configuration first, in rounds 1000 to 1003

A configuration is what differs from DEFAULT. What won is in models/; what lost is only here, so that each row can be
made again, but for rounding.
"""

import json
import math
import sys
import time
from statistics import mean
from typing import Any

import joblib
import torch
import torch.nn.functional as F
from rows import RESULTS, accuracy, csv_text, read, table, write_whole
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers import Round, UserError, generator_of, global_seed, load_round, nb_parameters, nb_wrong, seed_of
from models.WSharing import JointComparison, disagreement

FILE = RESULTS / "exploration.csv"
COLUMNS = ["settings", "round", "parameters", "wrong", "wrong_shifted", "total", "digit_accuracy", "seconds"]
ROUNDS = range(1000, 1004)
DEFAULT = {
    # network
    "layers": "two",  # two, padded, three or early: see `convolutions`
    "maps": [32, 64],
    "hidden": 100,
    "norm": "convolutions",  # or "all": the hidden layer is normalised too
    "dropout": 0.2,  # before the hidden layer
    "hidden_dropout": 0.0,  # after it
    # loss
    "labels": False,  # with the digits' own cross-entropy: AuxModel1, else WSModel1
    "aux_weight": 1.0,
    "smoothing": 0.0,  # of the digits' labels, or without labels of the target
    "swap": False,  # also the swapped pairs whose target was 0, and surely is 1
    "balance": 0.0,  # models.WSharing.imbalance
    "consistency": 0.0,  # models.WSharing.disagreement, of two views
    # training
    "optimizer": "sgd",  # or adamw
    "learning_rate": 0.1,  # the highest of one cycle
    "weight_decay": 0.0,
    "mini_batch_size": 100,
    "averaging": 0.0,
    "views": 1,  # distorted copies of each pair in a mini-batch
    # distortions: degrees, shares, shares, pixels, pixels; and the share of them that is left at the end
    "rotation": 10.0,
    "scale": 0.1,
    "shear": 0.1,
    "shift": 1.0,
    "elastic": 0.0,
    "distortion_at_end": 1.0,
}


def convolutions(layers: str, maps: list[int], norm: bool = True) -> tuple[list[nn.Module], int]:
    """Return the convolutional part and the number of its outputs."""

    def end(channels: int, pool: bool = True) -> list[nn.Module]:
        return [*([nn.MaxPool2d(2)] if pool else []), *([nn.BatchNorm2d(channels)] if norm else []), nn.ReLU()]

    first, second, third = [*maps, 0][:3]
    if layers == "two":  # as in the base classes
        return [nn.Conv2d(1, first, 3), *end(first), nn.Conv2d(first, second, 3), *end(second)], 4 * second
    if layers == "padded":  # the second keeps 6 x 6
        return [nn.Conv2d(1, first, 3), *end(first), nn.Conv2d(first, second, 3, padding=1), *end(second)], 9 * second
    middle = nn.Conv2d(first, second, 3, padding=1)
    if layers == "three":  # one more convolution after the first pooling
        start, pool = [nn.Conv2d(1, first, 3), *end(first)], False
    elif layers == "early":  # one more before it
        start, pool = [nn.Conv2d(1, first, 3), *end(first, False)], True
    else:
        raise UserError(f'layers = {layers!r}: it must be "two", "padded", "three" or "early".')
    return [*start, middle, *end(second, pool), nn.Conv2d(second, third, 3), *end(third)], 4 * third


class Candidate(nn.Module):
    """A network with the joint comparison as its last layer."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        layers, outputs = convolutions(settings["layers"], settings["maps"], bool(settings["norm"]))
        hidden = settings["hidden"]
        layers += [nn.Flatten()]
        layers += [nn.Dropout(settings["dropout"])] if settings["dropout"] else []
        layers += [nn.Linear(outputs, hidden)]
        layers += [nn.BatchNorm1d(hidden)] if settings["norm"] == "all" else []
        layers += [nn.ReLU()]
        layers += [nn.Dropout(settings["hidden_dropout"])] if settings["hidden_dropout"] else []
        self.branch = nn.Sequential(*layers, nn.Linear(hidden, 10))
        self.final = JointComparison()

    def digit_scores(self, pairs: Tensor) -> Tensor:
        return self.branch(pairs.reshape(-1, 1, 14, 14)).view(-1, 2, 10)

    def compare(self, digit_scores: Tensor) -> Tensor:
        return self.final(digit_scores.log_softmax(-1).flatten(1))

    def forward(self, pairs: Tensor) -> Tensor:
        return self.compare(self.digit_scores(pairs))


def distorted(pairs: Tensor, settings: dict[str, Any], share: float, generator: torch.Generator) -> Tensor:
    """Return helpers.distort with other strengths, and elastic distortions: a random displacement of a 4 x 4 grid."""
    digits = pairs.reshape(-1, 1, 14, 14)
    number = len(digits)
    rotation, scale, shear, shift, elastic = (
        share * settings[name] for name in ("rotation", "scale", "shear", "shift", "elastic")
    )

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator) * 2 - 1

    angle = uniform(number) * math.radians(rotation)
    width, height = 1 + uniform(number) * scale, 1 + uniform(number) * scale
    sheared, shifted = uniform(number) * shear, uniform(number, 2) * shift * 2 / 14
    first_row = [angle.cos() * width, -angle.sin() * height + sheared, shifted[:, 0]]
    second_row = [angle.sin() * width, angle.cos() * height, shifted[:, 1]]
    grid = F.affine_grid(torch.stack(first_row + second_row, 1).view(number, 2, 3), [number, 1, 14, 14], False)
    if settings["elastic"]:
        coarse = torch.randn(number, 2, 4, 4, generator=generator) * elastic * 2 / 14
        fine = F.interpolate(coarse, size=14, mode="bicubic", align_corners=True)
        grid = grid + fine.permute(0, 2, 3, 1)
    return F.grid_sample(digits, grid, padding_mode="border", align_corners=False).view(pairs.shape)


def loss_of(model: Candidate, settings: dict[str, Any], scores: Tensor, target: Tensor, classes: Tensor) -> Tensor:
    """Return the loss of a mini-batch; with consistency, its second half are the other views of the first."""
    smoothing = settings["smoothing"]
    compared = model.compare(scores)
    loss = F.cross_entropy(compared, target, label_smoothing=0.0 if settings["labels"] else smoothing)
    if settings["consistency"]:
        loss = loss + settings["consistency"] * disagreement(scores)
    if settings["swap"]:
        loss = loss - model.compare(scores.flip(1)[target == 0])[:, 1].sum() / len(target)
    if settings["balance"]:
        probability = scores.softmax(-1).mean((0, 1))
        loss = loss + settings["balance"] * (probability * probability.clamp_min(1e-8).log()).sum()
    if settings["labels"]:
        digits = F.cross_entropy(scores.flatten(0, 1), classes.flatten(), label_smoothing=smoothing)
        loss = loss + 2 * settings["aux_weight"] * digits
    return loss


def train(model: Candidate, data: Round, settings: dict[str, Any], generator: torch.Generator) -> None:
    """Train a candidate for 50 epochs; it is helpers.train with what was tried and not kept."""
    rate, size = settings["learning_rate"], settings["mini_batch_size"]
    if settings["optimizer"] == "adamw":
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=settings["weight_decay"])
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=settings["weight_decay"])
    nb_steps = 50 * math.ceil(len(data.train_input) / size)
    scheduler = OneCycleLR(optimizer, rate, nb_steps)
    average = get_ema_multi_avg_fn(settings["averaging"])
    averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True) if settings["averaging"] else None
    copies = 2 if settings["consistency"] else settings["views"]
    step = 0
    model.train()
    for _ in range(50):
        for rows in torch.randperm(len(data.train_input), generator=generator).split(size):
            share = settings["distortion_at_end"] + (1 - settings["distortion_at_end"]) * (1 - step / nb_steps)
            target, classes = data.train_target[rows.repeat(copies)], data.train_classes[rows.repeat(copies)]
            if settings["consistency"]:  # one view after the other, as it was tried
                views = [distorted(data.train_input[rows], settings, share, generator) for _ in range(2)]
                pairs = torch.cat(views)
            else:
                pairs = distorted(data.train_input[rows.repeat(copies)], settings, share, generator)
            loss = loss_of(model, settings, model.digit_scores(pairs), target, classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            if averaged:
                averaged.update_parameters(model)
            step += 1
    if averaged:
        model.load_state_dict(averaged.module.state_dict())


@torch.no_grad()
def nb_wrong_shifted(model: Candidate, pairs: Tensor, target: Tensor) -> int:
    """Count the errors with the log-probabilities of five views averaged: as it is, and half a pixel to each side."""
    model.eval()
    digits, total = pairs.reshape(-1, 1, 14, 14), torch.zeros(())
    for right, down in ((0, 0), (0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)):
        shift = torch.tensor([[1.0, 0, right * 2 / 14], [0, 1, down * 2 / 14]]).expand(len(digits), 2, 3)
        grid = F.affine_grid(shift, list(digits.shape), align_corners=False)
        shifted = F.grid_sample(digits, grid, padding_mode="border", align_corners=False).view(pairs.shape)
        total = total + model.digit_scores(shifted).log_softmax(-1)
    return int((model.compare(total / 5).argmax(1) != target).sum())


def attempt(settings: dict[str, Any], nb_round: int, nb_validation_pairs: int = 5000) -> dict[str, Any]:
    """Try a configuration in one round and return its row."""
    every = {**DEFAULT, **settings}
    data = load_round(nb_round, validation=True, nb_test_pairs=nb_validation_pairs)
    start = time.perf_counter()
    with global_seed(seed_of("weights and dropout", nb_round)):
        model = Candidate(every).to(memory_format=torch.channels_last)
        train(model, data, every, generator_of("order", nb_round))
    seconds = time.perf_counter() - start
    wrong = nb_wrong(model, data.test_input, data.test_target)
    with torch.no_grad():
        right = (model.digit_scores(data.test_input).argmax(-1) == data.test_classes).float().mean().item()
    found = [json.dumps(settings, sort_keys=True), nb_round, nb_parameters(model), wrong]
    shifted = nb_wrong_shifted(model, data.test_input, data.test_target)
    found += [shifted, nb_validation_pairs, round(right, 4), round(seconds, 1)]
    return dict(zip(COLUMNS, found, strict=True))


def markdown(rows: list[dict[str, str]]) -> str:
    """Return all configurations with their mean accuracies, the best first, for WSModel1 and AuxModel1."""
    text = (
        "# What was tried for the exploration classes\n\n"
        "Mean validation accuracy in % over n rounds from 1000 on, for the configurations that differ from DEFAULT in"
        " `report/exploration.py` by what they name. Shifted: the scores of five views, half a pixel apart, averaged."
        " Digits: the share of digits whose own score wins; without labels, the order that the comparison gives the"
        " ten scores. Rows of 1000 pairs were the first to be tried, those of 5000 are more precise. Seconds: of a run"
        " on one of two busy cores. Made by `python report/exploration.py` from"
        " `exploration.csv`.\n"
    )
    for name, labels in (("WSModel1: no digit labels", False), ("AuxModel1: with digit labels", True)):
        groups: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in rows:
            if json.loads(row["settings"]).get("labels", False) == labels:
                groups.setdefault((row["settings"], row["total"]), []).append(row)
        lines = []
        for (settings, total), group in groups.items():
            mean_accuracy = mean(accuracy(row) for row in group)
            shifted = [100 * (1 - int(row["wrong_shifted"]) / int(total)) for row in group if row["wrong_shifted"]]
            digits = 100 * mean(float(row["digit_accuracy"]) for row in group)
            cells = [
                f"{mean_accuracy:.2f}",
                f"{mean(shifted):.2f}" if shifted else "",
                f"{digits:.1f}",
                str(len(group)),
                total,
            ]
            cells += [group[0]["parameters"], f"{mean(float(row['seconds']) for row in group):.1f}"]
            named = {key: value for key, value in json.loads(settings).items() if key != "labels"}
            cells += [", ".join(f"{key} {value}" for key, value in named.items()) or "default"]
            lines.append((mean_accuracy, cells))
        header = ["accuracy", "shifted", "digits", "n", "pairs", "parameters", "seconds", "configuration"]
        text += f"\n## {name}\n\n" + table(header, [cells for _, cells in sorted(lines, reverse=True)]) + "\n"
    return text


def main() -> None:
    """Try the configuration that is given, if any, and write the table."""
    rows = read(FILE)
    if sys.argv[1:]:
        settings = json.loads(sys.argv[1])
        unknown = set(settings) - set(DEFAULT)
        if unknown:
            sys.exit(f"error: unknown settings {sorted(unknown)}; known are {sorted(DEFAULT)}.")
        rows += joblib.Parallel(n_jobs=-1)(joblib.delayed(attempt)(settings, nb_round) for nb_round in ROUNDS)
        write_whole(FILE, csv_text(COLUMNS, [[row[column] for column in COLUMNS] for row in rows]))
    write_whole(FILE.with_suffix(".md"), markdown([{key: str(value) for key, value in row.items()} for row in rows]))


if __name__ == "__main__":
    main()
