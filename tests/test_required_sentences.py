"""What the report says in words is required of the rows: others are refused, with the sentence."""

import json
import re
from collections.abc import Callable
from typing import Any

import plain
import pytest
from common.evidence import require
from common.networks import AUX, AUX1, SIMPLE, WS, WS1
from conftest import all_saved
from experiments import confirmation, epochs, errors, more_rounds, sharing
from test_changed_rows import Change, above, said

from helpers import UserError


def far() -> list[Change]:
    """Let all wrong pairs of AuxModel1 be of 0 and 9."""
    changes = []
    for job in (errors.run(AUX1, r) for r in plain.ROUNDS["errors"]):
        details = json.loads(all_saved().by_key[job.key]["details"])
        total = sum(map(sum, details["wrong"]))
        details["wrong"] = [[total if (i, j) == (0, 9) else 0 for j in plain.TEN] for i in plain.TEN]
        changes.append((job, {"details": json.dumps(details)}))
    return changes


REQUIRED: dict[str, tuple[Any, Callable[[], list[Change]]]] = {
    "both differences are above 0 in every round": (
        confirmation,
        lambda: above("confirmation", confirmation.runs_of(AUX)[:1], confirmation.runs_of(WS)[:1], 0),
    ),
    "after 3 epochs WSModel is worse than SimpleModel": (
        epochs,
        lambda: above("epochs", epochs.runs_of(WS, 3), epochs.runs_of(SIMPLE, 3), -300),
    ),
    "nearly all runs of WSModel fit after 150 epochs": (
        sharing,
        lambda: [(job, {"train_wrong": "1"}) for job in sharing.runs_of(WS, "whole", 150)],
    ),
    "no run of WSModel1 collapsed, its worst is above every one of WSModel": (
        more_rounds,
        lambda: [(next(job for job in more_rounds.runs(77) if job.network == WS1), {"wrong": "200"})],
    ),
    "about half of AuxModel1's errors are on equal or neighbouring digits": (errors, far),
}


@pytest.mark.parametrize("sentence", REQUIRED)
def test_rows_that_do_not_show_a_sentence_of_the_report(sentence: str) -> None:
    experiment, changes = REQUIRED[sentence]
    with pytest.raises(UserError, match=re.escape(f"the report says: {sentence}. The rows do not show it: change its")):
        said(experiment, experiment.__name__.partition(".")[2], changes())


def test_what_is_required_and_shown_passes() -> None:
    require("one is one", True)
    with pytest.raises(UserError, match=r"the report says: one is two\. The rows do not show it"):
        require("one is two", False)


def test_the_report_requires_many_sentences() -> None:
    """Each with its words, in the experiment that it is of."""
    files = (plain.ROOT / "report" / "experiments").glob("*.py")
    texts = [
        text for file in files for text in re.findall(r'require\(\s*f?"([^"]+)"', file.read_text(encoding="utf-8"))
    ]
    assert len(texts) > 40
    assert len(set(texts)) == len(texts)
