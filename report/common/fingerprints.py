"""Does the present code give the saved rows? A fingerprint of each kind of job tells in a minute.

A kind is a network with its settings. Its fingerprint is the hash of a short run: all of its pairs, then two epochs on
the first 220 training pairs, the last mini-batch a short one, and a test on the first 1,100 test pairs. Training
magnifies a change of the last digit, so that a short run shows it as a long one does. report/README.md says what it
cannot see. results/fingerprints.json has the fingerprint of each kind, recorded by the code that made its rows, and the
code versions that were found to give all of them.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from torch import Tensor
from tqdm import tqdm

from common import sampling
from common.measuring import details_of, measure
from common.provenance import code_version, this_machine
from common.rows import DIGIT_COUNTS, LOSSES, RESULTS, Job, Key, write_atomically
from helpers import Round, UserError

NAME = "fingerprints.json"
NB_EPOCHS, NB_TRAIN_PAIRS, NB_TEST_PAIRS = 2, 220, 1100
ROUND = 4321  # no row is of it; not 0, where an edit that takes one round for another could not be seen
MEASURED = ("parameters", *LOSSES, "train_wrong", "train_total", "wrong", "total", *DIGIT_COUNTS)
Kinds = dict[str, Job]  # by name, a job of each


class Fingerprints(NamedTuple):
    """What fingerprints.json holds."""

    torch: str  # the version that they were recorded with
    instructions: str  # what else their digits depend on, as in the rows' column `arithmetic`
    code: list[str]  # versions that give all of these fingerprints
    kinds: dict[str, str]

    @property
    def checksum(self) -> str:
        """The checksum of everything else."""
        return hashlib.sha256(json.dumps(self, sort_keys=True).encode()).hexdigest()[:12]


def kind_of(key: Key) -> str:
    """Return the name of the kind of a job or a row, by its key."""
    return " ".join(key[:2])


def kinds_of(jobs: Iterable[Job]) -> Kinds:
    """Return a job of each kind."""
    return {kind_of(job.key): job for job in jobs}


def read(folder: Path = RESULTS) -> Fingerprints:
    """Return the recorded fingerprints; UserError if the file is missing, damaged or was changed."""
    file = folder / NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        found = Fingerprints(**{name: content[name] for name in Fingerprints._fields})
        right = content["checksum"] == found.checksum
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} cannot be read: {error!r}. Restore it (git checkout -- {file}).") from error
    if not right:
        raise UserError(f"{file} was changed: its checksum does not fit. Restore it (git checkout -- {file}).")
    return found


def write(found: Fingerprints, folder: Path = RESULTS) -> None:
    """Save fingerprints, whole or not at all."""
    content = {**found._asdict(), "kinds": dict(sorted(found.kinds.items()))}
    write_atomically(folder / NAME, json.dumps({**content, "checksum": found.checksum}, indent=1) + "\n")


# ---- One fingerprint -------------------------------------------------------------------------------------------------


def digest(tensors: Iterable[Tensor]) -> str:
    """Return the hash of all values."""
    hashed = hashlib.sha256()
    for tensor in tensors:
        hashed.update(tensor.contiguous().cpu().numpy().tobytes())
    return hashed.hexdigest()


@cache
def short_round(settings: str) -> tuple[Round, str]:
    """Return the first pairs of ROUND with these settings, JSON, and the hash of all of its pairs."""
    data = sampling.load(ROUND, **json.loads(settings))
    first = {
        f"{part}_{name}": getattr(data, f"{part}_{name}")[:number]
        for part, number in (("train", NB_TRAIN_PAIRS), ("test", NB_TEST_PAIRS))
        for name in ("input", "target", "classes")
    }
    return data._replace(**first), digest(data[1:])


def fingerprint(job: Job) -> str:
    """Return the fingerprint of a job's kind, whatever its round."""
    data, pairs = short_round(json.dumps(job.parts[2], sort_keys=True))
    course: list[list[float]] = []
    short = job._replace(settings={**job.settings, "nb_epochs": NB_EPOCHS}, round=ROUND, details="course")
    row, result = measure(short, data, course)
    seen: list[Any] = [pairs, [str(row.get(column, "")) for column in MEASURED]]  # a divergence has none of these
    if result is not None:
        seen += [result.losses, course, details_of("losses", result, course, data)]
        seen.append(digest(result.model.state_dict().values()))
        if job.network.has_digit_scores:
            seen.append(details_of("errors", result, course, data))
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]


# ---- All of them -----------------------------------------------------------------------------------------------------


def check_machine(recorded: Fingerprints) -> None:
    """Raise UserError if this machine computes in another way than the one that recorded the fingerprints."""
    there, here = (recorded.torch, recorded.instructions), this_machine()
    if there != here:
        raise UserError(
            f"the rows and their fingerprints were made with torch {there[0]}, {there[1]}; this machine uses torch "
            f"{here[0]}, {here[1]}, and may give other last digits. So it cannot tell whether the code, which is not "
            "the one that they were made with, gives the same results: ask a machine that computes as theirs did."
        )


def check(kinds: Kinds, folder: Path = RESULTS) -> None:
    """Raise UserError unless the present code is known to give the saved rows of all these kinds."""
    if not kinds:
        return
    recorded = read(folder)
    if code_version() not in recorded.code:
        check_machine(recorded)
        raise UserError(
            "the code was changed since it was last found to give the saved rows. Run report/verify.py --every, which "
            "takes a minute or two, and says which rows it gives, and which it does not."
        )
    if lacking := [kind for kind in kinds if kind not in recorded.kinds]:
        raise UserError(
            f"{folder / NAME} has no fingerprint of {lacking[0]}, one of {len(lacking)} kinds with saved rows: nothing "
            f"tells what code gives them. Restore it (git checkout -- {folder / NAME}), or take these rows away and "
            "run report/study.py."
        )


def verify(kinds: Kinds, files: dict[str, set[str]], folder: Path = RESULTS) -> None:
    """Take a fingerprint of each kind by the present code, and note that it gives them all.

    UserError, which names the kinds that differ and the files of their rows, if it does not.
    """
    recorded = read(folder)
    check_machine(recorded)
    bar = tqdm(kinds.items(), desc="kinds", unit="")
    differing = [kind for kind, job in bar if recorded.kinds.get(kind) != fingerprint(job)]
    if differing:
        lines = "\n".join(
            f"  {kind} (rows in {', '.join(sorted(files[kind]))}): "
            f"{'another result' if kind in recorded.kinds else 'no fingerprint'}"
            for kind in differing
        )
        raise UserError(
            f"the code does not give the saved rows of {len(differing)} of {len(kinds)} kinds:\n{lines}\nRestore the "
            f"code. Or, if the new results are meant, take the rows of these kinds out of their files, and run "
            f"report/study.py, which makes them anew. Where there is no fingerprint, restore {folder / NAME}."
        )
    if code_version() not in recorded.code:
        write(recorded._replace(code=[*recorded.code, code_version()]), folder)


def record(kinds: Kinds, with_rows: Kinds, folder: Path = RESULTS) -> None:
    """Record fingerprints of those kinds of which no row is saved, by the code that is about to make them.

    UserError unless that code is known to give the rows that are there: see `check`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder / NAME}.lock"):  # two studies may start at once
        check(with_rows, folder)
        new = {kind: job for kind, job in kinds.items() if kind not in with_rows}
        if not new:
            return
        found = {kind: fingerprint(job) for kind, job in new.items()}
        if with_rows:
            recorded = read(folder)
            check_machine(recorded)
            found = {kind: value for kind, value in recorded.kinds.items() if kind in with_rows} | found
        write(Fingerprints(*this_machine(), [code_version()], found), folder)
