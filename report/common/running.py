"""Running jobs: in parallel processes here, or on the workers of a Dask scheduler, a row appended for each."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import torch
from filelock import FileLock, Timeout
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from torch import Tensor, nn
from tqdm import tqdm

import helpers
from common.rows import COLUMNS, IDENTITY, ROOT, Job, Row, checksum, csv_line, read_rows
from helpers import DivergenceError, UserError
from models.WSharing import JointComparison


@cache
def commit() -> str:
    """Return the commit of the checkout, or "unknown" outside one or without git."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def arithmetic() -> str:
    """Return what results depend on besides code and PyTorch: how this machine is set to compute."""
    if helpers.device().type == "cuda":
        return f"CUDA {torch.cuda.get_device_name()}"
    capability = torch.backends.cpu.get_cpu_capability()
    settings = [os.environ.get(name, "") for name in helpers.SAME_DIGITS]
    return " ".join([capability, *settings]) if capability.startswith("AVX") else capability


def this_machine() -> tuple[str, str]:
    """Return the version of PyTorch and the arithmetic: rows that agree in both can be compared."""
    return torch.__version__.split("+")[0], arithmetic()


def processor() -> str:
    """Return the processor's name."""
    return str(torch.cpu.get_capabilities().get("cpu_name") or "unknown")


@torch.no_grad()
def scores_of_digits(model: Any, pairs: Tensor) -> Tensor:
    """Return the ten scores of each digit of the pairs, in evaluation mode, float32 (N, 2, 10)."""
    model.eval()
    return torch.cat([model.digit_scores(batch) for batch in pairs.split(helpers.EVALUATION_BATCH_SIZE)])


@torch.no_grad()
def predictions(model: nn.Module, pairs: Tensor) -> Tensor:
    """Return the class with the higher score of each pair, in evaluation mode, int64 (N,)."""
    model.eval()
    return torch.cat([model(batch).argmax(1) for batch in pairs.split(helpers.EVALUATION_BATCH_SIZE)])


def digit_counts(model: nn.Module, data: helpers.Round) -> dict[str, int]:
    """Count, over the test pairs, what the digit scores get wrong, by themselves and in other ways to compare them."""
    scores = scores_of_digits(model, data.test_input)
    read = scores.argmax(-1)
    own_wrong = predictions(model, data.test_input) != data.test_target
    by_highest = (read[:, 0] <= read[:, 1]).long()
    joint = JointComparison().to(scores.device)(scores.log_softmax(-1).flatten(1)).argmax(1)
    both_right = (read == data.test_classes).all(1)
    each = scores.flatten(0, 1)
    return {
        "digits_wrong": int((read != data.test_classes).sum()),
        "highest_wrong": int((by_highest != data.test_target).sum()),  # the two highest scores, compared
        "joint_wrong": int((joint != data.test_target).sum()),  # the joint comparison of the same scores
        "head_wrong": int((own_wrong & both_right).sum()),  # the network's own last layer, both digits being right
        "dead_scores": int((each.amax(0) == each.amin(0)).sum()),  # of ten: the same for every digit
    }


def run_job(job: Job) -> Row:
    """Run one job on one thread and return its row; a run that diverges gives a row whose `error` says so."""
    network, code = job.network, job.code
    data = job.load(job.round, **job.data)
    training = {**getattr(network.make, "settings", {}), **job.training}
    classes = [data.train_classes] if network.labelled else []
    row: dict[str, Any] = dict(zip(IDENTITY, job.key, strict=True))
    try:
        result = helpers.run(data, lambda: network.make(**job.model), network.train, *classes, **training)
        row |= {"parameters": result.nb_parameters, "seconds": round(result.seconds, 2)}
        row |= {"first_loss": round(result.losses[0], 6), "last_loss": round(result.losses[-1], 6)}
        row["train_wrong"] = helpers.nb_wrong(result.model, data.train_input, data.train_target)
        row |= {"train_total": len(data.train_target), "wrong": result.nb_wrong, "total": result.nb_test_pairs}
        if hasattr(result.model, "digit_scores"):
            row |= digit_counts(result.model, data)
        if job.details:
            row["details"] = json.dumps(job.details(result.model, data))
    except DivergenceError as error:
        row["error"] = str(error)
    row |= {
        "torch": torch.__version__,
        "cpu": processor(),
        "arithmetic": arithmetic(),
        "commit": commit(),
        "code": code,
    }
    texts = {column: str(row.get(column, "")) for column in COLUMNS}
    return {**texts, "checksum": checksum(texts)}


def run_all(jobs: list[Job], workers: int, client: Any = None) -> Iterator[Row]:
    """Yield the jobs' rows as they come, from local processes or, with a distributed.Client, from its workers."""
    if client is None:
        yield from joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(map(joblib.delayed(run_job), jobs))
    else:
        from distributed import as_completed

        for future in as_completed(client.map(run_job, jobs, pure=False)):
            yield future.result()


def run_missing(file: Path, jobs: Iterable[Job], every: list[Job], workers: int = -1, client: Any = None) -> None:
    """Run the jobs whose rows `file` lacks, in parallel processes of one thread each, and append their rows to it.

    `every` are all jobs of the experiment. Raises UserError if the gate refuses a row of the file, if another process
    adds to it, or if the file cannot be written. Ctrl-C and SIGTERM end with a message and keep all finished rows.
    """
    jobs = list({job.key: job for job in jobs}.values())
    if not [job for job in jobs if job.key not in read_rows(file, every)]:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=0):
            rows = read_rows(file, every)
            check_same_kind(file, list(rows.values()))
            append(file, [job for job in jobs if job.key not in rows], workers, client)
    except Timeout as error:
        raise UserError(f"another process is adding rows to {file}. Wait for it, or stop it.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error}. Finished rows are kept; start again to go on.") from error


def check_same_kind(file: Path, rows: list[Row]) -> None:
    """Raise UserError if the file has rows of another version of torch or another arithmetic than would be added."""
    here = this_machine()
    for row in rows:
        if (there := (row["torch"].split("+")[0], row["arithmetic"])) != here:
            raise UserError(
                f"{file} has rows of torch {there[0]}, {there[1]}; here it is torch {here[0]}, {here[1]}. They are not "
                "mixed: move the file away to make all of its rows here."
            )


def append(file: Path, jobs: list[Job], workers: int, client: Any) -> None:
    """Run the jobs and append their rows; on Ctrl-C, SIGTERM or a lost worker, say what is kept."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    saved = 0
    with file.open("r+" if file.exists() else "w+", newline="", encoding="utf-8") as opened:
        text = opened.read()
        opened.seek(len(text[: text.rfind("\n") + 1].encode()))  # a last line cut short goes
        opened.truncate()
        if not text:
            opened.write(csv_line(COLUMNS))
        before = signal.signal(signal.SIGTERM, interrupt)
        try:
            bar = {"total": len(jobs), "desc": file.stem, "unit": "run", "disable": sys.stderr is None}
            for row in tqdm(run_all(jobs, workers, client), **bar):
                opened.write(csv_line(row[column] for column in COLUMNS))
                opened.flush()
                saved += 1
        except KeyboardInterrupt:
            get_reusable_executor().shutdown(wait=False, kill_workers=True)
            if sys.stderr is not None:
                print(
                    f"\nInterrupted: {saved} new rows are in {file}. Start again to go on.", file=sys.stderr, flush=True
                )
            os._exit(130)  # without waiting for the runs that are not finished
        except TerminatedWorkerError as error:
            raise UserError(
                f"a worker process was ended by the system, most often for want of memory. {saved} new rows are in "
                f"{file}; start again with fewer --workers to go on."
            ) from error
        finally:
            signal.signal(signal.SIGTERM, before)
