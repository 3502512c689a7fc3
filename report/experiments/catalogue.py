"""The experiments in order: a new one is a new file here, and a line."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from common.results import Results
from common.rows import Job, Key, Row
from matplotlib.figure import Figure

from experiments import (
    ablation,
    authors,
    aux_weight,
    claims,
    confirmation,
    cost,
    course,
    diagrams,
    ladder,
    last_layer,
    learning_rate,
    prior,
    published,
    sharing,
    train_pairs,
    tuning,
)


def by_name(*modules: ModuleType) -> dict[str, ModuleType]:
    """Return modules by their own names."""
    return {module.__name__.rpartition(".")[2]: module for module in modules}


EXPERIMENTS = by_name(  # in the order in which they are run: a row that two of them need is in the file of the first
    *(claims, confirmation, authors, published, sharing, last_layer, aux_weight, course, learning_rate, ablation),
    *(prior, train_pairs, tuning, ladder),
)
SECTIONS = EXPERIMENTS | by_name(cost, diagrams)  # of the report


def jobs_of(experiment: ModuleType, nb_rounds: int | None = None) -> list[Job]:
    """Return an experiment's jobs, round after round, or those of its variants' first `nb_rounds` rounds.

    They may be more rounds than a variant has.
    """
    jobs: list[Job] = []
    for variant in experiment.VARIANTS.values():
        first = variant.rounds[0]
        jobs += variant if nb_rounds is None else replace(variant, rounds=range(first, first + nb_rounds))
    return sorted(jobs, key=lambda job: job.round)


def jobs_by_file(nb_rounds: int | None = None) -> dict[str, dict[Key, Job]]:
    """Return the jobs of all experiments, each once, by the experiment in whose file its row is and by their keys.

    A job whose row keeps more for another experiment keeps it in the first one's file.
    """
    jobs_of_all = {name: {job.key: job for job in jobs_of(part, nb_rounds)} for name, part in EXPERIMENTS.items()}
    keeping = {key: job for jobs in jobs_of_all.values() for key, job in jobs.items() if job.details}
    seen: set[Key] = set()
    files: dict[str, dict[Key, Job]] = {}
    for name, jobs in jobs_of_all.items():
        files[name] = {key: keeping.get(key, job) for key, job in jobs.items() if key not in seen}
        seen |= jobs.keys()
    return files


def all_jobs() -> dict[Key, Job]:
    """Return the jobs of all experiments, each once, by their keys."""
    return {key: job for jobs in jobs_by_file().values() for key, job in jobs.items()}


def experiment_numbers(name: str, rows: list[Row]) -> dict[str, Any]:
    """Return an experiment's question, its rounds, and the number and the minutes of one core of its new rows."""
    rounds = sorted({nb_round for variant in EXPERIMENTS[name].VARIANTS.values() for nb_round in variant.rounds})
    ends = [n for n in rounds if n - 1 not in rounds], [n for n in rounds if n + 1 not in rounds]
    return {
        "name": name,
        "question": EXPERIMENTS[name].QUESTION,
        "rounds": ", ".join(f"{first} to {last}" for first, last in zip(*ends, strict=True)),
        "rows": len(rows),
        "minutes": sum(float(row["seconds"] or 0) for row in rows) / 60,
    }


def rounded(numbers: Any) -> Any:
    """Return numbers to six decimals, so that a build is the same to the byte on any machine."""
    if isinstance(numbers, dict):
        return {name: rounded(value) for name, value in numbers.items()}
    if isinstance(numbers, list | tuple):
        return [rounded(value) for value in numbers]
    return round(numbers, 6) + 0.0 if isinstance(numbers, float) else numbers


def all_numbers(results: Results) -> dict[str, Any]:
    """Return the numbers of every part, by its name, and those of the list of experiments."""
    numbers = {name: part.numbers(results) for name, part in SECTIONS.items() if hasattr(part, "numbers")}
    rows = {name: [results.by_key[key] for key in jobs] for name, jobs in jobs_by_file().items()}
    return rounded({**numbers, "experiments": [experiment_numbers(name, new) for name, new in rows.items()]})


def pictures() -> dict[str, Callable[[Results], Figure]]:
    """Return what draws the figures, by their names: a part's `picture`, or its PICTURES where it has several."""
    draw: dict[str, Callable[[Results], Figure]] = {}
    for name, part in SECTIONS.items():
        draw |= getattr(part, "PICTURES", {name: part.picture} if hasattr(part, "picture") else {})
    return draw
