"""The numbers of the claims, the networks in both sets of rounds, the criterion, and the cost.

Each is computed anew in plain Python from the saved files; the authors' are in test_numbers_of_authors.py.
"""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from math import sqrt
from statistics import mean, median, stdev
from typing import Any

import plain
import pytest
from conftest import ROOT, all_saved, numbers_of
from experiments import claims, confirmation
from experiments.catalogue import all_jobs, all_numbers
from plain import ABOVE, BASE, EXPLORATION, RESULTS, ROUNDS, VALIDATION, WHOLE, About, Near, Row, number_of, span
from test_numbers_of_authors import EXPECTED as OF_AUTHORS

PARAMETERS = {"SimpleModel": "57,956", "WSModel": "58,918", "AuxModel": "58,918"}
PARAMETERS |= {"WSModel1": "59,368", "AuxModel1": "59,368"}
COMMIT = "cb3de46"  # of the criterion of rounds 200 to 229


def of_networks(experiment: str, **settings: Any) -> dict[str, Any]:
    """Return what is said of the five networks in the rounds of an experiment."""
    accuracies = {name: plain.percent(experiment, name, **settings) for name in PARAMETERS}
    found = {}
    for name, values in accuracies.items():
        own = plain.plain(experiment, name, **settings)
        shares = [(int(row["wrong"]) / int(row["total"]), int(row["total"])) for row in own]
        found[name] = {
            **plain.mean_of(values),
            "sd": Near(stdev(values), 2),
            "sampling": Near(100 * sqrt(mean(share * (1 - share) / total for share, total in shares)), 2),
            "worst": Near(min(values), 1),
            "n": number_of(experiment),
            "parameters": PARAMETERS[name],
            "train": Near(mean(100 - 100 * int(row["train_wrong"]) / int(row["train_total"]) for row in own), 2),
            "digits": "" if name in ("SimpleModel", "WSModel") else plain.digits(own),
            "effect": plain.effect(values, accuracies[ABOVE[name]]) if name in ABOVE else None,
        }
    return found


def of_claims() -> dict[str, Any]:
    differences = [
        plain.minus(plain.percent("claims", name), plain.percent("claims", ABOVE[name])) for name in plain.CLAIMS
    ]
    protocol = {"epochs": "50", "rate": "0.1", "batch": "100", "aux": "0.5", "train": "1,000", "test": "1,000"}
    protocol |= {"rounds": number_of("claims"), "last_round": str(ROUNDS["claims"][-1]), "resamples": "100,000"}
    protocol |= {"alpha": "0.05", "power": "80", "studies": "10,000", "most_parameters": "70,000"}
    return {
        "networks": of_networks("claims"),
        "differences": [plain.difference_of(values) for values in differences],
        "sd": [Near(stdev(values), 2) for values in differences],
        "detectable": [
            {str(size): Near(plain.detectable(stdev(values), size), 2) for size in (10, 30)} for values in differences
        ],
        "coverage": [About(plain.simulated_coverage(values), 2.5) for values in differences],
        "protocol": protocol,
    }


def of_confirmation() -> dict[str, Any]:
    networks, said = of_networks("confirmation", **WHOLE), []
    for name, own in networks.items():
        own["theirs"] = plain.mean_of([100 - error for error in plain.errors_of_authors(name, 0.1)])
    both = [(name, *(plain.percent("confirmation", net, **WHOLE) for net in (name, ABOVE[name]))) for name in BASE[1:]]
    chances = plain.holm([plain.flips(plain.minus(better, worse)) for _, better, worse in both])
    for (name, better, worse), p in zip(both, chances, strict=True):
        values, found = plain.minus(better, worse), plain.effect(better, worse)
        low, high = plain.bootstrap(values)
        wins, losses = sum(value > 1e-9 for value in values), sum(value < -1e-9 for value in values)
        shown = p < 0.05 and found["low"].value * found["high"].value > 0
        said.append(
            {
                "sentence": plain.CLAIMS[name],
                "difference": f"{name} - {ABOVE[name]}",
                **found,
                "bootstrap": {"mean": found["mean"], "low": About(low, 0.08), "high": About(high, 0.08)},
                "n": number_of("confirmation"),
                "counts": f"{wins} / {len(values) - wins - losses} / {losses}",
                "p": plain.flip_chance(p, len(values)),
                "verdict": ("holds" if found["mean"].value > 0 else "refuted") if shown else "not shown",
            }
        )
    more = {"rounds": span("confirmation"), "n": number_of("confirmation"), "pairs": "5,000", "commit": COMMIT}
    labels = plain.effect(*(plain.percent("confirmation", name, **WHOLE) for name in ("AuxModel1", "WSModel1")))
    return {"networks": networks, "claims": said, "labels": labels, **more}


# ---------------------------------------------------------------------------------------------------------------------
# The cost


def of_cost() -> dict[str, Any]:
    def seconds(found: list[Row]) -> float:
        return median(float(row["seconds"]) for row in found)

    def of_pairs(name: str, number: int) -> float:
        return seconds(plain.plain("train_pairs", name, data={"nb_train_pairs": number}))

    def of_epochs(name: str, number: int) -> float:
        return seconds(plain.plain("epochs", name, training={"nb_epochs": number}, data=VALIDATION))

    measured = json.loads((RESULTS / "benchmark.json").read_text(encoding="utf-8"))
    total, experiments = 0.0, []
    for name, rounds in ROUNDS.items():
        own = list(plain.rows(name).values())
        used = sum(float(row["seconds"] or 0) for row in own)
        total += used
        line = {"name": name, "rounds": span(name), "runs": str(len(rounds) * plain.RUNS_OF_A_ROUND[name])}
        processors = ", ".join(sorted({row["cpu"] for row in own}))
        experiments.append({**line, "minutes": Near(used / 60, 0), "processors": processors})
    whole = measured["whole job"]
    speed = {name: Near(whole[name], 1) for name in ("ours", "published", "ratio", "same", "same_ratio")}
    speed["without_limit"] = Near(measured["without the limit"]["ours"], 1)
    again = plain.again()
    cpus = {row["cpu"] for name in ROUNDS for row in plain.rows(name).values()}
    equal = {"made": " and ".join(sorted(cpus)), "again": " and ".join(sorted({row["cpu"] for row in again}))}
    return {
        "seconds": {name: Near(of_epochs(name, 50), 1) for name in BASE},
        "alone": {name: Near(measured["a run on one core"][name], 1) for name in EXPLORATION},
        "pairs": {name: Near(of_pairs(name, 8000) / of_pairs(name, 2000), 1) for name in BASE},
        "epochs": {name: Near(of_epochs(name, 100) / of_epochs(name, 50), 1) for name in BASE},
        "most": "8,000",
        "fewer": "2,000",
        "times_pairs": "4",
        "times_epochs": "2",
        "runs": f"{sum(len(rounds) * plain.RUNS_OF_A_ROUND[name] for name, rounds in ROUNDS.items()):,}",
        "hours": Near(total / 3600, 1),
        "experiments": experiments,
        "benchmark": measured,
        "speed": {"machine": measured["machine"], **speed},
        "equal": {**equal, "rows": str(len(again))},
    }


EXPECTED: dict[str, Callable[[], dict[str, Any]]] = {
    "claims": of_claims,
    "confirmation": of_confirmation,
    "cost": of_cost,
    **OF_AUTHORS,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_numbers_are_those_of_the_saved_rows(name: str) -> None:
    found, expected = numbers_of(name), EXPECTED[name]()
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value, key


def test_the_rooms_together_give_what_they_give_one_by_one() -> None:
    """What is not computed anew here is held to the committed numbers by test_report; no saved row is left over."""
    found = all_numbers(all_saved())
    assert EXPECTED.keys() < found.keys()
    assert found == json.loads((ROOT / "report" / "numbers.json").read_text(encoding="utf-8"))
    jobs = {(job.experiment, job.network.name, job.round, job.settings) for job in all_jobs()}
    assert {(name, *key) for name in ROUNDS for key in plain.rows(name)} == jobs


# ---------------------------------------------------------------------------------------------------------------------
# The criterion of the claims


def test_the_table_of_the_results() -> None:
    """README's; tests/test_report.py reads it there."""
    found = confirmation.results_table(numbers_of("confirmation"))
    check_results(found)
    assert [line.split(" | ")[0] for line in found.splitlines()[2:]] == [f"| {name}" for name in PARAMETERS]


def check_results(text: str) -> None:
    """Assert that a text has the line of each network, with its effect and the claims' verdicts."""
    expected = of_confirmation()
    verdicts = {said["difference"]: said["verdict"] for said in expected["claims"]}
    for name, of in expected["networks"].items():
        cells = next(line for line in text.splitlines() if line.startswith(f"| {name} |")).strip("| ").split(" | ")
        assert cells[2] == of["parameters"]
        for cell, numbers, form in ((cells[3], of, r"\*\*(.+)\*\* ± (.+)"), (cells[4], of["theirs"], "(.+) ± (.+)")):
            said = re.fullmatch(form, cell)
            assert said is not None, cell
            assert [numbers["mean"], numbers["half"]] == list(said.groups())
        if name not in ABOVE:
            assert len(cells) == 5
            continue
        said = re.fullmatch(r"(\S+) \[(\S+), (\S+)\] over (\w+)(?:: \*\*([a-z ]+)\*\*)?", cells[5])
        assert said is not None, cells[5]
        assert [of["effect"][key] for key in ("mean", "low", "high")] == list(said.groups()[:3])
        assert said.groups()[3:] == (ABOVE[name], verdicts.get(f"{name} - {ABOVE[name]}"))


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
    """In its commit are the experiment, with the same criterion and analysis, and no row of these rounds."""
    experiment = "report/experiments/confirmation.py"
    before, now = git("show", f"{COMMIT}:{experiment}"), (ROOT / experiment).read_text(encoding="utf-8")
    assert confirmation.COMMIT == COMMIT
    parts = [r"Criterion, .*?\.\n\"\"\"", r"\nROUNDS = [^\n]+\nDATA = [^\n]+"]
    parts += [rf"\ndef {name}\(.*?\n\n\n" for name in ("run", "runs", "runs_of", "comparisons")]
    for part in parts:
        criterion = re.search(part, before, re.DOTALL)
        assert criterion is not None
        assert criterion[0] in now
    files = git("ls-tree", "--name-only", COMMIT, "report/results/").split()
    assert "report/results/claims.csv" in files
    assert "report/results/confirmation.csv" not in files
    for file in files:
        if file.endswith(".csv"):
            found = csv.DictReader(git("show", f"{COMMIT}:{file}").splitlines())
            assert not {row["round"] for row in found} & {str(r) for r in ROUNDS["confirmation"]}
    for commit in {row["commit"] for row in plain.rows("confirmation").values()}:
        git("cat-file", "-e", commit)
        assert git("merge-base", COMMIT, commit).startswith(COMMIT)


def test_the_claims_are_those_of_the_published_work() -> None:
    assert [(claim.sentence, claim.difference) for claim in claims.CLAIMS] == [
        (sentence, f"{name} - {ABOVE[name]}") for name, sentence in plain.CLAIMS.items()
    ]
