"""What the experiments say of other rows than the saved ones: no verdict, count or sentence is fixed."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from common.evidence import judge, require
from common.networks import AUX, SIMPLE, UNTIED, WS, WS1
from common.rows import Job, Row, Variant
from common.saved import Saved
from conftest import all_saved, numbers_of
from experiments import claims, confirmation, course, errors, sharing, train_pairs, variance
from plain import ROOT, TEN
from test_pictures import dots

from helpers import UserError

Change = tuple[Job, Row]


def changed(*changes: Change) -> Saved:
    """Return the saved rows, but for values of some."""
    saved: Any = Saved.__new__(Saved)
    old = all_saved().by_key
    saved.by_key = {**old, **{job.key: {**old[job.key], **values} for job, values in changes}}
    return saved


def invented(rows: Iterable[tuple[Variant, Iterable[int]]]) -> Any:
    """Return rows that are only errors of 5000 pairs."""
    saved: Any = Saved.__new__(Saved)
    saved.by_key = {
        job.key: {"wrong": str(wrong), "total": "5000", "error": ""}
        for variant, numbers in rows
        for job, wrong in zip(variant, numbers, strict=True)
    }
    return saved


def wrong(job: Job) -> int:
    """Return the errors of a saved row."""
    return int(all_saved().by_key[job.key]["wrong"])


def above(jobs: Iterable[Job], others: Iterable[Job], more: float) -> list[Change]:
    """Return changes that give the jobs so many more errors than the others have, or one more than that in turn."""
    pairs = enumerate(zip(jobs, others, strict=True))
    return [(job, {"wrong": str(round(wrong(other) + more) + place % 2)}) for place, (job, other) in pairs]


# ---------------------------------------------------------------------------------------------------------------------
# Verdicts and counts


@pytest.mark.parametrize(("more", "verdict"), [(60, "refuted"), (-60, "holds"), (None, "not shown")])
def test_a_verdict_is_of_the_rows(more: int | None, verdict: str) -> None:
    """About 1.2 points worse or better in each round; or 2 points worse and 2.1 better in turn."""
    ours, theirs = (list(confirmation.variant_of(network)) for network in (WS, SIMPLE))
    changes = above(ours, theirs, more or 0)
    if more is None:
        texts = [str(wrong(job) + (100 if job.round % 2 else -105)) for job in theirs]
        changes = [(job, {"wrong": text}) for job, text in zip(ours, texts, strict=True)]
    claim, other = judge(confirmation.comparisons(changed(*changes)))
    size = len(ours)
    wins, losses = {"refuted": (0, size), "holds": (size, 0), "not shown": (size // 2, size // 2)}[verdict]
    assert (claim["verdict"], claim["counts"]) == (verdict, f"{wins} / 0 / {losses}")
    numbers = numbers_of("confirmation")
    texts_of_claims = [{**old, **new} for old, new in zip(numbers["claims"], (claim, other), strict=True)]
    table = confirmation.results_table({**numbers, "claims": texts_of_claims}).splitlines()
    assert table[3].endswith(f" over SimpleModel | **{verdict}** |")
    assert table[4].endswith(f" over WSModel | **{other['verdict']}** |")


def test_runs_that_fit_their_training_pairs_and_those_that_diverged_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other runs of the rounds of those that diverged are left out: in the rest, half a point is won on average."""
    monkeypatch.setattr(sharing, "require", lambda *_: None)
    kinds = (UNTIED.name, "whole", 50), (UNTIED.name, "half", 150), (SIMPLE.name, "half", 150)
    first, jobs, others = (list(sharing.VARIANTS[kind]) for kind in kinds)
    fitted = [(job, {"train_wrong": str(place)}) for place, job in enumerate(first)]
    texts = [str(wrong(other) - 5 + 25 * (-1) ** other.round) for other in others]
    won = [(job, {"error": "", "train_wrong": "0", "wrong": text}) for job, text in zip(jobs, texts, strict=True)]
    lost = [(job, {"error": "it diverged", "wrong": "", "train_wrong": ""}) for job in jobs[-2:]]
    numbers = sharing.numbers(changed(*fitted, *won, *lost))
    (line,) = (line for line in numbers["fitted"] if line["name"] == "UntiedModel")
    assert (line["of"][0], line["of"][3], line["diverged"]) == ("1", str(len(jobs) - 2), "2")
    assert numbers["lines"][0]["effects"][3]["mean"] == "+0.50"
    panel = sharing.picture(changed(*won, *lost)).axes[1]
    assert [len(values) for values in dots(panel)][1:4] == [len(jobs), len(jobs) - 2, len(jobs)]


def test_spikes_by_hand() -> None:
    """After the 20th epoch, more than twice the loss before, and above 0.2."""
    losses = [1.0] * 4 + [9.0] + [1.0] * 14 + [0.09] + [0.5, 0.6, 0.05, 0.15, 0.31, 0.7]
    assert course.spikes(losses) == [21, 25, 26]


def test_what_a_spike_costs() -> None:
    """Two of ten runs have one, in epochs 30 and 77: 150 and 50 more of 5000 pairs wrong than in the epoch before."""
    changes = []
    for job in course.VARIANTS["AuxModel"]:
        epochs = [[0.1, 0, 500] for _ in range(100)]
        for round_of_spike, epoch, wrong in ((1203, 30, 650), (1207, 77, 550)):
            if job.round == round_of_spike:
                epochs[epoch - 1] = [0.3, 1, wrong]
        changes.append((job, {"details": json.dumps(epochs)}))
    numbers = course.spike_numbers(changed(*changes), AUX)
    assert {name: numbers[name] for name in ("by_end", "number", "last", "lost")} == {
        "by_end": "1",
        "number": "2",
        "last": "77",
        "lost": {"mean": "2.0", "low": "1.0", "high": "3.0"},
    }


def test_the_ratio_of_errors_by_training_pairs() -> None:
    """It halves with each doubling, from 4096 errors to 64, and one more in every second round."""
    rows = invented(
        (train_pairs.VARIANTS[network.name, number], [(4096 >> place * halved) + r % 2 for r in train_pairs.ROUNDS])
        for network, halved in ((AUX, 1), (WS, 0))
        for place, number in enumerate(train_pairs.NUMBERS)
    )
    numbers = train_pairs.relative_numbers(rows, claims.CLAIMS[1])
    assert -50 <= float(numbers["mean"]) <= -49
    assert (numbers["word"], numbers["fewer"]) == ("worse", ["0", "98"])


def test_sharing_beyond_splitting() -> None:
    """In points: 98 of one branch, 96 of two, 95.5 without a split: 2 are sharing's, 0.5 is splitting's."""
    errors = {WS: 100, UNTIED: 200, SIMPLE: 225}
    variants = [(sharing.VARIANTS[net.name, "whole", 150], number) for net, number in errors.items()]
    rows = invented(
        (variant, [number + number // 9 * (-1) ** r for r in sharing.ROUNDS]) for variant, number in variants
    )
    assert sharing.beyond(rows, "whole")["mean"] == "+1.50"


def test_the_shares_of_a_variance_by_hand() -> None:
    """Draws that differ by 2 and weights that differ by 1 have variances of 2 and 0.5; a chequered rest, of 4."""
    assert variance.shares(np.array([[0.0, 1.0], [2.0, 3.0]])) == {"pairs": "80", "weights": "20"}
    assert variance.shares(np.array([[1.0, -1.0], [-1.0, 1.0]])) == {"pairs": "0", "weights": "0"}


def test_the_pairs_are_those_of_the_variant_and_the_weights_those_of_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors that depend on the pairs alone, in WSModel on the weights, too."""
    monkeypatch.setattr(variance, "require", lambda *_: None)
    rows = invented(
        (variance.VARIANTS[name, pairs], [100 * (pairs - 299) + weights * n for n in range(5)])
        for name, weights in (("SimpleModel", 0), ("WSModel", 100), ("AuxModel", 0))
        for pairs in variance.ROUNDS
    )
    lines = {line["name"]: (line["pairs"], line["weights"]) for line in variance.numbers(rows)["lines"]}
    assert lines == {
        "SimpleModel": ("100", "0"),
        "WSModel": ("50", "50"),
        "AuxModel": ("100", "0"),
        "WSModel - SimpleModel": ("0", "100"),
        "AuxModel - WSModel": ("0", "100"),
    }


def test_the_cuts_of_an_order() -> None:
    table = np.zeros((10, 10))
    for rank, digit in enumerate((0, 1, 1, 2, 3, 4, 5, 6, 7, 7)):
        table[digit, rank] = 5
    assert errors.cuts(table) == "0 1 1 2 3 4 5 6 7 7"
    table[7, 9] = 0
    assert errors.cuts(table) == "0 1 1 2 3 4 5 6 7 -"


def test_the_best_order_is_a_permutation() -> None:
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    table = torch.ones(10, 10, dtype=torch.int64)
    for digit, score in enumerate(order):
        table[digit, score] = 50
    assert errors.best_order(table.numpy()) == order


# ---------------------------------------------------------------------------------------------------------------------
# What the report says in words is required of the rows: others are refused, with the sentence


def far() -> list[Change]:
    """Let all wrong pairs of AuxModel1 be of 0 and 9."""
    changes = []
    for job in errors.VARIANTS["AuxModel1"]:
        details = json.loads(all_saved().by_key[job.key]["details"])
        total = sum(map(sum, details["wrong"]))
        details["wrong"] = [[total if (i, j) == (0, 9) else 0 for j in TEN] for i in TEN]
        changes.append((job, {"details": json.dumps(details)}))
    return changes


def better_after_three_epochs() -> list[Change]:
    """Let WSModel have no errors after its third epoch."""
    changes = []
    for job in course.VARIANTS["WSModel"]:
        epochs = json.loads(all_saved().by_key[job.key]["details"])
        epochs[2][2] = job.round % 2
        changes.append((job, {"details": json.dumps(epochs)}))
    return changes


REQUIRED: dict[str, tuple[Any, Callable[[], list[Change]]]] = {
    "both differences are above 0 in every round": (
        confirmation,
        lambda: above([next(iter(confirmation.variant_of(AUX)))], [next(iter(confirmation.variant_of(WS)))], 0),
    ),
    "after 3 epochs WSModel is worse than SimpleModel": (course, better_after_three_epochs),
    "nearly all runs of WSModel fit after 150 epochs": (
        sharing,
        lambda: [(job, {"train_wrong": "1"}) for job in sharing.VARIANTS["WSModel", "whole", 150]],
    ),
    "no run of WSModel1 collapsed, its worst is above every one of WSModel": (
        claims,
        lambda: [(Job(WS1, {}, 77), {"wrong": "200"})],
    ),
    "about half of AuxModel1's errors are on equal or neighbouring digits": (errors, far),
}


@pytest.mark.parametrize("sentence", REQUIRED)
def test_rows_that_do_not_show_a_sentence_of_the_report(sentence: str) -> None:
    experiment, changes = REQUIRED[sentence]
    message = re.escape(f"the report says: {sentence}. The rows do not show it: change its text.")
    with pytest.raises(UserError, match=message):
        experiment.numbers(changed(*changes()))


def test_the_report_requires_many_sentences() -> None:
    """Each with its words, in the experiment that it is of."""
    require("one is one", True)
    files = (ROOT / "report" / "experiments").glob("*.py")
    texts = [
        text for file in files for text in re.findall(r'require\(\s*f?"([^"]+)"', file.read_text(encoding="utf-8"))
    ]
    assert len(texts) > 40
    assert len(set(texts)) == len(texts)
