"""Plain reading of the saved files and plain statistics: what the tests of the numbers say is right.

Nothing here uses the project's own reading, checks or statistics.
"""

import csv
import gzip
import json
import random
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from math import erf, exp, lgamma, log, pi, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "report" / "results"
NO_ROWS = (
    "again",
    "exploration",
    "original",
    "original_pictures",
    "tuning_first",
)  # of verify.py; of the authors; of older code

BASE, EXPLORATION = ("SimpleModel", "WSModel", "AuxModel"), ("WSModel1", "AuxModel1")
ABOVE = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
CLAIMS = {"WSModel": "Sharing the weights helps", "AuxModel": "An auxiliary loss helps further"}
PARAMETERS = {"SimpleModel": 57956, "WSModel": 58918, "AuxModel": 58918, "WSModel1": 59368, "AuxModel1": 59368}
VALIDATION = {"validation": True, "nb_test_pairs": 5000}
TEN = range(10)
Row = dict[str, str]

# by degrees of freedom, from tables of Student's t: 2.5 % are above
T = {8: 2.306004, 9: 2.262157, 29: 2.045230, 199: 1.971957}


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


def errors_of_authors(network: str, rate: float, pairs: str = "test", commit: str = "8949bad") -> list[float]:
    """Return the authors' errors in %, a round each."""
    return [float(row[f"{pairs}_error"]) for row in original(commit)[network, str(rate)]]


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


def simpson(function: Callable[[float], float], low: float, high: float, steps: int = 1000) -> float:
    """Return the integral of a function."""
    width = (high - low) / steps
    inner = sum((4 if n % 2 else 2) * function(low + n * width) for n in range(1, steps))
    return (function(low) + inner + function(high)) * width / 3


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function is 0."""
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return (low + high) / 2


def within(limit: float, freedom: float) -> float:
    """Return how probable it is that Student's t is from -limit to limit: its density, integrated."""
    scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * pi)
    return 2 * scale * simpson(lambda t: (1 + t * t / freedom) ** (-(freedom + 1) / 2), 0, limit)


def welch(values: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Return the difference of two means, and half the width of its 95 % interval after Welch."""
    one, other = (stdev(side) ** 2 / len(side) for side in (values, others))
    freedom = (one + other) ** 2 / (one**2 / (len(values) - 1) + other**2 / (len(others) - 1))
    limit = bisect(lambda t: within(t, freedom) - 0.95, 1.9, 4.4)  # of 2 degrees of freedom or more
    return mean(values) - mean(others), limit * sqrt(one + other)


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


def bootstrap(values: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by resampling, its percentiles."""
    generator = random.Random(0)
    means = sorted(mean(generator.choices(values, k=len(values))) for _ in range(2000))
    return means[50], means[-50]


def detectable(sd: float, size: int) -> float:
    """Return the true difference for which four of five intervals of `size` rounds are above 0."""
    freedom = size - 1
    scale = log(2) + freedom / 2 * log(freedom / 2) - lgamma(freedom / 2)

    def power(difference: float) -> float:
        """Integrate over the ratio s of the deviation that is found and the true one; the mean is normal."""

        def part(s: float) -> float:
            density = exp(scale + (freedom - 1) * log(s) - freedom * s * s / 2)
            return density * (1 + erf((difference * sqrt(size) - T[freedom] * s) / sqrt(2))) / 2

        return simpson(part, 1e-9, 3)

    return sd * bisect(lambda difference: power(difference) - 0.8, 0, 3)


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
