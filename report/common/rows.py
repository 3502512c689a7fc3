"""The job, which is to be run, and the row, which says what a run gave and what made it.

A row is one network in one round with some settings, and says what made it. results/EXPERIMENT.csv holds the rows that
an experiment needs and none before it has. study.py appends to such a file, and build.py reads them all.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import helpers
from common.networks import Network
from common.provenance import ROOT
from helpers import UserError

REPORT = ROOT / "report"
RESULTS = REPORT / "results"
IDENTITY = ("network", "settings", "round")
LOSSES = ("first_loss", "last_loss")
DIGIT_COUNTS = ("digits_wrong", "highest_wrong", "joint_wrong", "head_wrong", "dead_scores")  # of networks with scores
COLUMNS = [
    *(*IDENTITY, "parameters", *LOSSES, "train_wrong", "train_total", "wrong", "total", *DIGIT_COUNTS),
    *("details", "seconds", "error", "torch", "cpu", "arithmetic", "commit", "code", "checksum"),
]
FROZEN = {  # what this code does not make, by its sha256 sum
    "again.csv": "f6e8482f64c2e9df894ea376a76749fce4464d1e9dd804de14e33e32a52bcc6d",
    "original.csv": "027bcfbe2eabfd02fb9a239fa3add34777103f99ea2f6ffa6d933cdffafeab60",
    "original_pictures.csv": "f4c8f1fb8563fc80fe080220d4ada68f366dddf7d698a4936cb0cda302d46070",
    "exploration.csv": "62d8b3aa7f34b58064dc02f53691503bbfde6348054d6dfce36aa2ff06f87318",
    "tuning_first.csv": "905d490f84741925866819f6f3025d31b8dacd401bdf735c276003a6d1bd7a8b",
}
VALIDATION = {"validation": True, "nb_test_pairs": 5000}  # more than a test's 1000: less noise in what is chosen by
Row = dict[str, str]
Key = tuple[str, str, str]


# The settings of a job and their defaults, which its key leaves out. Others have none.
MODEL: dict[str, Any] = {"maps": [32, 64], "hidden": 150, "activation": "relu"}
MODEL |= {"branch_rate": 1.0, "joint": True, "batch_norm": True}
PAIRS: dict[str, Any] = {"nb_train_pairs": helpers.NB_TRAIN_PAIRS, "nb_test_pairs": helpers.NB_TEST_PAIRS}
PAIRS |= {"validation": False, "shares": None}
TRAINING: dict[str, Any] = {"nb_epochs": helpers.NB_EPOCHS, "learning_rate": helpers.LEARNING_RATE}
TRAINING |= {"mini_batch_size": helpers.MINI_BATCH_SIZE, "shuffle": True, "one_cycle": False, "two_views": False}
TRAINING |= {"averaging": 0.0, "balance": 0.0, "consistency": 0.0, "label_smoothing": 0.0}
TRAINING |= {"aux_weight": helpers.AUX_WEIGHT, "by_hand": False, "nb_refit_epochs": 1000}


class Job(NamedTuple):
    """What is to be run: a network with some settings, of it, its training or its pairs, in a round.

    `settings` are plain JSON. `details` says what its row's details are: "errors" by digits, each epoch's "losses", the
    "course" of training, which is each epoch's loss and its errors on the training and on the test pairs, or the
    "sharpness" of what the last layer is given.
    """

    network: Network
    settings: dict[str, Any]
    round: int
    details: str = ""

    @property
    def parts(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The settings of the network, of its training, those of its class included, and of its pairs."""
        model: dict[str, Any] = {}
        pairs: dict[str, Any] = {}
        training = dict(self.network.training)
        for name, value in self.settings.items():
            (model if name in MODEL else pairs if name in PAIRS else training)[name] = value
        return model, training, pairs

    @property
    def key(self) -> Key:
        """What identifies a row: its network, the settings that differ from the default, as JSON, and its round."""
        defaults = {**MODEL, **PAIRS, **TRAINING, **self.network.training}
        differing = {
            name: value
            for name, value in self.settings.items()
            if name not in defaults or json.dumps(value) != json.dumps(defaults[name])
        }
        return self.network.name, json.dumps(differing, sort_keys=True), str(self.round)

    def __str__(self) -> str:
        return text_of(self.key)


@dataclass(frozen=True)
class Variant:
    """A network with some settings in several rounds: its jobs, in order; see Job."""

    network: Network
    settings: dict[str, Any]
    rounds: Sequence[int]
    details: str = ""

    def __iter__(self) -> Iterator[Job]:
        return (Job(self.network, self.settings, nb_round, self.details) for nb_round in self.rounds)


def text_of(key: Key) -> str:
    """Return what identifies a row in words, for messages."""
    network, settings, nb_round = key
    return f"{network} in round {nb_round} with the settings {settings}"


def key_of(row: Row) -> Key:
    """Return what identifies a row, that of its job."""
    return row["network"], row["settings"], row["round"]


def made_with(row: Row) -> tuple[str, str]:
    """Return the version of PyTorch and the instruction set of a row: rows that agree in both can be compared."""
    return row["torch"].split("+")[0], row["arithmetic"]


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


def read_frozen(name: str, folder: Path = RESULTS) -> str:
    """Return the text of one of the FROZEN files; UserError if it is missing or was changed."""
    try:
        content = (folder / name).read_bytes().replace(b"\r\n", b"\n")  # as git may check it out on Windows
    except OSError as error:
        raise UserError(f"{folder / name} cannot be read: {error}. Restore it.") from error
    if hashlib.sha256(content).hexdigest() != FROZEN[name]:
        raise UserError(f"{folder / name} was changed: it is a record that no code here makes. Restore it.")
    return content.decode()


def accuracy(row: Row, pairs: str = "") -> float:
    """Return a row's accuracy in %, on the test pairs or, with "train_", on the training pairs."""
    return 100 * (1 - int(row[f"{pairs}wrong"]) / int(row[f"{pairs}total"]))


def digit_accuracy(rows: Iterable[Row]) -> float:
    """Return the mean share, in %, of digits whose highest score is their own."""
    return mean(100 * (1 - int(row["digits_wrong"]) / (2 * int(row["total"]))) for row in rows)
