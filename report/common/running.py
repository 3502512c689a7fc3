"""Running jobs: in parallel processes here, or on the workers of a Dask scheduler, a row appended for each."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, NoReturn

import joblib
from filelock import FileLock, Timeout
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from common.checks import read_rows
from common.measuring import run_job
from common.provenance import this_machine
from common.rows import COLUMNS, Job, Key, Row, csv_line, made_with
from helpers import UserError


def run_on_dask(job: Job) -> Row:
    """Run a job on a Dask worker, which must have one thread: a round is drawn from PyTorch's global generator, too."""
    from distributed import get_worker

    if (number := get_worker().state.nthreads) > 1:
        raise UserError(f"a Dask worker has {number} threads: start the workers with --nthreads 1.")
    return run_job(job)


def run_all(jobs: list[Job], workers: int, client: Any = None) -> Iterator[Row]:
    """Yield the jobs' rows as they come, from local processes or, with a distributed.Client, from its workers."""
    if client is None:
        # what `end` leaves, joblib's own helper process cleans up: without a warning
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
        # a terminal sends Ctrl-C to all: the processes inherit that it is ignored, and leave it to this one
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
            rows = parallel(map(joblib.delayed(run_job), jobs))
        finally:
            signal.signal(signal.SIGINT, before)
        yield from rows
    else:
        from distributed import KilledWorker, as_completed

        try:
            for future in as_completed(client.map(run_on_dask, jobs, pure=False)):
                yield future.result()
        except (CancelledError, KilledWorker) as error:
            raise UserError(f"the Dask cluster was lost ({error}). Finished rows are kept; start again.") from error


def end(message: str) -> NoReturn:
    """End the worker processes, print a message and end this process: for a signal's handler.

    Not through joblib, which can wait for ever here: for its thread that hands out the next job, while that thread
    waits for a lock of the main thread.
    """
    try:
        for process in multiprocessing.active_children():
            process.terminate()
        os.write(2, f"\n{message}\n".encode())
    finally:
        os._exit(130)


def run_missing(file: Path, jobs: list[Job], all_jobs: dict[Key, Job], workers: int = -1, client: Any = None) -> None:
    """Run the jobs whose rows `file` lacks, in parallel processes of one thread each, and append their rows to it.

    `all_jobs` are those that the file may have rows of. Raises UserError if the gate refuses a row of the file, if
    another process adds to it, or if the file cannot be written. Ctrl-C and SIGTERM end this process with a
    message; every row that is in the file stays.
    """
    if not jobs:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=0):
            rows = read_rows(file, all_jobs)
            check_same_arithmetic(file, list(rows.values()))
            append(file, [job for job in jobs if job.key not in rows], workers, client)
    except Timeout as error:
        raise UserError(f"another process is adding rows to {file}. Wait for it, or stop it.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error}. Finished rows are kept; start again to go on.") from error


def check_same_arithmetic(file: Path, rows: list[Row]) -> None:
    """Raise UserError if the file has rows of another version of torch or another arithmetic than would be added."""
    this = this_machine()
    for made in map(made_with, rows):
        if made != this:
            raise UserError(
                f"{file} has rows of torch {made[0]}, {made[1]}; here it is torch {this[0]}, {this[1]}. They are not "
                "mixed: move the file away to make all of its rows here."
            )


def append(file: Path, jobs: list[Job], workers: int, client: Any) -> None:
    """Run the jobs and append their rows; on Ctrl-C, SIGTERM or a lost worker, say what is kept."""

    def interrupt(*_: object) -> None:
        end(f"Interrupted: {saved} new rows are in {file}. Start again to go on.")

    saved = 0
    # line by line, so that no signal comes between a row and its flush
    with file.open("r+" if file.exists() else "w+", buffering=1, newline="", encoding="utf-8") as opened:
        text = opened.read()
        opened.seek(len(text[: text.rfind("\n") + 1].encode()))  # a last line cut short goes
        opened.truncate()
        if not text:
            opened.write(csv_line(COLUMNS))
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            bar = {"total": len(jobs), "desc": file.stem, "unit": "run"}
            for row in tqdm(run_all(jobs, workers, client), **bar):
                opened.write(csv_line(row[column] for column in COLUMNS))
                saved += 1
        except TerminatedWorkerError as error:
            raise UserError(
                f"a worker process was ended by the system, most often because memory ran out. {saved} new rows are in "
                f"{file}; start again with fewer --workers to go on."
            ) from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
