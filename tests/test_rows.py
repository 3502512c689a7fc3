"""The row, what identifies it, its code version, and the files of rows."""

import ast
import csv
import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from common import fingerprints, rows
from common.networks import AUX, AUX1, SIMPLE, UNTIED, WS, WS1
from common.provenance import HASHED, canonical, code_version, this_machine
from common.results import REMEDY, Results, read_all, read_rows
from common.rows import COLUMNS, Job, Row, Variant
from common.running import run_missing
from conftest import ROOT
from experiments import claims
from experiments.catalogue import all_jobs, jobs_of
from plain import VALIDATION

from helpers import UserError

Jobs = dict[rows.Key, Job]
CLAIMS = {job.key: job for job in jobs_of(claims)}
NUMBERS = {"parameters": "58918", "first_loss": "0.7", "last_loss": "0.1", "seconds": "6.5"}
NUMBERS |= {"train_wrong": "0", "train_total": "1000", "wrong": "150", "total": "1000"}
NUMBERS |= {"digits_wrong": "1700", "highest_wrong": "300", "joint_wrong": "200", "head_wrong": "2", "dead_scores": "0"}

NO_WORKERS: Any = None  # not reached


def by_key(*variants: Variant) -> Jobs:
    """Return the jobs of variants by their keys."""
    return {job.key: job for variant in variants for job in variant}


def sealed(row: Row) -> Row:
    """Return a row with the checksum of its values, computed by hand."""
    values = json.dumps([row[column] for column in COLUMNS if column != "checksum"])
    return {**row, "checksum": hashlib.sha256(values.encode()).hexdigest()[:8]}


def row_of(network: str = "WSModel", nb_round: int = 4, **values: str) -> Row:
    """Return a row of the claims that is right, but for some values."""
    row = {**dict.fromkeys(COLUMNS, ""), **NUMBERS, "network": network, "round": str(nb_round)}
    if network == "SimpleModel":
        row |= {"parameters": "57956", **dict.fromkeys(rows.DIGIT_COUNTS, "")}
    row |= {"settings": "{}", "torch": "2.14.1+cu130", "cpu": "a processor", "arithmetic": "AVX2"}
    return sealed({**row, "commit": "5e30e54", "code": code_version(), **values})


def write(file: Path, *found: Row) -> Path:
    """Write rows to a file."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    return file


def read(file: Path) -> list[Row]:
    """Return a file's rows, none if there is no file; a last line that is being written is left out."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as opened:
        return [row for row in csv.DictReader(opened) if row["checksum"]]


def with_fingerprints(folder: Path, jobs: Jobs) -> Path:
    """Record that the present code gives the rows of these jobs."""
    kinds = dict.fromkeys(fingerprints.kinds_of(jobs.values()), "a hash")
    fingerprints.write(fingerprints.Fingerprints(*this_machine(), [code_version()], kinds), folder)
    return folder


def refusal(file: Path, jobs: Jobs = CLAIMS) -> str:
    """Return why a file is refused, in one line: the same for what reads it and for what would add to it."""
    with pytest.raises(UserError) as to_build:
        Results(jobs, file.parent)
    before = file.read_bytes()
    with pytest.raises(UserError) as to_add:
        run_missing(file, list(jobs.values())[-1:], NO_WORKERS)
    assert file.read_bytes() == before
    assert str(to_build.value) == str(to_add.value)
    assert "\n" not in str(to_add.value)
    return str(to_add.value)


# ---- What identifies a row -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "settings", "differing"),
    [
        (WS, {"nb_epochs": 50, "learning_rate": 0.1, "mini_batch_size": 100, "shuffle": True, "one_cycle": False}, {}),
        (WS, {"maps": [32, 64], "hidden": 150, "activation": "relu", "two_views": False, "balance": 0.0}, {}),
        (WS, {"nb_train_pairs": 1000, "nb_test_pairs": 1000, "validation": False}, {}),
        (WS, {"maps": [16, 32], "activation": "none"}, {"activation": "none", "maps": [16, 32]}),
        (WS, {"shuffle": False, "nb_epochs": 25, **VALIDATION}, {**VALIDATION, "nb_epochs": 25, "shuffle": False}),
        (AUX, {"aux_weight": 0.5, "label_smoothing": 0.0}, {}),
        (AUX, {"aux_weight": 0}, {"aux_weight": 0}),
        (AUX1, {"aux_weight": 1.0, "mini_batch_size": 50}, {}),  # those of its class are its own
        (AUX1, {"aux_weight": 0.5}, {"aux_weight": 0.5}),
        (WS1, {"balance": 1.0, "consistency": 0.0}, {"consistency": 0.0}),
        (WS1, {"mini_batch_size": 100}, {"mini_batch_size": 100}),
        (WS1, {"shares": [1.0] * 10}, {"shares": [1.0] * 10}),
    ],
    ids=lambda value: getattr(value, "name", None) or str(value),
)  # fmt: skip
def test_a_row_is_known_by_what_differs_from_the_default(
    network: Any, settings: dict[str, Any], differing: dict[str, Any]
) -> None:
    job = Job(network, settings, 3)
    assert job.key == (network.name, json.dumps(differing, sort_keys=True), "3")
    assert job.key == Job(network, dict(reversed(settings.items())), 3).key
    assert str(job) == f"{network.name} in round 3 with the settings {job.key[1]}"


def test_networks_that_differ_have_names_that_differ() -> None:
    networks = {job.network.name: job.network for job in all_jobs().values()}
    assert all(job.network == networks[job.network.name] for job in all_jobs().values())


# ---- The files -------------------------------------------------------------------------------------------------------


def test_rows_of_all_files_are_read_and_none_is_in_two(tmp_path: Path) -> None:
    found = [row_of("SimpleModel"), row_of("AuxModel", 29), row_of(nb_round=77)]
    one, two = write(tmp_path / "a.csv", *found), write(tmp_path / "b.csv", row_of())
    for name in rows.FROZEN:
        (tmp_path / name).write_text("no rows of the study")
    by_key, files = read_all(tmp_path)
    assert list(by_key.values()) == [*found, row_of()]
    assert list(by_key)[2:] == [("WSModel", "{}", "77"), ("WSModel", "{}", "4")]
    assert list(files.values()) == [one] * 3 + [two]
    assert read_rows(tmp_path / "other.csv") == {}
    write(two, found[1])
    same = f"AuxModel in round 29 with the settings {{}}, as {one} has"
    with pytest.raises(UserError, match=f"^{re.escape(f'{two} has {same}. {REMEDY}.')}$"):
        read_all(tmp_path)


def test_rows_that_no_experiment_asks_for_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A weight or an experiment was taken out, or there are further rounds: their rows are counted in one line.

    They are held by their checksums, as all rows are.
    """
    others = row_of(settings='{"nb_epochs": 25}'), row_of(nb_round=77), row_of("NoSuchModel")
    file = write(tmp_path / "claims.csv", row_of(), *others)
    jobs = by_key(Variant(WS, {}, (4,)))
    assert list(Results(jobs, with_fingerprints(tmp_path, jobs)).by_key.values()) == [row_of()]
    assert capsys.readouterr() == ("", "3 saved rows that no experiment asks for were left alone.\n")
    write(file, row_of(), {**others[0], "wrong": "7"})
    assert refusal(file, jobs).startswith(f"{file}, line 3 was changed: ")


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edit_of_any_column_is_refused(tmp_path: Path, column: str) -> None:
    file = write(tmp_path / "claims.csv", row_of(), {**row_of("SimpleModel"), column: "7"})
    changed = "was changed: its checksum is not that of its values"
    assert refusal(file) == f"{file}, line 3 {changed}. {REMEDY}."


def test_any_one_edit_is_refused(tmp_path: Path) -> None:
    """A character more, less, or another one, anywhere but in the end of the last line."""
    generator = random.Random(0)
    file = write(tmp_path / "claims.csv", row_of("SimpleModel"), row_of(), row_of("AuxModel"))
    text = file.read_text(encoding="utf-8")
    for _ in range(1000):
        index, character = generator.randrange(len(text) - 1), generator.choice('0123456789.,;-"\n abc{}é')
        rest = generator.choice((text[index:], text[index + 1 :]))
        new = text[:index] + generator.choice((character, "")) + rest
        if new != text:
            file.write_text(new, encoding="utf-8")
            with pytest.raises(UserError):
                read_rows(file)


def test_a_row_that_is_there_twice(tmp_path: Path) -> None:
    file = write(tmp_path / "claims.csv", row_of(), row_of("SimpleModel"), row_of(wrong="151"))
    twice = "WSModel in round 4 with the settings {} is there twice"
    assert refusal(file) == f"{file}, line 4: {twice}. {REMEDY}."


NO_TABLES: dict[str, Callable[[str], bytes]] = {
    "a byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "a column gone": lambda text: text.replace(",cpu", "").encode(),
    "columns in another order": lambda text: text.replace("torch,cpu", "cpu,torch").encode(),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_a_file_that_is_no_table_of_rows(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "claims.csv", row_of())
    file.write_bytes(NO_TABLES[name](file.read_text(encoding="utf-8")))
    why = refusal(file)
    if name == "UTF-16":
        assert why.startswith(f"{file} cannot be read: 'utf-8' codec can't decode byte")
        assert why.endswith(f". Restore it (git checkout -- {file}).")
    else:
        assert why.startswith(f"{file}, line 1: its columns are not those of a row, comma-separated in UTF-8. ")


def test_a_job_that_diverged_has_no_results(tmp_path: Path) -> None:
    diverged = row_of(**dict.fromkeys(NUMBERS, ""), error="WSModel diverged in epoch 2 of 50")
    jobs = by_key(Variant(WS, {}, (3, 4), details="course"))
    first, second = jobs.values()
    write(tmp_path / "claims.csv", diverged, row_of(nb_round=3, details="[]"))
    results = Results(jobs, with_fingerprints(tmp_path, jobs))
    assert results.finished([first, second]) == [first]
    assert results.accuracies([first]) == [85]
    for reader in (results.rows, results.accuracies):
        with pytest.raises(UserError, match="^WSModel diverged in round 4: WSModel diverged in epoch 2 of 50$"):
            reader([first, second])


def test_a_row_or_its_details_are_missing(tmp_path: Path) -> None:
    jobs = by_key(Variant(SIMPLE, {}, (3, 4)), Variant(WS, {}, (3, 4)))
    write(tmp_path / "claims.csv", row_of(nb_round=3), row_of("SimpleModel", 3), row_of())
    missing = "SimpleModel in round 4 with the settings {}"
    with pytest.raises(UserError) as refused:
        Results(jobs, tmp_path)
    assert str(refused.value) == f"{tmp_path} lacks 1 rows, the first {missing}. Run report/study.py."
    with pytest.raises(UserError, match="lacks 2 rows, the first .*"):
        Results({**jobs, **by_key(Variant(UNTIED, {}, (0,)))}, tmp_path)
    with pytest.raises(UserError, match=r"^WSModel in round 4 with the settings \{\} has no details, "):
        Results(by_key(Variant(WS, {}, (4,), details="errors")), tmp_path)


@pytest.mark.parametrize("other", [{"arithmetic": "AVX512"}, {"torch": "2.15.0"}], ids=str)
def test_rows_of_two_instruction_sets(tmp_path: Path, other: dict[str, str]) -> None:
    """In two files, too; the build of torch and the processor's name may differ."""
    jobs = by_key(Variant(WS, {}, (3, 4)), Variant(AUX, {}, (50,)))
    write(tmp_path / "a.csv", row_of(nb_round=3), row_of(torch="2.14.1+cpu", cpu="another"))
    write(tmp_path / "b.csv", row_of("AuxModel", 50))
    assert len(Results(jobs, with_fingerprints(tmp_path, jobs)).by_key) == 3
    write(tmp_path / "b.csv", row_of("AuxModel", 50, **other))
    here, there = ({"torch": "2.14.1", "arithmetic": "AVX2", **values} for values in ({}, other))
    kinds = f"WSModel in round 4 with the settings {{}}: torch {here['torch']}, {here['arithmetic']}; "
    kinds += f"AuxModel in round 50 with the settings {{}}: torch {there['torch']}, {there['arithmetic']}"
    with pytest.raises(UserError) as refused:
        Results(jobs, tmp_path)
    assert str(refused.value) == f"rows computed with different instruction sets are not mixed: {kinds}."


# ---- The code version ------------------------------------------------------------------------------------------------

WORDS = {
    "a docstring": ("helpers.py", '"""Count the pairs, ', '"""Other words, '),
    "a comment": ("helpers.py", "# pairs\n", "# other words\n# and more\n"),
    "layout": ("models/SimpleCNN.py", "nn.Conv2d(2, maps[0], 3)", "nn.Conv2d(2,   maps[0],\n                3)"),
}


@pytest.mark.parametrize("what", WORDS)
def test_words_and_layout_change_no_code_version(tmp_path: Path, what: str) -> None:
    for file in (file for pattern in HASHED for file in ROOT.glob(pattern)):
        target = tmp_path / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    assert code_version.__wrapped__(tmp_path) == code_version()
    name, old, new = WORDS[what]
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert old in text, what
    (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
    assert code_version.__wrapped__(tmp_path) == code_version()


def test_the_code_version_is_the_same_for_all_versions_of_python() -> None:
    """Nothing in it that only some versions have: empty lists, type_params, kind."""
    arguments, body = "args=arguments(args=[arg(arg='x')])", "body=[Return(value=Name(id='x', ctx=Load()))]"
    text = f"Module(body=[FunctionDef(name='f', {arguments}, {body})])"
    assert canonical(ast.parse("def f(x):  # a comment\n    return (x)")) == text


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a file"
    rows.write_atomically(file, "≤\n")
    assert file.read_bytes() == "≤\n".encode()
    assert list(tmp_path.iterdir()) == [file]

    def fail(self: Path, *_: object, **__: object) -> int:
        self.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="the disk is full"):
        rows.write_atomically(file, "another text")
    assert file.read_bytes() == "≤\n".encode()
