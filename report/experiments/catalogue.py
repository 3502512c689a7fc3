"""The experiments in order: a new one is a new file here, and a line."""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from common.rows import Job
from common.saved import Saved
from matplotlib.figure import Figure

from experiments import (
    ablation,
    authors,
    aux_weight,
    bridge,
    ceiling,
    claims,
    confirmation,
    cost,
    diagrams,
    epochs,
    errors,
    head,
    last_layer,
    learning_rate,
    more_rounds,
    prior,
    published,
    sharing,
    train_pairs,
    tuning,
)

# in the order in which they are run: a run that two of them need is made once, for the first
EXPERIMENTS = (
    *(claims, confirmation, published, authors, bridge, sharing, last_layer, aux_weight, epochs),
    *(ablation, prior, errors, train_pairs, more_rounds, tuning, ceiling, learning_rate),
)
PARTS = (*EXPERIMENTS, head, cost, diagrams)  # of the report: the last have no runs of their own


def name_of(part: ModuleType) -> str:
    """Return the name of a part: that of its file, and of its rows and numbers."""
    return part.__name__.rpartition(".")[2]


BY_NAME = {name_of(experiment): experiment for experiment in EXPERIMENTS}


def question_of(part: ModuleType) -> str:
    """Return the first sentence of the docstring."""
    return (part.__doc__ or "").partition("?")[0] + "?"


def jobs_of(experiment: ModuleType, nb_rounds: int | None = None) -> list[Job]:
    """Return an experiment's runs, or those of its first `nb_rounds` rounds."""
    first = experiment.ROUNDS.start
    nb_rounds = nb_rounds or len(experiment.ROUNDS)
    return [job for r in range(first, first + nb_rounds) for job in experiment.runs(r)]


def all_jobs(experiments: Iterable[ModuleType] = EXPERIMENTS) -> list[Job]:
    """Return the runs of these experiments, each once."""
    return list({job.key: job for experiment in experiments for job in jobs_of(experiment)}.values())


def all_numbers(saved: Saved) -> dict[str, Any]:
    """Return the numbers of every part, by its name."""
    return {name_of(part): part.numbers(saved) for part in PARTS if hasattr(part, "numbers")}


def pictures_of(part: ModuleType) -> dict[str, Callable[[Saved], Figure]]:
    """Return what draws the figures of a part, by their names: its `picture`, or its PICTURES where it has several."""
    own = {name_of(part): part.picture} if hasattr(part, "picture") else {}
    return getattr(part, "PICTURES", own)


PICTURES = {name: draw for part in PARTS for name, draw in pictures_of(part).items()}
