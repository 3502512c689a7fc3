"""The numbers about the authors' work: their own rounds, their networks, and the way from them to ours.

Each is computed anew in plain Python from the saved files.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import plain
import pytest
from common.rows import FROZEN, read_frozen
from experiments import authors
from plain import ABOVE, PAIRS, RESULTS, ROUNDS, Near, Row, accuracies_of, base, effect, mean_of, number_of

from helpers import UserError

# ---------------------------------------------------------------------------------------------------------------------
# The authors' own rounds

REBUILT = {name: f"Published{name}" for name in ("SimpleModel", "WSModel", "WSModel1", "AuxModel", "AuxModel1")}
REBUILT["WSModel"] = "NotebookWSModel"


def rows_as_theirs(name: str, rate: float) -> list[Row]:
    """Return our rows as the authors ran them; with digit labels, half the rate and a weight of 2."""
    labelled = {"aux_weight": 2, "learning_rate": rate / 2} if name.startswith("Aux") else {}
    training = {"nb_epochs": 25, "shuffle": False, "learning_rate": rate, **labelled}
    return plain.plain("authors", REBUILT[name], training=training)


def errors_as_theirs(name: str, rate: float) -> list[float]:
    """Return our test errors in %."""
    return [100 * int(row["wrong"]) / int(row["total"]) for row in rows_as_theirs(name, rate)]


def of_authors() -> dict[str, Any]:
    places = [(name, rate) for rate in (0.1, 0.01) for name in REBUILT]
    found = [plain.welch(errors_as_theirs(*place), plain.errors_of_authors(*place)) for place in places]
    cells, apart = [], []
    for (name, rate), (middle, half, _), p in zip(places, found, plain.holm([p for *_, p in found]), strict=True):
        train = [100 * int(row["train_wrong"]) / int(row["train_total"]) for row in rows_as_theirs(name, rate)]
        sides = {"theirs": (plain.errors_of_authors(name, rate), plain.errors_of_authors(name, rate, "train"))}
        sides |= {"ours": (errors_as_theirs(name, rate), train)}
        cells.append(
            {
                "name": name,
                "rate": str(rate),
                **{
                    side: {"mean": Near(mean(test), 1), "sd": Near(stdev(test), 1), "train": Near(mean(own), 1)}
                    for side, (test, own) in sides.items()
                },
                "difference": plain.signed(middle, half),
                "p": plain.Chance(p),
                "shown": p < 0.05,
            }
        )
        apart.append(abs(mean(plain.errors_of_authors(name, rate, "train")) - mean(train)))
    middles, conclusions = [abs(middle) for middle, *_ in found], []
    for name in plain.CLAIMS:
        for rate in (0.1, 0.01):
            line: dict[str, Any] = {"difference": f"{name} - {ABOVE[name]}", "rate": str(rate)}
            for side, errors in (("theirs", plain.errors_of_authors), ("ours", errors_as_theirs)):
                both = errors(ABOVE[name], rate), errors(name, rate)
                values = plain.minus(*both)
                chance = plain.flip_chance(plain.flips(values), len(values))
                line[side] = {**plain.difference_of(values), "word": plain.word(*both), "p": chance}
            conclusions.append(line)
    labelled = [row for name in ("AuxModel", "AuxModel1") for row in rows_as_theirs(name, 0.1)]
    lost = [row for row in labelled if int(row["wrong"]) > 200]  # of 1000
    others = [int(row["dead_scores"]) for row in labelled if int(row["wrong"]) <= 200]
    own = [error for name in ("AuxModel", "AuxModel1") for error in plain.errors_of_authors(name, 0.1)]
    astray = {"above": "20", "theirs": str(len([error for error in own if error > 20])), "theirs_of": "20"}
    astray |= {"ours": str(len(lost)), "ours_of": str(2 * len(ROUNDS["authors"]))}
    return {
        "cells": cells,
        "train_apart": Near(max(apart), 1),
        "farthest": cells[middles.index(max(middles))],
        "conclusions": conclusions,
        "astray": {
            **astray,
            "dead": [row["dead_scores"] for row in lost],
            "dead_mean": Near(mean(int(row["dead_scores"]) for row in lost), 1),
            "dead_others": Near(mean(others), 1),
            "with_dead_others": str(len([number for number in others if number > 0])),
        },
        "worst": Near(max(max(plain.errors_of_authors(name, 0.1)) for name in REBUILT), 1),
        "rounds": number_of("authors"),
        "their_rounds": "10",
    }


# ---------------------------------------------------------------------------------------------------------------------
# The published networks, and the way from them to ours

PARAMETERS = {"SimpleModel": "140,994", "WSModel": "178,028", "WSModel1": "", "AuxModel": "130,288"}
PARAMETERS |= {"AuxModel1": "126,848"}
PARAMETERS["WSModel1"] = f"{(9 + 1) * 64 + (64 * 9 + 1) * 128 + (1024 + 1) * 100 + (100 + 1) * 2:,}"


def published_way(name: str, number: int) -> list[Row]:
    return plain.plain("published", f"Published{name}", training={"nb_epochs": number, "shuffle": False})


def of_published() -> dict[str, Any]:
    lines = []
    for name, parameters in PARAMETERS.items():
        line: dict[str, Any] = {"name": name, "parameters": parameters}
        for number in (25, 50):
            found = published_way(name, number)
            values = accuracies_of(found)
            line[str(number)] = {**mean_of(values), "sd": Near(stdev(values), 1)}
            if name.startswith("Aux"):
                worst, dead = min(plain.digits_of(found)), mean(int(row["dead_scores"]) for row in found)
                more = {"digits": plain.digits(found), "worst_digits": Near(worst, 1), "dead": Near(dead, 1)}
                line[str(number)] |= more
        lines.append(line)
    differences = {
        str(number): [effect(*(accuracies_of(published_way(name, number)) for name in pair)) for pair in PAIRS]
        for number in (25, 50)
    }
    by_name = {line["name"]: line for line in lines}
    return {"by_name": by_name, "differences": differences, "rounds": number_of("published")}


def of_bridge() -> dict[str, Any]:
    def on_the_way(network: str, **model: Any) -> list[Row]:
        return plain.plain("bridge", network, model=model, training={"nb_epochs": 25})

    small = {"maps": [32, 64]}
    shuffled = on_the_way("PublishedWSModel")
    steps = {
        "as published": (published_way("WSModel", 25), published_way("AuxModel", 25)),
        "mini-batches shuffled": (shuffled, on_the_way("PublishedAuxModel")),
        "auxiliary loss on the plain scores": (shuffled, on_the_way("PublishedAuxModel", plain_scores=True)),
        "32 and 64 maps": (
            on_the_way("PublishedWSModel", **small),
            on_the_way("PublishedAuxModel", plain_scores=True, **small),
        ),
        "our fully connected layers": (on_the_way("WSModel"), on_the_way("AuxModel")),
        "50 epochs": (base("bridge", "WSModel"), base("bridge", "AuxModel")),
    }
    lines: list[dict[str, Any]] = []
    before: tuple[list[Row], ...] = ()
    for name, both in steps.items():
        ws, aux = map(accuracies_of, both)
        changes = [effect(accuracies_of(new), accuracies_of(old)) for new, old in zip(both, before, strict=False)]
        line = {"name": name, "ws": mean_of(ws), "aux": mean_of(aux), "digits": plain.digits(both[1])}
        lines.append({**line, "changes": changes or [None, None]})
        before = both
    lines[2]["changes"][0] = None  # it is the same network as in the step before
    first, last = steps["as published"], steps["50 epochs"]
    return {
        "lines": lines,
        "total": [effect(accuracies_of(ours), accuracies_of(theirs)) for ours, theirs in zip(last, first, strict=True)],
        "digits": {"before": lines[1]["digits"], "after": lines[2]["digits"]},
        "rounds": number_of("bridge"),
    }


EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    "authors": of_authors,
    "published": of_published,
    "bridge": of_bridge,
}


# test errors in %, means and standard deviations of ten rounds as the authors' notebook printed them
PRINTED = {
    "SimpleModel": {0.1: (18.78, 1.21), 0.01: (25.15, 1.04)},
    "WSModel": {0.1: (15.36, 1.75), 0.01: (22.49, 1.31)},
    "WSModel1": {0.1: (16.15, 3.30), 0.01: (22.09, 1.23)},
    "AuxModel": {0.1: (13.82, 5.18), 0.01: (42.97, 6.16)},
    "AuxModel1": {0.1: (15.69, 10.71), 0.01: (33.09, 7.12)},
}


def test_the_authors_rounds_give_what_they_printed() -> None:
    assert {name for name, _ in plain.original()} == set(PRINTED)
    for (name, rate), found in plain.original().items():
        errors = plain.errors_of_authors(name, float(rate))
        assert [row["round"] for row in found] == [str(r) for r in range(10)]
        assert {row["epochs"] for row in found} == {"25"}
        printed = PRINTED[name][float(rate)]
        assert (mean(errors), stdev(errors)) == pytest.approx(printed, abs=0.005001)
        (network,) = (network for network in authors.MAIN if network.name == name)
        assert authors.theirs(network, float(rate)) == errors
        assert authors.theirs(network, float(rate), "train_error") == [float(row["train_error"]) for row in found]


@pytest.mark.parametrize("name", ["original.csv", "exploration.csv", "tuning_first.csv"])
def test_a_changed_byte_of_what_no_code_makes_is_refused(tmp_path: Path, name: str) -> None:
    assert set(FROZEN) == {"original.csv", "exploration.csv", "tuning_first.csv"}
    content = (RESULTS / name).read_bytes()
    (tmp_path / name).write_bytes(content)
    assert read_frozen(name, tmp_path) == content.decode()
    for changed in (content.replace(b"1", b"2", 1), content + b"\n", content.replace(b"\n", b"\r\n")):
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(
            UserError, match=rf"{name} was changed: it is a record that no code here makes\. Restore it"
        ):
            read_frozen(name, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=rf"{name} cannot be read: .* Restore it\."):
        read_frozen(name, tmp_path)
