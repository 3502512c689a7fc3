"""The rooms in order: a new experiment is a new file here, and a line."""

import argparse
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
    *(ablation, prior, errors, train_pairs, more_rounds, tuning, ceiling),
)
ROOMS = (*EXPERIMENTS, head, cost, diagrams)


def name_of(room: ModuleType) -> str:
    """Return a room's name: that of its file, and of its rows and numbers."""
    return room.__name__.rpartition(".")[2]


BY_NAME = {name_of(room): room for room in EXPERIMENTS}


def question_of(room: ModuleType) -> str:
    """Return the first sentence of a room's docstring."""
    return (room.__doc__ or "").partition("?")[0] + "?"


def jobs_of(room: ModuleType, nb_rounds: int | None = None) -> list[Job]:
    """Return an experiment's runs, or those of its first `nb_rounds` rounds."""
    first = room.ROUNDS.start
    return [job for r in range(first, first + (nb_rounds or len(room.ROUNDS))) for job in room.runs(r)]


def experiment(name: str) -> str:
    """Return the name of an experiment; for argparse, which makes a message of the error."""
    if name not in BY_NAME:
        raise argparse.ArgumentTypeError(f"unknown experiment {name}; there are {', '.join(BY_NAME)}")
    return name


def positive(text: str) -> int:
    """Return a whole number above 0; for argparse, too."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def parser_of(docstring: str | None) -> argparse.ArgumentParser:
    """Return a parser of the experiments' names, whose --help shows a command's docstring."""
    description, _, more = (docstring or "").partition("\n\n")
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, epilog=more, formatter_class=formatter)
    text = f"one or more of {', '.join(BY_NAME)}; default: all"
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", type=experiment, help=text)
    return parser


def all_jobs(rooms: Iterable[ModuleType] = EXPERIMENTS) -> list[Job]:
    """Return the runs of these experiments, each once."""
    return list({job.key: job for room in rooms for job in jobs_of(room)}.values())


def all_numbers(saved: Saved) -> dict[str, Any]:
    """Return every room's numbers, by its name."""
    return {name_of(room): room.numbers(saved) for room in ROOMS if hasattr(room, "numbers")}


PICTURES: dict[str, Callable[[Saved], Figure]] = {
    name: draw for room in ROOMS for name, draw in getattr(room, "PICTURES", {}).items()
}
