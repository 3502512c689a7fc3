"""The layout: imports run one way, no file is long, every experiment and figure has its place."""

import ast
import csv
import graphlib
import re
from pathlib import Path

from common.rows import Job
from conftest import ROOT
from experiments import catalogue, claims, epochs
from experiments.catalogue import EXPERIMENTS, all_jobs, jobs_of, name_of
from plain import RESULTS, ROUNDS, RUNS_OF_A_ROUND, VALIDATION

LAYERS = ("helpers", "models", "common", "experiments", "command")
COMMANDS = ("study", "build", "verify", "benchmark")
FILES = [ROOT / "helpers.py", *sorted((ROOT / "models").glob("*.py")), *sorted((ROOT / "report").rglob("*.py"))]
NOT_RUN = {"exploration", "tuning_first", "original", "again"}  # of older code, of the authors, of verify.py


def name_of_module(file: Path) -> str:
    """Return the name by which a file is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "report" else parts)


def layer_of(module: str) -> int:
    """Return how high a module is in the layout."""
    first = module.partition(".")[0]
    return LAYERS.index("command" if first in COMMANDS else first)


def imports_of(file: Path) -> set[str]:
    """Return the modules of the project that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & {name_of_module(file) for file in FILES}


def test_imports_run_one_way() -> None:
    graph = {name_of_module(file): imports_of(file) for file in FILES}
    assert {"helpers", "common.rows"} <= graph["experiments.claims"] | graph["build"]
    for module, imported in graph.items():
        for other in imported:
            assert layer_of(other) <= layer_of(module), f"{module} imports {other}"
            assert other.partition(".")[0] not in COMMANDS, f"{module} imports {other}"
    graphlib.TopologicalSorter(graph).prepare()  # CycleError if there is one


def test_no_file_of_the_report_is_long() -> None:
    for file in (ROOT / "report").rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 260, file


def test_every_room_is_in_the_catalogue() -> None:
    files = {file.stem for file in (ROOT / "report" / "experiments").glob("*.py")} - {"__init__", "catalogue"}
    assert sorted(name_of(experiment) for experiment in catalogue.PARTS) == sorted(files)
    with_runs = {name_of(experiment) for experiment in catalogue.PARTS if hasattr(experiment, "runs")}
    assert with_runs == {name_of(experiment) for experiment in EXPERIMENTS}
    for experiment in catalogue.PARTS:
        assert re.fullmatch(r"[A-Z][^?]*\?", catalogue.question_of(experiment)), experiment
        assert hasattr(experiment, "numbers") or hasattr(experiment, "PICTURES")


def test_every_picture_is_in_the_report_and_every_room_of_the_saved_files() -> None:
    text = (ROOT / "report" / "report.typ").read_text(encoding="utf-8")
    assert set(re.findall(r'picture\("(\w+)"', text)) == set(catalogue.PICTURES)
    drawn = {file.stem for file in (ROOT / "report" / "figures").glob("*.svg")}
    assert drawn == set(catalogue.PICTURES)
    assert {file.stem for file in RESULTS.glob("*.csv")} - NOT_RUN == ROUNDS.keys()


def test_the_experiments_are_those_that_the_report_is_about() -> None:
    by_name: dict[str, list[Job]] = {}
    for job in all_jobs():
        by_name.setdefault(job.experiment, []).append(job)
    assert {name: len(own) for name, own in by_name.items()} == {
        name: len(rounds) * RUNS_OF_A_ROUND[name] for name, rounds in ROUNDS.items()
    }
    assert {name: sorted({job.round for job in own}) for name, own in by_name.items()} == {
        name: list(rounds) for name, rounds in ROUNDS.items()
    }
    assert [name_of(experiment) for experiment in EXPERIMENTS] == list(by_name) == list(ROUNDS)
    assert [job.round for job in jobs_of(epochs, 2)] == [1200] * 18 + [1201] * 18
    assert len(jobs_of(claims)) == 5 * len(ROUNDS["claims"])
    assert {job.experiment for job in all_jobs(EXPERIMENTS[1:2])} == {"confirmation"}


def test_no_choice_is_made_in_the_rounds_of_the_study() -> None:
    """From round 1000 on, pairs are for validation; those of rounds 200 to 229 are for the claims' verdicts alone."""
    for job in all_jobs(catalogue.BY_NAME.values()):
        validation = {name: job.data[name] for name in job.data if name in VALIDATION}
        assert (validation == VALIDATION) == (job.round >= 1000)
        assert bool(job.data.get("validation")) == (job.round >= 1000)
        assert job.round >= 1000 or job.experiment not in ("tuning", "ablation", "epochs")
        assert job.round not in ROUNDS["confirmation"] or job.experiment in ("confirmation", "ceiling")
    with (RESULTS / "exploration.csv").open(newline="", encoding="utf-8") as file:
        assert min(int(row["round"]) for row in csv.DictReader(file)) >= 1000


def test_no_file_of_these_tests_uses_what_it_checks() -> None:
    """The plain reading has nothing of the project."""
    imported = imports_of(ROOT / "tests" / "plain.py")
    assert imported == set()
