"""The experiments, a room each: its question, rounds, runs, numbers, table and picture."""

from types import ModuleType

from common.rows import Job

from experiments import (
    ablation,
    aux_weight,
    claims,
    epochs,
    errors,
    last_layer,
    more_rounds,
    published,
    sharing,
    train_pairs,
    tuning,
)

# in the order in which they are run: a run that two of them need is made once, for the first
ROOMS = [
    *(claims, sharing, last_layer, aux_weight, epochs, published),
    *(ablation, errors, tuning, train_pairs, more_rounds),
]
BY_NAME = {room.__name__.rpartition(".")[2]: room for room in ROOMS}


def jobs_of(room: ModuleType, nb_rounds: int | None = None) -> list[Job]:
    """Return an experiment's runs, or those of its first `nb_rounds` rounds."""
    first = room.ROUNDS.start
    return [job for r in range(first, first + (nb_rounds or len(room.ROUNDS))) for job in room.runs(r)]


def all_jobs() -> list[Job]:
    """Return the runs of all experiments, each once."""
    return list({job.key: job for room in ROOMS for job in jobs_of(room)}.values())
