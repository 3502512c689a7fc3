"""The row, its checksum, and the one gate that every saved row goes through.

A row is one network in one round with some settings, and says what made it. results/EXPERIMENT.csv holds an
experiment's rows. study.py appends to such a file and build.py reads it, both through `read_rows`.
"""

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from torch import nn

import helpers
from common.networks import Network
from common.provenance import ROOT
from helpers import Result, Round, UserError, load_round

REPORT = ROOT / "report"
RESULTS = REPORT / "results"
IDENTITY = ("experiment", "network", "round", "settings")
LOSSES = ("first_loss", "last_loss")
DIGIT_COUNTS = ("digits_wrong", "highest_wrong", "joint_wrong", "head_wrong", "dead_scores")  # of networks with scores
COLUMNS = [
    *(*IDENTITY, "parameters", *LOSSES, "train_wrong", "train_total", "wrong", "total", *DIGIT_COUNTS),
    *("details", "seconds", "error", "torch", "cpu", "arithmetic", "commit", "code", "checksum"),
]
FROZEN = {  # what this code does not make, by its sha256 sum
    "original.csv": "2baba6f68db9daad562211e5e2fc62000f26bbbbef3e133dd954e14a3bfd9ea3",
    "exploration.csv": "62d8b3aa7f34b58064dc02f53691503bbfde6348054d6dfce36aa2ff06f87318",
    "tuning_first.csv": "905d490f84741925866819f6f3025d31b8dacd401bdf735c276003a6d1bd7a8b",
}
REMEDY = "Restore the line, or delete it and run report/study.py"
Row = dict[str, str]
Key = tuple[str, str, str, str]


class Job(NamedTuple):
    """One run. The keywords of the network, of its training and of its pairs are plain JSON: they identify its row.

    `load` draws the pairs. `details`, if given, is called with the result and the round, and returns JSON that
    the row keeps, too; `check_details` is called with the row, and raises UserError if they cannot be.
    """

    experiment: str
    network: Network
    round: int
    model: dict[str, Any] = {}
    training: dict[str, Any] = {}
    data: dict[str, Any] = {}
    load: Callable[..., Round] = load_round
    details: Callable[[Result, Round], Any] | None = None
    check_details: Callable[[Row], None] | None = None

    @property
    def settings(self) -> str:
        """All keywords, as JSON."""
        return json.dumps({"model": self.model, "training": self.training, "data": self.data}, sort_keys=True)

    @property
    def key(self) -> Key:
        """What identifies a row: experiment, network, round and settings."""
        return self.experiment, self.network.name, str(self.round), self.settings

    def __str__(self) -> str:
        return f"{self.experiment}: {self.network.name} in round {self.round} with {self.settings}"


def key_of(row: Row) -> Key:
    """Return what identifies a row, that of its job."""
    return row["experiment"], row["network"], row["round"], row["settings"]


def checksum(row: Row) -> str:
    """Return the checksum of a row's other values: a slip of an editor, a merge or a spreadsheet changes it."""
    text = json.dumps([row.get(column, "") for column in COLUMNS[:-1]])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def csv_line(values: Iterable[str]) -> str:
    """Return values as a line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def write_atomically(file: Path, text: str) -> None:
    """Write a text file so that it is there in full or as it was before."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(file)


def seal(values: dict[str, Any]) -> dict[str, Any]:
    """Return values, JSON, with their checksum; what `read_json` reads."""
    text = json.dumps({name: value for name, value in values.items() if name != "checksum"})
    return {**values, "checksum": hashlib.sha256(text.encode()).hexdigest()[:8]}


# ---- The gate -------------------------------------------------------------------------------------------------------


def read_json(file: Path) -> dict[str, Any]:
    """Return the values of a JSON file that `seal` closed; UserError if it is missing or was changed."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values != seal(values):
            raise UserError(f"{file}: its checksum is not that of its values: one of them was changed. Restore it.")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{file} cannot be read: {error}. Restore it.") from error
    return values


def read_frozen(name: str, folder: Path = RESULTS) -> str:
    """Return the text of one of the FROZEN files; UserError if it is missing or was changed."""
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise UserError(f"{folder / name} cannot be read: {error}. Restore it.") from error
    if hashlib.sha256(content).hexdigest() != FROZEN[name]:
        raise UserError(f"{folder / name} was changed: it is a record that no code here makes. Restore it.")
    return content.decode()


@cache
def nb_parameters(make: Callable[..., nn.Module], model: str) -> int:
    """Return the number of parameters of a network with the keywords `model`, JSON."""
    return helpers.nb_parameters(make(**json.loads(model)))


def check_row(row: Row, job: Job) -> None:
    """Raise UserError, saying what is wrong, if a row has a value that cannot be a result of the job."""

    def number(column: str, highest: float = math.inf, kind: Callable[[str], float] = int) -> float:
        try:
            value = kind(row[column])
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest or value == math.inf:
            limit = f" and at most {highest}" if highest < math.inf else ""
            raise UserError(f"{column} = {row[column]!r}: it must be a number of at least 0{limit}")
        return value

    wanted = checksum(row)
    if row["checksum"] != wanted:
        raise UserError(f"its checksum is {row['checksum']!r}, that of its values {wanted}: one of them was changed")
    for column, pattern in (
        ("torch", r"\d+\.\d+\.\d+.*"),
        ("cpu", ".+"),
        ("arithmetic", ".+"),
        ("commit", r"\w{7,}"),
        ("code", r"\w{12}"),
    ):
        if not re.fullmatch(pattern, row[column]):
            raise UserError(f"{column} = {row[column]!r}: it does not say what made it")
    if row["error"]:
        return
    totals = {
        "parameters": nb_parameters(job.network.make, json.dumps(job.model)),
        "train_total": job.data.get("nb_train_pairs", helpers.NB_TRAIN_PAIRS),
        "total": job.data.get("nb_test_pairs", helpers.NB_TEST_PAIRS),
    }
    for column, total in totals.items():
        if row[column] != str(total):
            raise UserError(f"{column} = {row[column]!r}: it must be {total}")
    number("train_wrong", totals["train_total"])
    number("wrong", totals["total"])
    for column in (*LOSSES, "seconds"):
        number(column, kind=float)
    with_scores = hasattr(job.network.make, "digit_scores")
    highest = {"digits_wrong": 2 * totals["total"], "head_wrong": int(row["wrong"]), "dead_scores": 10}
    for column in DIGIT_COUNTS:
        if with_scores:
            number(column, highest.get(column, totals["total"]))
        elif row[column]:
            raise UserError(f"{column} = {row[column]!r}: the network has no digit scores")
    if job.check_details is not None:
        job.check_details(row)
    elif row["details"]:
        raise UserError(f"details = {row['details']!r}: the experiment has none")


def read_rows(file: Path, jobs: Iterable[Job]) -> dict[Key, Row]:
    """Return a file's rows by key, none if there is no file; a last line cut short is left out.

    `jobs` are all that the experiment has; rows of further rounds with the same settings are allowed. Raises UserError,
    naming file, line, network and round, for a row that is there twice, of settings that the experiment does not have,
    or that `check_row` refuses, and for a file that is no such table.
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
    by_settings = {(job.experiment, job.network.name, job.settings): job for job in jobs}
    rows: dict[Key, Row] = {}
    for number, values in enumerate(lines[1:], 2):
        row = dict(zip(COLUMNS, values, strict=False))
        place = f"{file}, line {number}: {row.get('network', '')} in round {row.get('round', '')}"
        job = by_settings.get((row.get("experiment", ""), row.get("network", ""), row.get("settings", "")))
        try:
            if len(values) != len(COLUMNS):
                raise UserError(f"it has {len(values)} values, not {len(COLUMNS)}")
            if job is None or not row["round"].isdecimal():
                raise UserError(f"the experiment has no such run, with the settings {row['settings']}")
            if key_of(row) in rows:
                raise UserError("it is there twice")
            check_row(row, job._replace(round=int(row["round"])))
        except UserError as error:
            raise UserError(f"{place}: {error}. {REMEDY}.") from error
        rows[key_of(row)] = row
    return rows


def accuracy(row: Row, pairs: str = "") -> float:
    """Return a row's accuracy in %, on the test pairs or, with "train_", on the training pairs."""
    return 100 * (1 - int(row[f"{pairs}wrong"]) / int(row[f"{pairs}total"]))


def digit_accuracy(rows: Iterable[Row]) -> float:
    """Return the mean share, in %, of digits whose highest score is their own."""
    return mean(100 * (1 - int(row["digits_wrong"]) / (2 * int(row["total"]))) for row in rows)
