"""Running jobs in processes of one thread each, here or on a Dask cluster; each row is a line, written at once.

An end at any time, by a signal, a full disk or a lost worker, loses no row that is in its file.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Generator, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from common.measuring import run_job
from common.provenance import code_version, this_machine
from common.results import read_rows
from common.rows import COLUMNS, Job, Row, csv_line, made_with
from helpers import UserError


def end_with_parent() -> None:
    """Let the kernel end this process when its parent ends, however that does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG


def processes(number: int | None = None) -> ProcessPoolExecutor:
    """Return so many processes that run jobs (default: one for each core that this one may use)."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return ProcessPoolExecutor(number or cores, initializer=end_with_parent)


def run_alone(job: Job) -> Row:
    """Run a job on a Dask worker, which must have one thread: a round seeds PyTorch's global generator, too."""
    from distributed import get_worker

    if (number := get_worker().state.nthreads) > 1:
        raise UserError(f"a Dask worker has {number} threads: start the workers with --nthreads 1.")
    return run_job(job)


def run_all(jobs: list[Job], workers: Executor) -> Generator[Row]:
    """Yield the jobs' rows as they come; UserError if a worker is lost, or cannot load this code.

    If it is closed before all are there, the jobs that have not begun are not run.
    """
    local = isinstance(workers, ProcessPoolExecutor)
    futures = [workers.submit(run_job if local else run_alone, job) for job in jobs]
    try:
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        text = "a process was killed, most often because memory ran out"
        raise UserError(f"{text}. Finished rows are kept; start again, with fewer --workers.") from error
    except Exception as error:
        if local or isinstance(error, UserError):
            raise
        text = " ".join(str(error).split())
        raise UserError(
            f"Dask failed: {text}. Finished rows are kept; see report/README.md, and start again."
        ) from error
    finally:
        for future in futures:
            future.cancel()


def run_missing(file: Path, jobs: list[Job], workers: Executor) -> None:
    """Run the jobs whose rows `file` lacks, and append each row to it as soon as it is there.

    UserError if a row of the file was changed, if rows would be mixed that cannot be compared, if another process adds
    to the file, or if it cannot be written.
    """
    if not jobs:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=0), file.open("a+", buffering=1, newline="", encoding="utf-8") as opened:
            old = read_rows(file)
            check_comparable(file, old.values())
            opened.seek(0)
            text = opened.read()
            opened.truncate(len(text[: text.rfind("\n") + 1].encode()))  # a last line that was cut short goes
            if "\n" not in text:
                opened.write(csv_line(COLUMNS))
            new = [job for job in jobs if job.key not in old]
            with closing(run_all(new, workers)) as rows:
                for row in tqdm(rows, total=len(new), desc=file.stem, unit="run"):
                    check_comparable(file, [row])
                    if row["code"] != code_version():
                        raise UserError(f"a worker runs other code, version {row['code']}: update its checkout.")
                    opened.write(csv_line(row[column] for column in COLUMNS))
    except Timeout as error:
        raise UserError(f"another process is adding rows to {file}. Wait for it, or stop it.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error}. Finished rows are kept; start again to go on.") from error


def check_comparable(file: Path, rows: Iterable[Row]) -> None:
    """Raise UserError if rows are of another version of PyTorch, or another instruction set, than this machine's."""
    this = this_machine()
    for made in map(made_with, rows):
        if made != this:
            raise UserError(
                f"{file}: rows of torch {made[0]}, {made[1]}, and of torch {this[0]}, {this[1]}, as here, are not "
                "mixed. Move the file away to make all of its rows here."
            )
