"""What the experiments say of other rows than the saved ones: no verdict, count or sentence is fixed."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from common.evidence import judge
from common.networks import WS1
from common.results import Results
from common.rows import Job, Row
from conftest import all_results, numbers_of
from experiments import aux_weight, claims, confirmation, course, errors, sharing, variance

from helpers import UserError

Change = tuple[Job, Row]


def changed(*changes: Change) -> Results:
    """Return the saved rows, but for values of some."""
    results: Any = Results.__new__(Results)
    old = all_results().by_key
    results.by_key = {**old, **{job.key: {**old[job.key], **values} for job, values in changes}}
    return results


def wrong(job: Job) -> int:
    """Return the errors of a saved row."""
    return int(all_results().by_key[job.key]["wrong"])


# ---- Verdicts and counts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "even", "verdict", "counts"),
    [(61, 60, "refuted", "0 / 0 / 30"), (100, -105, "not shown", "15 / 0 / 15")],
)
def test_a_verdict_is_of_the_rows(odd: int, even: int, verdict: str, counts: str) -> None:
    """About 1.2 points worse in each round; or 2 points worse and 2.1 better in turn."""
    pairs = zip(confirmation.VARIANTS["WSModel"], confirmation.VARIANTS["SimpleModel"], strict=True)
    changes = [(ours, {"wrong": str(wrong(theirs) + (odd if ours.round % 2 else even))}) for ours, theirs in pairs]
    claim, other = judge(claims.differences(changed(*changes), confirmation.VARIANTS))
    assert (claim["verdict"], claim["counts"]) == (verdict, counts)
    numbers = numbers_of("confirmation")
    texts_of_claims = [{**old, **new} for old, new in zip(numbers["claims"], (claim, other), strict=True)]
    table = confirmation.results_table({**numbers, "claims": texts_of_claims}).splitlines()
    assert table[3].endswith(f" over SimpleModel | **{verdict}** |")
    assert table[4].endswith(f" over WSModel | **{other['verdict']}** |")


def test_spikes_by_hand() -> None:
    """After the 20th epoch, more than twice the loss before, and above 0.2."""
    losses = [1.0] * 4 + [9.0] + [1.0] * 14 + [0.09] + [0.5, 0.6, 0.05, 0.15, 0.31, 0.7]
    assert course.spikes(losses) == [21, 25, 26]


def test_the_shares_of_a_variance_by_hand() -> None:
    """Draws that differ by 2 and weights that differ by 1 have variances of 2 and 0.5; a chequered rest, of 4."""
    assert variance.shares(np.array([[0.0, 1.0], [2.0, 3.0]])) == {"pairs": "80", "weights": "20"}
    assert variance.shares(np.array([[1.0, -1.0], [-1.0, 1.0]])) == {"pairs": "0", "weights": "0"}


def test_the_best_order_is_a_permutation() -> None:
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    table = torch.ones(10, 10, dtype=torch.int64)
    for digit, score in enumerate(order):
        table[digit, score] = 50
    assert errors.best_order(table.numpy()) == order


# ---- What the report says in words is required of the rows: others are refused, with the sentence --------------------

FIRST = {name: next(iter(variant)) for name, variant in confirmation.VARIANTS.items()}
REQUIRED: dict[str, tuple[Any, Callable[[], list[Change]]]] = {
    "both differences are above 0 in every round": (
        confirmation,
        lambda: [(FIRST["AuxModel"], {"wrong": str(wrong(FIRST["WSModel"]))})],  # equal
    ),
    "AuxModel is the last to fit": (
        confirmation,
        lambda: [(job, {"train_wrong": "0"}) for job in confirmation.VARIANTS["AuxModel"]],
    ),
    "smaller weights are worse": (
        aux_weight,
        lambda: [(job, {"wrong": "0"}) for job in aux_weight.VARIANTS[0.1]],
    ),
    "nearly all runs of WSModel fit after 150 epochs": (
        sharing,
        lambda: [(job, {"train_wrong": "1"}) for job in sharing.VARIANTS["WSModel", "whole", 150]],
    ),
    "no run of WSModel1 collapsed, its worst is above WSModel's in rounds 0 to 29": (
        claims,
        lambda: [(Job(WS1, {}, 77), {"wrong": "200"})],
    ),
}


@pytest.mark.parametrize("sentence", REQUIRED)
def test_rows_that_do_not_show_a_sentence_of_the_report(sentence: str) -> None:
    experiment, changes = REQUIRED[sentence]
    message = re.escape(f"the report says: {sentence}. The rows do not show it: change its text.")
    with pytest.raises(UserError, match=message):
        experiment.numbers(changed(*changes()))
