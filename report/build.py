"""Write README's tables, between its markers, from the saved rows.

    python report/build.py

Fails loudly if a row is missing or says that its run diverged.
"""

import math
from collections.abc import Sequence
from statistics import mean, stdev

from rows import RESULTS, ROOT, read
from scipy import stats

from helpers import UserError

README = ROOT / "README.md"
ROWS = RESULTS / "rounds.csv"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % Student-t interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return mean(values), float(half)


def rounds_of(network: str, nb_rounds: int) -> list[dict[str, str]]:
    """Return a network's rows of rounds 0 to nb_rounds - 1; UserError if one is missing or diverged."""
    rows = {int(row["round"]): row for row in read(ROWS) if row["network"] == network}
    lacking = [r for r in range(nb_rounds) if r not in rows or rows[r]["error"]]
    if lacking:
        raise UserError(f"{ROWS} lacks rounds of {network}, or they diverged: {lacking}. Run report/study.py.")
    return [rows[r] for r in range(nb_rounds)]


def accuracies(rows: Sequence[dict[str, str]]) -> list[float]:
    """Return each row's test accuracy in %."""
    return [100 * (1 - int(row["wrong"]) / int(row["total"])) for row in rows]
