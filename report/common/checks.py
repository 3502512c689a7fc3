"""What a row must be like to be a result of its job, and the one way to read a file of rows."""

import csv
import io
import json
import math
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

import helpers
from common.measuring import NB_WORST
from common.networks import Network
from common.rows import COLUMNS, DIGIT_COUNTS, FROZEN, LOSSES, Job, Key, Row, checksum, key_of, text_of
from helpers import UserError

REMEDY = "Restore the line, or delete it and run report/study.py"
MADE_BY = {"torch": r"\d+\.\d+\.\d+.*", "cpu": ".+", "arithmetic": ".+", "commit": r"\w{7,}", "code": r"\w{12}"}


@cache
def nb_parameters(network: Network, settings: str) -> int:
    """Return the number of parameters of a network with settings, JSON."""
    return helpers.nb_parameters(network.make(**json.loads(settings)))


def number_in(row: Row, column: str, highest: float = math.inf, kind: Callable[[str], float] = int) -> float:
    """Return a column's number; UserError unless it is one from 0 to `highest`."""
    try:
        value = kind(row[column])
    except ValueError:
        value = math.nan
    if not 0 <= value <= highest or value == math.inf:
        limit = f" and at most {highest}" if highest < math.inf else ""
        raise UserError(f"{column} = {row[column]!r}: it must be a number of at least 0{limit}")
    return value


def check_row(row: Row, job: Job) -> None:
    """Raise UserError, saying what is wrong, if a row has a value that cannot be a result of the job."""
    for column, pattern in MADE_BY.items():
        if not re.fullmatch(pattern, row[column]):
            raise UserError(f"{column} = {row[column]!r}: it does not say what made it")
    if row["error"]:
        return
    model, _, pairs = job.parts
    totals = {
        "parameters": nb_parameters(job.network, json.dumps(model)),
        "train_total": pairs.get("nb_train_pairs", helpers.NB_TRAIN_PAIRS),
        "total": pairs.get("nb_test_pairs", helpers.NB_TEST_PAIRS),
    }
    for column, total in totals.items():
        if row[column] != str(total):
            raise UserError(f"{column} = {row[column]!r}: it must be {total}")
    number_in(row, "train_wrong", totals["train_total"])
    number_in(row, "wrong", totals["total"])
    for column in (*LOSSES, "seconds"):
        number_in(row, column, kind=float)
    highest = {"digits_wrong": 2 * totals["total"], "head_wrong": int(row["wrong"]), "dead_scores": 10}
    for column in DIGIT_COUNTS:
        if job.network.has_digit_scores:
            number_in(row, column, highest.get(column, totals["total"]))
        elif row[column]:
            raise UserError(f"{column} = {row[column]!r}: the network has no digit scores")
    check_details(row, job)


def check_details(row: Row, job: Job) -> None:
    """Raise UserError unless a row's details are what its job keeps, and agree with its other columns."""
    if not job.keeps:
        if row["details"]:
            raise UserError(f"details = {row['details']!r}: no experiment keeps any")
        return
    try:
        right = agree(row, job)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"details: {error!r}") from error
    if not right:
        raise UserError("details: they are not those of the row's other values")


def agree(row: Row, job: Job) -> bool:
    """Return whether a row's details agree with its other columns."""
    details = json.loads(row["details"])
    if job.keeps == "sharpness":
        return 0 <= details <= 1
    if job.keeps == "errors":
        digits, wrong = (np.array(details[name]) for name in ("digits", "wrong"))
        right = digits.shape == wrong.shape == (10, 10) and min(digits.min(), wrong.min()) >= 0
        right &= int(np.trace(digits)) == 2 * int(row["total"]) - int(row["digits_wrong"])
        right &= int(digits.sum()) == 2 * int(row["total"]) and int(wrong.sum()) == int(row["wrong"])
        return right and len(details["worst"]) == min(NB_WORST, int(row["wrong"]))
    losses, ends = details, [float(row[name]) for name in LOSSES]
    if job.keeps == "course":
        losses = [loss for loss, *_ in details]
        if details[-1][1:] != [int(row["train_wrong"]), int(row["wrong"])]:
            return False
    right = len(losses) == job.parts[1].get("nb_epochs", helpers.NB_EPOCHS) and min(losses) >= 0
    return right and all(abs(a - b) < 1e-4 for a, b in zip((losses[0], losses[-1]), ends, strict=True))


def read_all(folder: Path, jobs: dict[Key, Job]) -> tuple[dict[Key, Row], dict[Key, Path]]:
    """Return the jobs' rows in all files of a folder but the frozen ones, and the file of each.

    Rows that no job asks for are left alone, and counted in one line. UserError as `read_rows`, and if a row is in two
    files.
    """
    rows: dict[Key, Row] = {}
    files: dict[Key, Path] = {}
    for file in sorted(set(folder.glob("*.csv")) - {folder / name for name in FROZEN}):
        new = read_rows(file, jobs)
        for key in new.keys() & rows.keys():
            raise UserError(f"{file} has {text_of(key)}, as {files[key]} has. {REMEDY}.")
        rows |= new
        files |= dict.fromkeys(new, file)
    if others := rows.keys() - jobs.keys():
        print(f"{len(others)} saved rows that no experiment asks for were left alone.", file=sys.stderr, flush=True)
    return {key: row for key, row in rows.items() if key in jobs}, files


def read_rows(file: Path, jobs: dict[Key, Job]) -> dict[Key, Row]:
    """Return a file's rows by key, none if there is no file; a last line cut short is left out.

    `jobs` are all that there are; other rows are read, too. Raises UserError, naming file, line, network and round, for
    a row that was changed, that is there twice, or that `check_row` refuses, and for a file that is no such table.
    """
    if not file.exists():
        return {}
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}. Restore it (git checkout -- {file}).") from error
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if not lines or lines[0] != COLUMNS:
        raise UserError(
            f"{file}, line 1: its columns are not those of a row, comma-separated in UTF-8. Restore the file, or move "
            "it away and run report/study.py to make all of its rows again."
        )
    # by their settings, for further rounds; one with details, if any
    by_settings = {key[:2]: job for key, job in sorted(jobs.items(), key=lambda item: item[1].keeps)}
    rows: dict[Key, Row] = {}
    for number, values in enumerate(lines[1:], 2):
        row = dict(zip(COLUMNS, values, strict=False))
        place = f"{file}, line {number}: {row.get('network', '')} in round {row.get('round', '')}"
        try:
            if len(values) != len(COLUMNS):
                raise UserError(f"it has {len(values)} values, not {len(COLUMNS)}")
            key = key_of(row)
            if row["checksum"] != (wanted := checksum(row)):
                raise UserError(f"its checksum is {row['checksum']!r}, of its values {wanted}: one of them was changed")
            if key in rows:
                raise UserError("it is there twice")
            if job := jobs.get(key) or by_settings.get(key[:2]):
                keeps = by_settings[key[:2]].keeps if row["details"] else jobs.get(key, job._replace(keeps="")).keeps
                check_row(row, job._replace(keeps=keeps))
        except UserError as error:
            raise UserError(f"{place}: {error}. {REMEDY}.") from error
        rows[key] = row
    return rows
