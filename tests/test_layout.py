"""The layout: imports run one way, every experiment and figure has its place."""

import ast
import csv
import graphlib
import re
from pathlib import Path

from conftest import ROOT
from experiments.catalogue import EXPERIMENTS, SECTIONS, all_jobs, jobs_by_file, jobs_of, pictures
from plain import NO_ROWS, RESULTS, VALIDATION

LAYERS = ("helpers", "models", "common", "experiments", "command")
COMMANDS = ("study", "build", "verify", "benchmark")
FILES = [ROOT / "helpers.py", *sorted((ROOT / "models").glob("*.py")), *sorted((ROOT / "report").rglob("*.py"))]


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
    assert imports_of(ROOT / "tests" / "plain.py") == set()  # it has nothing of what it checks


def test_every_experiment_is_in_the_catalogue() -> None:
    files = {file.stem for file in (ROOT / "report" / "experiments").glob("*.py")} - {"__init__", "catalogue"}
    assert SECTIONS.keys() == files
    assert {name for name, part in SECTIONS.items() if hasattr(part, "VARIANTS")} == EXPERIMENTS.keys()
    for experiment in EXPERIMENTS.values():
        assert re.fullmatch(r"[A-Z][^?]*\?", experiment.QUESTION), experiment


def test_every_figure_is_in_the_report_and_every_file_of_rows_is_an_experiments() -> None:
    text = (ROOT / "report" / "report.typ").read_text(encoding="utf-8")
    assert set(re.findall(r'picture\("(\w+)"', text)) == set(pictures())
    assert {file.stem for file in (ROOT / "report" / "figures").glob("*.svg")} == set(pictures())
    with_rows = {name for name, jobs in jobs_by_file().items() if jobs}
    assert {file.stem for file in RESULTS.glob("*.csv")} - set(NO_ROWS) == with_rows


def test_jobs_come_round_after_round_and_each_once() -> None:
    for name, experiment in EXPERIMENTS.items():
        jobs = jobs_of(experiment)
        assert len(jobs) == sum(len(variant.rounds) for variant in experiment.VARIANTS.values()), name
        assert [job.round for job in jobs] == sorted(job.round for job in jobs)
        assert len(jobs_of(experiment, 2)) == 2 * len(experiment.VARIANTS)
    files = jobs_by_file()
    assert list(files) == list(EXPERIMENTS)
    assert sum(map(len, files.values())) == len(all_jobs()) == len({key for jobs in files.values() for key in jobs})


def test_no_choice_is_made_in_the_rounds_of_the_study() -> None:
    """From round 1000 on, pairs are for validation; those of rounds 200 to 229 are for the claims' verdicts alone."""
    for name, experiment in EXPERIMENTS.items():
        for job in jobs_of(experiment):
            validation = {setting: job.settings.get(setting) for setting in VALIDATION} == VALIDATION
            assert validation == bool(job.settings.get("validation")) == (job.round >= 1000), job
            assert job.round >= 1000 or name not in ("tuning", "ablation", "course", "learning_rate")
            assert job.round not in range(200, 230) or name in ("confirmation", "train_pairs")
    with (RESULTS / "exploration.csv").open(newline="", encoding="utf-8") as file:
        assert min(int(row["round"]) for row in csv.DictReader(file)) >= 1000
