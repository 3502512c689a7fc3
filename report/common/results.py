"""The results: the saved rows, read, complete, of one instruction set, and what the present code gives.

Rows stay valid when the code is rewritten, if the new code gives the same: see common/fingerprints.py.
"""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from common import fingerprints
from common.rows import (
    COLUMNS,
    FROZEN,
    IDENTITY,
    RESULTS,
    Job,
    Key,
    Row,
    Variant,
    accuracy,
    checksum,
    key_of,
    made_with,
    text_of,
)
from helpers import UserError

REMEDY = "Restore the line, or delete it and run report/study.py"
MADE_BY = ("seconds", "error", "torch", "cpu", "arithmetic", "commit", "code", "checksum")
RESULT_COLUMNS = [column for column in COLUMNS if column not in (*IDENTITY, *MADE_BY)]


def read_rows(file: Path) -> dict[Key, Row]:
    """Return a file's rows by key, none if there is no file; what follows the last whole line is left out.

    UserError, with the file and the line, for a line that was changed, that is no row, or that is there twice.
    """
    if not file.exists():
        return {}
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}. Restore it (git checkout -- {file}).") from error
    head, *lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1]))) or [COLUMNS]
    if head != COLUMNS:
        raise UserError(f"{file}, line 1: its columns are not those of a row, comma-separated in UTF-8. Restore it.")
    rows: dict[Key, Row] = {}
    for number, values in enumerate(lines, 2):
        row = dict(zip(COLUMNS, values, strict=False))
        if len(values) != len(COLUMNS) or row["checksum"] != checksum(row):
            raise UserError(f"{file}, line {number} was changed: its checksum is not that of its values. {REMEDY}.")
        if key_of(row) in rows:
            raise UserError(f"{file}, line {number}: {text_of(key_of(row))} is there twice. {REMEDY}.")
        rows[key_of(row)] = row
    return rows


def read_all(folder: Path) -> tuple[dict[Key, Row], dict[Key, Path]]:
    """Return the rows of all files of a folder but the FROZEN ones, and the file of each.

    UserError as `read_rows`, and if a row is in two files.
    """
    rows: dict[Key, Row] = {}
    files: dict[Key, Path] = {}
    for file in sorted(set(folder.glob("*.csv")) - {folder / name for name in FROZEN}):
        new = read_rows(file)
        for key in new.keys() & rows.keys():
            raise UserError(f"{file} has {text_of(key)}, as {files[key]} has. {REMEDY}.")
        rows |= new
        files |= dict.fromkeys(new, file)
    return rows, files


def differences(old: Row, new: Row) -> list[str]:
    """Return what differs between a saved row and a new one, as texts; the words of an error may."""
    texts = [f"{name} {old[name]}, now {new[name]}" for name in RESULT_COLUMNS if old[name] != new[name]]
    if bool(old["error"]) != bool(new["error"]):
        texts.append(f"error {old['error']!r}, now {new['error']!r}")
    return texts


class Results:
    """The rows of all experiments, complete and of one instruction set: the only way from a row to a number.

    UserError as `read_all` and `fingerprints.check`, for a row that is missing or lacks its details, and for rows of
    two versions of PyTorch or two instruction sets. Rows that no job asks for are left alone, and counted in one line.
    """

    def __init__(self, jobs: dict[Key, Job], folder: Path = RESULTS) -> None:
        rows, _ = read_all(folder)
        if missing := [job for key, job in jobs.items() if key not in rows]:
            raise UserError(f"{folder} lacks {len(missing)} rows, the first {missing[0]}. Run report/study.py.")
        if others := len(rows) - len(jobs):
            print(f"{others} saved rows that no experiment asks for were left alone.", file=sys.stderr, flush=True)
        self.by_key = {key: rows[key] for key in jobs}
        made_by = {made_with(row): text_of(key) for key, row in self.by_key.items()}
        if len(made_by) > 1:
            texts = "; ".join(f"{name}: torch {made[0]}, {made[1]}" for made, name in made_by.items())
            raise UserError(f"rows computed with different instruction sets are not mixed: {texts}.")
        for key, job in jobs.items():
            if job.details and not (rows[key]["details"] or rows[key]["error"]):
                raise UserError(f"{job} has no details, which an experiment needs. {REMEDY}.")
        fingerprints.check(fingerprints.kinds_of(jobs.values()), folder)

    def rows(self, jobs: Iterable[Job]) -> list[Row]:
        """Return the jobs' rows; UserError if one diverged: it has no accuracy, and must not vanish in silence."""
        rows = [self.by_key[job.key] for job in jobs]
        for row in rows:
            if row["error"]:
                raise UserError(f"{row['network']} diverged in round {row['round']}: {row['error']}")
        return rows

    def finished(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs that did not diverge, for callers that report how many did."""
        return [job for job in jobs if not self.by_key[job.key]["error"]]

    def finished_together(self, variants: Sequence[Variant]) -> list[Variant]:
        """Return the variants in those rounds in which none of them diverged, for callers that report how many did."""
        rounds = [{job.round for job in self.finished(variant)} for variant in variants]
        return [replace(variant, rounds=sorted(set.intersection(*rounds))) for variant in variants]

    def accuracies(self, jobs: Iterable[Job]) -> list[float]:
        """Return the jobs' test accuracies in %; two lists of the same rounds are paired by index."""
        return [accuracy(row) for row in self.rows(jobs)]
