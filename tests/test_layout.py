"""The layout: imports run one way, every experiment and figure has its place."""

import csv
import re

from conftest import ROOT
from experiments.catalogue import EXPERIMENTS, SECTIONS, all_jobs, jobs_by_file, jobs_of, pictures
from plain import NO_ROWS, RESULTS, VALIDATION

COMMANDS = "study|build|verify|benchmark"
NOT_IMPORTED = {  # imports run one way
    "helpers.py": f"models|common|experiments|{COMMANDS}",
    "models/*.py": f"common|experiments|{COMMANDS}",
    "report/common/*.py": f"experiments|{COMMANDS}",
    "report/experiments/*.py": COMMANDS,
    "report/*.py": COMMANDS,
    "tests/plain.py": "helpers|models|common|experiments",  # it has nothing of what it checks
}


def test_imports_run_one_way() -> None:
    for pattern, names in NOT_IMPORTED.items():
        for file in ROOT.glob(pattern):
            text = file.read_text(encoding="utf-8")
            assert not re.search(rf"^\s*(from|import) ({names})\b", text, re.MULTILINE), file


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
    """From round 1000 on, pairs are for validation; those of rounds 200 to 259 are for the verdicts alone."""
    for name, experiment in EXPERIMENTS.items():
        for job in jobs_of(experiment):
            validation = {setting: job.settings.get(setting) for setting in VALIDATION} == VALIDATION
            assert validation == bool(job.settings.get("validation")) == (job.round >= 1000), job
            assert job.round >= 1000 or name not in ("tuning", "ablation", "course", "learning_rate")
            assert job.round not in range(200, 230) or name in ("confirmation", "train_pairs")
            assert job.round not in range(230, 260) or name == "ladder"
    with (RESULTS / "exploration.csv").open(newline="", encoding="utf-8") as file:
        assert min(int(row["round"]) for row in csv.DictReader(file)) >= 1000
