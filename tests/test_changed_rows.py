"""What the experiments and the report say of other rows than the saved ones: no verdict or sentence is fixed."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build
import pytest
import torch
from common.evidence import judge
from common.networks import WS1
from common.results import Results
from common.rows import Job, Row
from conftest import ROOT, all_results, numbers_of
from experiments import aux_weight, claims, confirmation, course, last_layer, prior, sharing
from experiments.catalogue import rounded

from helpers import UserError

Change = tuple[Job, Row]
REPORT = ROOT / "report"


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
    [(61, 60, "refuted", [0, 0, 30]), (100, -105, "not shown", [15, 0, 15])],
)
def test_a_verdict_is_of_the_rows(odd: int, even: int, verdict: str, counts: list[int]) -> None:
    """About 1.2 points worse in each round; or 2 points worse and 2.1 better in turn."""
    pairs = zip(confirmation.VARIANTS["WSModel"], confirmation.VARIANTS["SimpleModel"], strict=True)
    changes = [(ours, {"wrong": str(wrong(theirs) + (odd if ours.round % 2 else even))}) for ours, theirs in pairs]
    claim, other = judge(claims.differences(changed(*changes), confirmation.VARIANTS))
    assert (claim["verdict"], claim["counts"]) == (verdict, counts)
    numbers = numbers_of("confirmation")
    of_claims = [{**old, **new} for old, new in zip(numbers["claims"], (claim, other), strict=True)]
    table = confirmation.results_table({**numbers, "claims": of_claims}).splitlines()
    assert table[3].endswith(f" over SimpleModel | **{verdict}** |")
    assert table[4].endswith(f" over WSModel | **{other['verdict']}** |")


def test_spikes_by_hand() -> None:
    """After the 20th epoch, more than twice the loss before, and above 0.2."""
    losses = [1.0] * 4 + [9.0] + [1.0] * 14 + [0.09] + [0.5, 0.6, 0.05, 0.15, 0.31, 0.7]
    assert course.spikes(losses) == [21, 25, 26]


def test_what_a_spike_costs_by_hand() -> None:
    """Against the median of the 11 epochs around: 500 of 5,000 pairs there, 700 in the spike."""
    of_epochs: Any = [(0.1, 0, 400 + 20 * (n % 11)) for n in range(40)]
    of_epochs[29] = (0.9, 0, 700)
    around = sorted(wrong for *_, wrong in of_epochs[24:35])[5]
    found = course.spike_numbers([of_epochs])
    assert found["lost"]["mean"] == pytest.approx((700 - around) / 50)
    assert (found["number"], found["last"], found["by_end"]) == (1, 30, 1)


def test_the_digit_of_each_rank_by_hand() -> None:
    """Of rank 0 the digit 3, though 2 is read as it, too; rank 7 is of none."""
    table = torch.zeros(10, 10, dtype=torch.int64)
    order = [3, 1, 4, 0, 5, 9, 2, None, 8, 7]
    for rank, digit in enumerate(order):
        if digit is not None:
            table[digit, rank] = 50
    table[2, 0] = 49
    assert prior.digit_of_each_rank(table.numpy()) == order


# ---- Each sentence that judges has its proof beside it: build.py stops at one that the rows do not show --------------

FIRST = {name: next(iter(variant)) for name, variant in confirmation.VARIANTS.items()}
SENTENCES: dict[str, tuple[str, Any, Callable[[], list[Change]]]] = {
    "every round has both differences above 0": (
        "confirmation",
        confirmation,
        lambda: [(FIRST["AuxModel"], {"wrong": str(wrong(FIRST["WSModel"]))})],  # equal
    ),
    "AuxModel is the last of the three to fit": (
        "confirmation",
        confirmation,
        lambda: [(job, {"train_wrong": "0"}) for job in confirmation.VARIANTS["AuxModel"]],
    ),
    "At 0.1 AuxModel reads nearly as well": (
        "aux_weight",
        aux_weight,
        lambda: [(job, {"wrong": str(wrong(job) - 30)}) for job in aux_weight.VARIANTS[0.1, "long"]],
    ),
    "One branch is better than two in all four cases": (
        "sharing",
        sharing,
        lambda: [
            (job, {"wrong": str(wrong(job) - 20)})
            for job in sharing.VARIANTS["UntiedModel", "full size", 150]
            if not all_results().by_key[job.key]["error"]
        ],
    ),
    "no run collapsed": ("claims", claims, lambda: [(Job(WS1, {}, 77), {"wrong": "200"})]),
    "On ReLU, a refitted layer is no better than AuxModel's own": (
        "last_layer",
        last_layer,
        lambda: [(job, {"wrong": str(50 + job.round)}) for job in last_layer.FROZEN["refitted on ReLU"]],
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_rows_that_do_not_show_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence: str) -> None:
    """The message has its line of report.typ; nothing is written."""
    name, experiment, changes = SENTENCES[sentence]
    numbers = json.loads((REPORT / "numbers.json").read_text(encoding="utf-8"))
    numbers[name] = rounded(experiment.numbers(changed(*changes())))
    for file in ("report.typ", "references.yml"):
        shutil.copy(REPORT / file, tmp_path)
    shutil.copytree(REPORT / "figures", tmp_path / "figures")
    (tmp_path / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")
    monkeypatch.setattr(build, "REPORT", tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    with pytest.raises(UserError) as refused:
        build.compile_report()
    text = " ".join(str(refused.value).split())
    assert re.search(
        r"^report\.pdf was not made: .*the rows do not show this sentence: change it .*report\.typ:\d+", text
    )
    assert sentence.replace("0.1", "#given.first().weight") in text
    assert not (tmp_path / "report.pdf").exists()
