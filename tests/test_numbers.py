"""The numbers of the claims, of the criterion's rounds and of the replication, computed anew in plain Python.

The other numbers go the same way from the rows, and test_report holds them to what is committed.
"""

import csv
import inspect
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from math import sqrt
from statistics import mean, stdev
from typing import Any

import plain
import pytest
from common.rows import FROZEN, read_frozen
from conftest import ROOT, numbers_of
from experiments import authors, claims, confirmation, ladder, tuning
from plain import ABOVE, BASE, PARAMETERS, RESULTS, Row

from helpers import UserError, train
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel

COMMIT = "cb3de46"  # of the criterion of rounds 200 to 229
REBUILT = {name: f"Published{name}" for name in ("SimpleModel", "WSModel", "WSModel1", "AuxModel", "AuxModel1")}
REBUILT["WSModel"] = "NotebookWSModel"
NAMES_AND_RATES = [(name, rate) for rate in (0.1, 0.01) for name in REBUILT]


def of_networks(rounds: range, **settings: Any) -> dict[str, Any]:
    """Return what is said of the five networks in these rounds."""
    rows = {name: plain.of(name, rounds, **settings) for name in PARAMETERS}
    found = {}
    for name, own in rows.items():
        values = plain.accuracies(own)
        digits = [100 - int(row["digits_wrong"] or 0) / int(row["total"]) * 50 for row in own]
        above = plain.accuracies(rows[ABOVE[name]]) if name in ABOVE else None
        found[name] = {
            **plain.interval_of(values),
            "sd": stdev(values),
            "parameters": PARAMETERS[name],
            "fitted": [row["train_wrong"] for row in own].count("0"),
            "digits": None if name in ("SimpleModel", "WSModel") else mean(digits),
            "effect": plain.interval_of(plain.minus(values, above)) if above else None,
            "above": ABOVE.get(name),
        }
    return found


def differences(rounds: range, **settings: Any) -> dict[str, list[float]]:
    """Return the differences that the claims are about, by the better network."""
    values = {name: plain.accuracies(plain.of(name, rounds, **settings)) for name in BASE}
    return {name: plain.minus(values[name], values[ABOVE[name]]) for name in plain.CLAIMS}


def of_claims() -> dict[str, Any]:
    compared = list(differences(claims.ROUNDS).values())
    values = {name: plain.accuracies(plain.of(name, claims.ROUNDS)) for name in PARAMETERS}
    more_rounds = {}
    for name in ("WSModel1", "AuxModel1"):
        over_all = plain.accuracies(plain.of(name, claims.ALL_ROUNDS))
        worst = {"worst": min(over_all), "best_of_base": max(values[name[:-1]])}
        more_rounds[name] = {**plain.interval_of(over_all), "n": len(over_all), **worst}
    protocol = {"epochs": 50, "rate": 0.1, "aux": 0.5, "train": 1000, "test": 1000, "last_round": 29}
    protocol |= {"resamples": 100_000, "alpha": 0.05, "power": 0.8, "most_parameters": 70_000}
    return {
        "networks": {name: plain.interval_of(of_network) for name, of_network in values.items()},
        "detectable": [{str(n): (d * stdev(each), 1e-3) for n, d in plain.DETECTABLE.items()} for each in compared],
        "more_rounds": more_rounds,
        "protocol": protocol,
    }


def of_confirmation() -> dict[str, Any]:
    rounds, all_pairs = confirmation.ROUNDS, {"nb_test_pairs": 5000}  # MNIST has 10,000 test images
    networks, lines = of_networks(rounds, **all_pairs), []
    for name, own in networks.items():
        theirs = plain.errors_of_authors(name, 0.1)
        own["theirs"] = plain.interval_of([100 - error for error in theirs]) if name in BASE else None
    compared = differences(rounds, **all_pairs)
    chances = plain.holm([plain.flips(values) for values in compared.values()])
    for (name, values), p in zip(compared.items(), chances, strict=True):
        interval = plain.interval_of(values)
        shares = [networks[net]["mean"] / 100 for net in (name, ABOVE[name])]
        sampling = sum(share * (1 - share) for share in shares) / 5000 * 100**2
        wins, losses = sum(value > 1e-9 for value in values), sum(value < -1e-9 for value in values)
        shown = p < 0.05 and interval["low"] * interval["high"] > 0
        lines.append(
            {
                "sentence": plain.CLAIMS[name],
                "heading": f"{name} is better than {ABOVE[name]}",
                "difference": f"{name} - {ABOVE[name]}",
                **interval,
                "if_shared": 1.96 * sqrt(sampling + stdev(values) ** 2 / len(values)),
                "bootstrap": {name: (interval[name], 0.08) for name in ("low", "high")},
                "counts": [wins, len(values) - wins - losses, losses],
                "p": plain.flip_chance(p, len(values)),
                "verdict": ("holds" if interval["mean"] > 0 else "refuted") if shown else "not shown",
            }
        )
    more = {"rounds": f"{rounds[0]} to {rounds[-1]}", "n": len(rounds), "pairs": 5000, "commit": COMMIT}
    return {"networks": networks, "claims": lines, **more}


def as_theirs(name: str, rate: float) -> list[Row]:
    """Return our rows as the authors ran them; with digit labels, half the rate and a weight of 2."""
    settings: dict[str, Any] = {"aux_weight": 2} if name.startswith("Aux") else {}
    our_rate = rate / 2 if name.startswith("Aux") else rate
    if our_rate != 0.1:
        settings["learning_rate"] = our_rate
    return plain.of(REBUILT[name], authors.ROUNDS, nb_epochs=25, shuffle=False, **settings)


def moments(values: list[float]) -> dict[str, Any]:
    return {"mean": mean(values), "sd": stdev(values), "n": len(values)}


def together(values: list[float], middle: float, sd: float, n: int = 10) -> tuple[dict[str, Any], list[float]]:
    """Return the moments of values and of a group of which only these are known, by values that have them."""
    stretch = sd * sqrt((n - 1) / n)
    both = values + [middle + stretch, middle - stretch] * (n // 2)
    return moments(both), both


def of_authors() -> dict[str, Any]:
    with (RESULTS / "original_pictures.csv").open(newline="", encoding="utf-8") as file:
        lines = {(line["network"], float(line["learning_rate"])): line for line in csv.DictReader(file)}
    pictured = {key: [float(line[f"test_error_{of}"]) for of in ("mean", "sd")] for key, line in lines.items()}
    cells, of_both = [], {}
    for name, rate in NAMES_AND_RATES:
        own, theirs = plain.errors(as_theirs(name, rate)), plain.errors_of_authors(name, rate)
        limits = plain.welch(own, theirs, 0.9)
        cell: dict[str, Any] = {"name": name, "rate": rate, "within": max(abs(limits["low"]), abs(limits["high"]))}
        cell |= {"theirs": moments(theirs), "ours": moments(own)}
        cell["difference"] = plain.welch(own, theirs)
        cell |= {"both": None, "from_both": None, "one_draw": None}
        if name != "WSModel":
            more = plain.errors_of_authors(name, rate, commit="d918e72") if name == "SimpleModel" else None
            both = (moments(theirs + more), theirs + more) if more else together(theirs, *pictured[name, rate])
            cell["both"], of_both[name, rate] = both
            cell["from_both"] = plain.welch(own, both[1])
        if name not in ("WSModel", "SimpleModel"):
            cell["one_draw"] = moments(plain.errors_of_authors(name, rate, commit="88bc519"))
        cells.append(cell)
    conclusions = []
    for name in plain.CLAIMS:
        for rate in (0.1, 0.01):
            theirs = plain.minus(plain.errors_of_authors(ABOVE[name], rate), plain.errors_of_authors(name, rate))
            ours = plain.minus(plain.errors(as_theirs(ABOVE[name], rate)), plain.errors(as_theirs(name, rate)))
            line: dict[str, Any] = {"theirs": plain.interval_of(theirs), "ours": plain.interval_of(ours)}
            line |= {"apart": plain.welch(ours, theirs), "detectable": (plain.DETECTABLE[10] * stdev(theirs), 1e-2)}
            conclusions.append(line)
    return {
        "cells": cells,
        "conclusions": conclusions,
        "aux_in_both": plain.welch(of_both["WSModel1", 0.1], of_both["AuxModel", 0.1]),
        "rounds": len(authors.ROUNDS),
        "printed": 228,
    }


EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    "claims": of_claims,
    "confirmation": of_confirmation,
    "authors": of_authors,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_numbers_are_those_of_the_saved_rows(name: str) -> None:
    found, expected = numbers_of(name), EXPECTED[name]()
    plain.agree({part: found[part] for part in expected}, expected)


# ---- The criterion of the claims -------------------------------------------------------------------------------------


def git(*arguments: str) -> str:
    """Return what git says of the checkout; the test is left out where there is no git, or not the whole history."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("there is no history")
    command = ["git", "-C", str(ROOT)]
    asked = [*command, "rev-parse", "--is-shallow-repository"]
    if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() != "false":
        pytest.skip("the history is not whole")
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout


def test_the_criterion_was_there_before_the_rows() -> None:
    """In its commit are the experiment, with the same criterion, rounds and pairs, and no row of these rounds."""
    experiment = "report/experiments/confirmation.py"
    before, now = git("show", f"{COMMIT}:{experiment}"), (ROOT / experiment).read_text(encoding="utf-8")
    assert confirmation.COMMIT == COMMIT
    for part in (r"Criterion, .*?\.\n\"\"\"", r"\nROUNDS = [^\n]+\nDATA = [^\n]+"):
        criterion = re.search(part, before, re.DOTALL)
        assert criterion is not None
        assert criterion[0] in now
    rows = [row for name in BASE for row in plain.of(name, confirmation.ROUNDS, nb_test_pairs=5000)]
    came_after(COMMIT, confirmation.ROUNDS, rows)


def came_after(commit: str, rounds: range, rows: list[Row]) -> None:
    """Assert that no row of these rounds was there in a commit, and that the rows were made after it."""
    files = [file for file in git("ls-tree", "--name-only", commit, "report/results/").split() if file[-4:] == ".csv"]
    assert "report/results/claims.csv" in files
    for file in files:
        found = csv.DictReader(git("show", f"{commit}:{file}").splitlines())
        assert not {row.get("round") for row in found} & {str(r) for r in rounds}, file
    for made in {row["commit"] for row in rows}:
        git("cat-file", "-e", made)
        assert git("merge-base", commit, made).startswith(commit)


def test_the_best_networks_were_committed_before_their_rounds() -> None:
    before = git("show", f"{ladder.COMMIT}:report/experiments/ladder.py")
    assert "FRESH_ROUNDS = range(230, 260)\n" in before
    assert 'zip(nets, ({}, {"nb_epochs": LONG}), strict=True)' in before
    settings = {"nb_epochs": 100, "nb_test_pairs": 5000}
    rows = [row for name in ("DeepModel", "DeepAuxModel") for row in plain.of(name, ladder.FRESH_ROUNDS, **settings)]
    rows += [row for name in plain.EXPLORATION for row in plain.of(name, ladder.FRESH_ROUNDS, nb_test_pairs=5000)]
    came_after(ladder.COMMIT, range(230, 260), rows)


# ---- What no code here makes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FROZEN)
def test_a_changed_byte_of_what_no_code_makes_is_refused(tmp_path: Any, name: str) -> None:
    assert {f"{name}.csv" for name in plain.NO_ROWS} == FROZEN.keys()
    content = (RESULTS / name).read_bytes()
    (tmp_path / name).write_bytes(content)
    assert read_frozen(name, tmp_path) == content.decode()
    (tmp_path / name).write_bytes(content.replace(b"\n", b"\r\n"))  # as git may check it out on Windows
    assert read_frozen(name, tmp_path) == content.decode()
    for changed in (content.replace(b"1", b"2", 1), content + b"\n"):
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(UserError, match=rf"{name} was changed: it is a record that no code here makes\. Restore"):
            read_frozen(name, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=rf"{name} cannot be read: .* Restore it\."):
        read_frozen(name, tmp_path)


def test_the_base_networks_have_the_settings_that_the_first_rows_chose() -> None:
    """By the rule of the search on its first, frozen rows, read here."""
    with (RESULTS / "tuning_first.csv").open(newline="", encoding="utf-8") as file:
        wrong = {(row["network"], row["settings"], row["round"]): int(row["wrong"]) for row in csv.DictReader(file)}

    def means_of(setting: dict[str, Any]) -> list[float]:
        settings: dict[str, Any] = {"data": plain.VALIDATION, "training": {"shuffle": setting["shuffle"]}}
        simple = {name: setting[name] for name in ("maps", "hidden")}
        models = [simple, *[{**simple, "merge": setting["activation"]}] * 2]  # the activation was called so
        texts = [json.dumps({**settings, "model": model}, sort_keys=True) for model in models]
        three = list(zip(BASE, texts, strict=True))
        return [100 - mean(wrong[name, text, str(r)] for name, text in three) / 50 for r in tuning.ROUNDS]

    first, second = (
        tuning.choose(settings, [means_of(setting) for setting in settings])
        for settings in (tuning.FIRST, tuning.SIZES)
    )
    assert first == {"maps": [32, 64], "hidden": 100, "activation": "relu", "shuffle": True}
    assert second == tuning.IN_USE == {**first, "hidden": 150}
    for model in (SimpleModel, WSModel):
        defaults = {name: parameter.default for name, parameter in inspect.signature(model).parameters.items()}
        assert (list(defaults["maps"]), defaults["hidden"]) == ([32, 64], 150)
    assert inspect.signature(train).parameters["shuffle"].default is True


def test_the_choice_by_hand() -> None:
    """Fewest parameters within one standard error of the best, and of those the best."""
    settings = [{"maps": [32, 64], "hidden": hidden} for hidden in (150, 100, 100, 50)]
    # means 90, 89.7, 89.9, 89; the best one's standard error is sqrt(2.5 / 3) / sqrt(4) = 0.456
    means = [[89.5, 90.5, 89, 91], [89.7] * 4, [89.9] * 4, [89] * 4]
    assert tuning.choose(settings, means) is settings[2]
    assert tuning.choose(settings, [means[0], [89.6] * 4, [89.6] * 4, [89.55] * 4]) is settings[3]
    assert tuning.choose(settings, [means[0], [89.54] * 4, [89.5] * 4, [89.53] * 4]) is settings[0]
