"""Does WSModel1 find the digits, or ten equal parts of an order? Digits that are not equally frequent, or not ten."""

from statistics import mean
from typing import Any

from common.evidence import range_texts, require
from common.networks import WS1
from common.rows import Job, accuracy, digit_accuracy
from common.saved import Saved
from common.skewed import load_skewed

from experiments import claims

ROUNDS = range(10)
SHARES = {
    "ten digits, equally frequent": None,
    "digits 0 to 7 only": [1.0] * 8 + [0.0] * 2,
    "digits 0 to 4 three times as frequent": [1.0] * 5 + [1 / 3] * 5,
}


def run(shares: list[float] | None, nb_round: int) -> Job:
    """Return the run of WSModel1 with so large a share of each digit's images, or with all of them."""
    if shares is None:
        return claims.run(WS1, nb_round)
    return Job("prior", WS1, nb_round, data={"shares": shares}, load=load_skewed)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(shares, nb_round) for shares in SHARES.values()]


def equal_parts(shares: list[float] | None) -> float:
    """Return the digit accuracy, in %, of who knows the order of the images alone and cuts it into ten equal parts."""
    shares = shares or [1.0] * 10
    ends = [sum(shares[:digit]) / sum(shares) for digit in range(11)]
    return 100 * sum(max(0, min(ends[n + 1], (n + 1) / 10) - max(ends[n], n / 10)) for n in range(10))


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the accuracy and the digit accuracy for each kind of round, with their lowest and highest."""
    lines: list[dict[str, Any]] = []
    for name, shares in SHARES.items():
        rows = saved.rows(run(shares, r) for r in ROUNDS)
        right, digits = [accuracy(row) for row in rows], [digit_accuracy([row]) for row in rows]
        parts = equal_parts(shares)
        near = abs(mean(digits) - parts) < 4
        require(f"about as many digits are right as ten equal parts of the order give: {name}", near)
        line = {"name": name, "accuracy": range_texts(right), "digits": range_texts(digits), "parts": f"{parts:.0f}"}
        lines.append(line)
    return {"lines": lines, "rounds": str(len(ROUNDS))}
