"""Plain reading of the saved files and plain statistics: what the tests of the numbers say is right.

Nothing here uses the project's own reading, checks or statistics.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from math import exp, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import scipy
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "report" / "results"
NO_ROWS = ("again", "exploration", "original", "original_pictures", "tuning_first")  # of other code, or the authors

BASE, EXPLORATION = ("SimpleModel", "WSModel", "AuxModel"), ("WSModel1", "AuxModel1")
ABOVE = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
CLAIMS = {"WSModel": "Sharing the weights helps", "AuxModel": "An auxiliary loss helps further"}
PARAMETERS = {"SimpleModel": 57956, "WSModel": 58918, "AuxModel": 58918, "WSModel1": 59368, "AuxModel1": 59368}
VALIDATION = {"validation": True, "nb_test_pairs": 5000}
TEN = range(10)
Row = dict[str, str]

# from tables of Student's t, by degrees of freedom: 2.5 % are above
T = {8: 2.306004, 9: 2.262157, 29: 2.045230, 199: 1.971957}
DETECTABLE = {10: 0.996, 30: 0.5292}  # standard deviations, by the number of rounds, as simulated in test_evidence


def agree(found: Any, expected: Any, path: str = "") -> None:
    """Assert that numbers are equal, as far as six decimals tell; a pair is a number and how far it may be."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for name, value in expected.items():
            agree(found[name], value, f"{path}.{name}")
    elif isinstance(expected, list):
        for n, (one, other) in enumerate(zip(found, expected, strict=True)):
            agree(one, other, f"{path}[{n}]")
    elif isinstance(expected, float | tuple):
        value, distance = expected if isinstance(expected, tuple) else (expected, 0.0)
        assert abs(found - value) <= distance + 2e-6 * max(1, abs(value)), f"{path}: {found}, {value}"
    else:
        assert found == expected, path


# ---- The rows --------------------------------------------------------------------------------------------------------


@cache
def rows() -> dict[tuple[str, str, int], Row]:
    """Return the saved rows of all files by network, settings and round; none is there twice."""
    found = {}
    for file in sorted(RESULTS.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as opened:
            for row in csv.DictReader(opened) if file.stem not in NO_ROWS else ():
                key = row["network"], row["settings"], int(row["round"])
                assert key not in found, key
                found[key] = row
    return found


def of(network: str, rounds: Iterable[int], **settings: Any) -> list[Row]:
    """Return the rows of a network with settings that differ from the default, one for each round."""
    return [rows()[network, json.dumps(settings, sort_keys=True), r] for r in rounds]


def errors(found: list[Row], column: str = "wrong", total: str = "total") -> list[float]:
    """Return the share of pairs, in %, that a column counts."""
    return [100 * int(row[column]) / int(row[total]) for row in found]


def accuracies(found: list[Row], column: str = "wrong", total: str = "total") -> list[float]:
    """Return the share of pairs, in %, that a column does not count."""
    return [100 - value for value in errors(found, column, total)]


@cache
def original(commit: str) -> dict[tuple[str, str], list[Row]]:
    """Return the authors' rows of one commit by network and learning rate, in the order of their rounds."""
    found: dict[tuple[str, str], list[Row]] = {}
    with (RESULTS / "original.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["commit"] == commit:
                found.setdefault((row["network"], row["learning_rate"]), []).append(row)
    return {key: sorted(own, key=lambda row: int(row["round"])) for key, own in found.items()}


def errors_of_authors(network: str, rate: float, commit: str = "8949bad") -> list[float]:
    """Return the authors' errors in %, a round each."""
    return [float(row["test_error"]) for row in original(commit)[network, str(rate)]]


# ---- The statistics --------------------------------------------------------------------------------------------------


def half_width(values: Sequence[float]) -> float:
    """Return half the width of the 95 % interval of the mean."""
    return T[len(values) - 1] * stdev(values) / sqrt(len(values))


def minus(more: Sequence[float], less: Sequence[float]) -> list[float]:
    """Return the differences within rounds."""
    return [a - b for a, b in zip(more, less, strict=True)]


def around(middle: float, half: float) -> dict[str, float]:
    """Return a number and its interval."""
    return {"mean": middle, "half": half, "low": middle - half, "high": middle + half}


def interval_of(values: Sequence[float]) -> dict[str, float]:
    """Return the mean of values and its interval."""
    return around(mean(values), half_width(values))


def softmax(scores: Sequence[float]) -> list[float]:
    """Return the probabilities of scores."""
    total = sum(exp(score) for score in scores)
    return [exp(score) / total for score in scores]


def welch(values: Sequence[float], others: Sequence[float], confidence: float = 0.95) -> dict[str, float]:
    """Return the difference of two means, and its interval after Welch, by scipy."""
    limits = scipy.stats.ttest_ind(values, others, equal_var=False).confidence_interval(confidence)
    return around(mean(values) - mean(others), (limits.high - limits.low) / 2)


def holm(found: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: each the largest of those not above it, times those not below."""
    return [max(min(1, other * sum(p >= other for p in found)) for other in found if other <= own) for own in found]


def flips(values: Sequence[float]) -> float:
    """Return how many of all ways to sign the differences, hundredths of points, have a mean as far from 0."""
    whole = [round(100 * value) for value in values]
    assert whole == [round(100 * value, 6) for value in values]
    ways = {0: 1}
    for step in whole:
        new: dict[int, int] = {}
        for total, number in ways.items():
            for place in (total + step, total - step):
                new[place] = new.get(place, 0) + number
        ways = new
    return sum(number for total, number in ways.items() if abs(total) >= abs(sum(whole))) / 2 ** len(whole)


def flip_chance(p: float, nb_rounds: int) -> tuple[float, float]:
    """Return the p of sign flips, and how far it may be: of more than 100,000 ways, so many are drawn; Holm doubles."""
    return min(1, p), 5 * sqrt(p / 100_000) + 4e-5 if 2**nb_rounds > 100_000 else 0


# ---- The pairs -------------------------------------------------------------------------------------------------------


@cache
def mnist(name: str) -> Tensor:
    """Return the bytes of one of MNIST's files, images (N, 28, 28) or labels (N,)."""
    values = gzip.decompress((ROOT / "data" / "MNIST" / "raw" / f"{name}.gz").read_bytes())
    head = 16 if "images" in name else 8
    found = torch.frombuffer(bytearray(values[head:]), dtype=torch.uint8)
    return found.view(-1, 28, 28) if "images" in name else found


def generator(purpose: str, nb_round: int) -> torch.Generator:
    """Return a round's generator for a purpose: its seed is the beginning of a hash, 63 bits."""
    bits = sha256(f"0 {nb_round} {purpose}".encode()).hexdigest()[:16]
    return torch.Generator().manual_seed(int(bits, 16) // 2)
