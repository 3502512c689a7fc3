"""Plain reading of the saved files and plain statistics: what the tests of the experiments say is right.

Nothing here uses the project's own reading, checks or statistics.
"""

import csv
import gzip
import json
import random
import re
from collections.abc import Callable, Sequence
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

# The rounds of each experiment, in the order in which they are run. A change of rounds is a change here.
ROUNDS = {
    "claims": range(30),
    "confirmation": range(200, 230),
    "published": range(10),
    "authors": range(30),
    "bridge": range(10),
    "sharing": range(30),
    "last_layer": range(30),
    "aux_weight": range(10),
    "epochs": range(1200, 1210),
    "ablation": range(1100, 1110),
    "prior": range(10),
    "errors": range(10),
    "train_pairs": range(10),
    "more_rounds": range(30, 200),
    "tuning": range(1000, 1010),
    "ceiling": range(200, 203),
}
# and how many runs of a round are its own: those that it shares with an experiment before it are that one's
RUNS_OF_A_ROUND = {"claims": 5, "confirmation": 5, "published": 10, "authors": 10, "bridge": 7, "sharing": 11}
RUNS_OF_A_ROUND |= {"last_layer": 6, "aux_weight": 6, "epochs": 18, "ablation": 41, "prior": 2, "errors": 2}
RUNS_OF_A_ROUND |= {"train_pairs": 24, "more_rounds": 2, "tuning": 56, "ceiling": 2}

BASE, EXPLORATION = ("SimpleModel", "WSModel", "AuxModel"), ("WSModel1", "AuxModel1")
ABOVE = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
CLAIMS = {"WSModel": "Sharing the weights helps", "AuxModel": "An auxiliary loss helps further"}
PAIRS = (("WSModel", "SimpleModel"), ("AuxModel", "WSModel"))  # whose differences the claims are about
VALIDATION = {"validation": True, "nb_test_pairs": 5000}
WHOLE = {"data": {"nb_test_pairs": 5000}}  # all test pairs that there are
TEN = range(10)
Row = dict[str, str]

# by degrees of freedom, from tables of Student's t: 2.5 % are above
T = {1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624, 8: 2.306004}
T |= {9: 2.262157, 14: 2.144787, 19: 2.093024, 24: 2.063899, 27: 2.051831, 28: 2.048407, 29: 2.045230}
T |= {34: 2.032245, 39: 2.022691, 49: 2.009575, 59: 2.000995, 99: 1.984217, 199: 1.971957}

# ---------------------------------------------------------------------------------------------------------------------
# What a text of a number should be


class Near:
    """Equal to the text of a number of so many decimals, whichever way a tie is rounded."""

    def __init__(self, value: float, decimals: int, sign: bool = False) -> None:
        self.value, self.decimals, self.sign = value, decimals, sign

    def __eq__(self, text: object) -> bool:
        form = ("[+-]" if self.sign else "-?") + r"\d+" + (rf"\.\d{{{self.decimals}}}" if self.decimals else "")
        return (
            isinstance(text, str)
            and re.fullmatch(form, text) is not None
            and not (self.sign and float(text) == 0 and text.startswith("-"))
            and abs(float(text) - self.value) <= 0.5 * 10**-self.decimals + 1e-9
        )

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"'{self.value:{'+' if self.sign else ''}.{self.decimals}f}'"


class About:
    """Equal to the text of a number that is not farther away than so much."""

    def __init__(self, value: float, distance: float) -> None:
        self.value, self.distance = value, distance

    def __eq__(self, text: object) -> bool:
        return isinstance(text, str) and abs(float(text) - self.value) <= self.distance

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"about {self.value:.4f} ± {self.distance:.4f}"


class Chance:
    """Equal to the text of a p-value; `distance` is that of a p from resampling."""

    def __init__(self, value: float, distance: float = 0) -> None:
        self.value, self.distance = value, distance + 1e-9

    def __eq__(self, text: object) -> bool:
        if text == "below 0.0001":
            return self.value - self.distance < 0.0001
        right = isinstance(text, str) and re.fullmatch(r"[01]\.\d{4}", text) is not None
        return right and float(text) >= 0.0001 and abs(float(text) - self.value) <= 0.00005 + self.distance

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"p = {self.value:.6f} ± {self.distance:.6f}"


def span(experiment: str) -> str:
    """Return the text of an experiment's rounds."""
    return f"{ROUNDS[experiment][0]} to {ROUNDS[experiment][-1]}"


def number_of(experiment: str) -> str:
    """Return the text of the number of an experiment's rounds."""
    return str(len(ROUNDS[experiment]))


# ---------------------------------------------------------------------------------------------------------------------
# The rows


@cache
def rows(experiment: str) -> dict[tuple[str, int, str], Row]:
    """Return an experiment's saved rows by network, round and settings."""
    with (RESULTS / f"{experiment}.csv").open(newline="", encoding="utf-8") as file:
        return {(row["network"], int(row["round"]), row["settings"]): row for row in csv.DictReader(file)}


def again() -> list[Row]:
    """Return the rows that were run again."""
    with (RESULTS / "again.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(experiment: str, network: str, rounds: Sequence[int] | None = None, **settings: dict[str, Any]) -> list[Row]:
    """Return the rows of a network with the keywords `model`, `training` and `data`, one for each round."""
    every = {"data": {}, "model": {}, "training": {}, **settings}
    text = json.dumps({name: dict(sorted(every[name].items())) for name in ("data", "model", "training")})
    return [rows(experiment)[network, r, text] for r in (ROUNDS[experiment] if rounds is None else rounds)]


def base(experiment: str, network: str) -> list[Row]:
    """Return the rows of a network as it stands, in the rounds of an experiment."""
    return plain("claims", network, ROUNDS[experiment])


def accuracies_of(found: list[Row], column: str = "wrong") -> list[float]:
    """Return the share of test pairs, in %, that a column does not count."""
    return [100 - 100 * int(row[column]) / int(row["total"]) for row in found]


def percent(experiment: str, network: str, rounds: Sequence[int] | None = None, **settings: Any) -> list[float]:
    """Return the accuracies of a network, one for each round."""
    return accuracies_of(plain(experiment, network, rounds, **settings))


def digits_of(found: list[Row]) -> list[float]:
    """Return the digit accuracies of rows."""
    return [100 - 100 * int(row["digits_wrong"]) / (2 * int(row["total"])) for row in found]


def digits(found: list[Row]) -> Near:
    """Return the mean digit accuracy of rows."""
    return Near(mean(digits_of(found)), 1)


@cache
def original() -> dict[tuple[str, str], list[Row]]:
    """Return the authors' rows by network and learning rate, in the order of their rounds."""
    found: dict[tuple[str, str], list[Row]] = {}
    with (RESULTS / "original.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["network"], row["learning_rate"]), []).append(row)
    return {key: sorted(own, key=lambda row: int(row["round"])) for key, own in found.items()}


def errors_of_authors(network: str, rate: float, pairs: str = "test") -> list[float]:
    """Return the authors' errors in %, a round each."""
    return [float(row[f"{pairs}_error"]) for row in original()[network, str(rate)]]


# ---------------------------------------------------------------------------------------------------------------------
# The statistics


def half_width(values: Sequence[float]) -> float:
    """Return half the width of the 95 % interval of the mean."""
    return T[len(values) - 1] * stdev(values) / sqrt(len(values))


def mean_of(values: Sequence[float]) -> dict[str, Near]:
    """Return a mean and its interval."""
    middle, half = mean(values), half_width(values)
    found = {"mean": middle, "half": half, "low": middle - half, "high": middle + half}
    return {name: Near(value, 2) for name, value in found.items()}


def minus(more: Sequence[float], less: Sequence[float]) -> list[float]:
    """Return the differences within rounds."""
    return [a - b for a, b in zip(more, less, strict=True)]


def signed(middle: float, half: float) -> dict[str, Near]:
    """Return a difference and its interval."""
    found = {"mean": middle, "low": middle - half, "high": middle + half}
    return {name: Near(value, 2, True) for name, value in found.items()}


def difference_of(values: Sequence[float]) -> dict[str, Near]:
    """Return the mean of differences and its interval."""
    return signed(mean(values), half_width(values))


def effect(better: Sequence[float], worse: Sequence[float]) -> dict[str, Near]:
    """Return a mean difference within rounds and its interval."""
    return difference_of(minus(better, worse))


def word(better: Sequence[float], worse: Sequence[float]) -> str:
    """Return what the interval of a difference shows."""
    values = minus(better, worse)
    if mean(values) - half_width(values) > 0:
        return "better"
    return "worse" if mean(values) + half_width(values) < 0 else "no clear difference"


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


def welch(values: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return the difference of two means, half the width of its 95 % interval, and p, after Welch."""
    one, other = (stdev(side) ** 2 / len(side) for side in (values, others))
    freedom = (one + other) ** 2 / (one**2 / (len(values) - 1) + other**2 / (len(others) - 1))
    difference, error = mean(values) - mean(others), sqrt(one + other)
    limit = bisect(lambda t: within(t, freedom) - 0.95, 1.9, 4.4)  # of 2 degrees of freedom or more
    return difference, limit * error, 1 - within(abs(difference) / error, freedom)


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


def flip_chance(p: float, nb_rounds: int, times: int = 1) -> Chance:
    """Return the p of sign flips, `times` adjusted; of more than 100,000 ways to flip, so many are drawn."""
    drawn = 2**nb_rounds > 100_000
    return Chance(min(1, times * p), times * (5 * sqrt(p / 100_000) + 2e-5) if drawn else 0)


def bootstrap(values: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by resampling, its percentiles."""
    generator = random.Random(0)
    means = sorted(mean(generator.choices(values, k=len(values))) for _ in range(2000))
    return means[50], means[-50]


def simulated_coverage(values: list[float]) -> float:
    """Return how often the interval of 1000 simulated studies holds the mean, in %."""
    generator = random.Random(0)
    held, size = 0, len(values)
    for _ in range(1000):
        drawn = generator.choices(values, k=size)
        middle = sum(drawn) / size
        deviation = sqrt(sum((value - middle) ** 2 for value in drawn) / (size - 1))
        held += abs(middle - sum(values) / size) <= T[size - 1] * deviation / sqrt(size)
    return held / 10


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


# ---------------------------------------------------------------------------------------------------------------------
# The pairs


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


def classes_of_test_pairs(nb_round: int, number: int = 1000) -> list[list[int]]:
    """Return the digits of a round's test pairs."""
    labels = mnist("t10k-labels-idx1-ubyte").tolist()
    order = torch.randperm(len(labels), generator=generator("test pairs", nb_round)).tolist()
    return [[labels[order[2 * n]], labels[order[2 * n + 1]]] for n in range(number)]
