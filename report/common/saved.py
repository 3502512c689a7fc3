"""The saved rows, from which every number comes: complete, of one arithmetic, and what the present code gives.

Rows stay valid when the code is rewritten, if the new code gives the same: see common/fingerprints.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from common import fingerprints
from common.checks import read_all
from common.rows import COLUMNS, IDENTITY, RESULTS, Job, Key, Row, Variant, accuracy, made_with, text_of
from helpers import UserError

MADE_BY = ("seconds", "error", "torch", "cpu", "arithmetic", "commit", "code", "checksum")
RESULT_COLUMNS = [column for column in COLUMNS if column not in (*IDENTITY, *MADE_BY)]


def differences(saved: Row, new: Row) -> list[str]:
    """Return what differs between a saved row and a new one, as texts; the words of an error may."""
    texts = [f"{name} {saved[name]}, now {new[name]}" for name in RESULT_COLUMNS if saved[name] != new[name]]
    if bool(saved["error"]) != bool(new["error"]):
        texts.append(f"error {saved['error']!r}, now {new['error']!r}")
    return texts


class Saved:
    """The rows of all experiments, complete and of one arithmetic: the only way from a row to a number.

    Raises UserError as `read_all` and `fingerprints.check` do, for a missing row, and for rows of two versions of torch
    or two arithmetics.
    """

    def __init__(self, jobs: dict[Key, Job], folder: Path = RESULTS) -> None:
        rows, _ = read_all(folder, jobs)
        if missing := [job for key, job in jobs.items() if key not in rows]:
            raise UserError(f"{folder} lacks {len(missing)} rows, the first {missing[0]}. Run report/study.py.")
        made_by = {made_with(row): text_of(key) for key, row in rows.items()}
        if len(made_by) > 1:
            texts = "; ".join(f"{name}: torch {made[0]}, {made[1]}" for made, name in made_by.items())
            raise UserError(f"rows of different arithmetic cannot be compared: {texts}.")
        self.by_key = {key: rows[key] for key in jobs}
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
        """Return the jobs' test accuracies in %; of two lists of the same rounds, equal places are a pair."""
        return [accuracy(row) for row in self.rows(jobs)]
