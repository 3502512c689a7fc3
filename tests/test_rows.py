"""The row, its code version, and the gate between the saved files and everything that reads them."""

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
from common import rows, saved
from common.networks import AUX, SIMPLE, UNTIED, WS
from common.provenance import HASHED, canonical, code_version
from common.rows import COLUMNS, RESULTS, Job, Row, key_of, read_json, read_rows, seal
from common.running import run_missing
from common.saved import Saved, drawn_rows
from conftest import ROOT
from experiments import cost, errors
from experiments.catalogue import BY_NAME, all_jobs, jobs_of
from plain import classes_of_test_pairs

from helpers import UserError, load_round

PLAIN = '{"data": {}, "model": {}, "training": {}}'
CLAIMS = jobs_of(BY_NAME["claims"])
NUMBERS = {"parameters": "58918", "first_loss": "0.7", "last_loss": "0.1", "seconds": "6.5"}
NUMBERS |= {"train_wrong": "0", "train_total": "1000", "wrong": "150", "total": "1000"}
NUMBERS |= {"digits_wrong": "1700", "highest_wrong": "300", "joint_wrong": "200", "head_wrong": "2", "dead_scores": "0"}


def sealed(row: Row) -> Row:
    """Return a row with the checksum of its values, computed by hand."""
    values = json.dumps([row[column] for column in COLUMNS if column != "checksum"])
    return {**row, "checksum": hashlib.sha256(values.encode()).hexdigest()[:8]}


def row_of(network: str = "WSModel", nb_round: int = 4, **values: str) -> Row:
    """Return a row of the claims that is right, but for some values."""
    row = {**dict.fromkeys(COLUMNS, ""), **NUMBERS, "experiment": "claims", "network": network, "round": str(nb_round)}
    if network == "SimpleModel":
        row |= {"parameters": "57956", **dict.fromkeys(rows.DIGIT_COUNTS, "")}
    row |= {"settings": PLAIN, "torch": "2.14.1+cu130", "cpu": "a processor", "arithmetic": "AVX2"}
    return sealed({**row, "commit": "5e30e54", "code": code_version(), **values})


def write(file: Path, *found: Row) -> Path:
    """Write rows to a file."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    return file


def refusal(file: Path, jobs: list[Job] = CLAIMS) -> str:
    """Return why the gate refuses a file, in one line: the same for what reads it and for what would add to it."""
    with pytest.raises(UserError) as to_read:
        read_rows(file, jobs)
    with pytest.raises(UserError) as to_build:
        Saved(jobs, file.parent)
    before = file.read_bytes()
    with pytest.raises(UserError) as to_add:
        run_missing(file, jobs[-1:], jobs, workers=1)
    assert file.read_bytes() == before
    assert str(to_read.value) == str(to_build.value) == str(to_add.value)
    assert "\n" not in str(to_read.value)
    return str(to_read.value)


def refused_row(tmp_path: Path, message: str, **values: str) -> None:
    """Assert that a row with these values, and their checksum, is refused, by the name of file, network and round."""
    file = write(tmp_path / "claims.csv", row_of(nb_round=3), row_of(**values))
    place = f"{file}, line 3: {values.get('network', 'WSModel')} in round 4: "
    assert re.fullmatch(re.escape(place) + message + re.escape(f". {rows.REMEDY}."), refusal(file))


# ---------------------------------------------------------------------------------------------------------------------
# The gate


def test_rows_that_are_right_are_read(tmp_path: Path) -> None:
    found = [row_of("SimpleModel"), row_of(), row_of("AuxModel", 29), row_of(nb_round=77)]  # 77: a further round
    read = read_rows(write(tmp_path / "claims.csv", *found), CLAIMS)
    assert list(read.values()) == found
    assert list(read)[1] == ("claims", "WSModel", "4", PLAIN)
    assert read_rows(tmp_path / "other.csv", CLAIMS) == {}


@pytest.mark.parametrize("column", NUMBERS)
def test_a_value_that_is_no_result(tmp_path: Path, column: str) -> None:
    for value in ("abc", "-1", "nan", "inf", ""):
        limit = r"( and at most \d+)?"
        refused_row(
            tmp_path, f"{column} = {value!r}: it must be (a number of at least 0{limit}|1000|58918)", **{column: value}
        )
    if column not in ("first_loss", "last_loss", "seconds"):
        refused_row(tmp_path, f"{column} = '1.5': it must be .*", **{column: "1.5"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wrong": "1001"}, "wrong = '1001': it must be a number of at least 0 and at most 1000"),
        ({"train_wrong": "1001"}, "train_wrong = '1001': it must be a number of at least 0 and at most 1000"),
        ({"digits_wrong": "2001"}, "digits_wrong = '2001': it must be a number of at least 0 and at most 2000"),
        ({"highest_wrong": "1001"}, "highest_wrong = '1001': it must be a number of at least 0 and at most 1000"),
        ({"joint_wrong": "1001"}, "joint_wrong = '1001': it must be a number of at least 0 and at most 1000"),
        ({"head_wrong": "151"}, "head_wrong = '151': it must be a number of at least 0 and at most 150"),
        ({"dead_scores": "11"}, "dead_scores = '11': it must be a number of at least 0 and at most 10"),
        ({"parameters": "58919"}, "parameters = '58919': it must be 58918"),
        ({"total": "5000"}, "total = '5000': it must be 1000"),
        ({"train_total": "999"}, "train_total = '999': it must be 1000"),
        ({"code": "0123"}, "code = '0123': it does not say what made it"),
        ({"torch": ""}, "torch = '': it does not say what made it"),
        ({"torch": "new"}, "torch = 'new': it does not say what made it"),
        ({"cpu": ""}, "cpu = '': it does not say what made it"),
        ({"arithmetic": ""}, "arithmetic = '': it does not say what made it"),
        ({"commit": "5e3"}, "commit = '5e3': it does not say what made it"),
        ({"details": "{}"}, "details = '{}': the experiment has none"),
        ({"experiment": "more_rounds"}, "the experiment has no such run, with the settings .*"),
        ({"network": "UntiedModel"}, "the experiment has no such run, with the settings .*"),
        ({"settings": PLAIN.replace("{}}", '{"nb_epochs": 25}}')}, "the experiment has no such run, with .*25.*"),
        ({"settings": "{}"}, "the experiment has no such run, with the settings {}"),
        ({"network": "SimpleModel", "digits_wrong": "1700"}, "digits_wrong = '1700': the network has no digit scores"),
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_cannot_be(tmp_path: Path, values: dict[str, str], message: str) -> None:
    refused_row(tmp_path, message, **values)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_digit(tmp_path: Path, column: str) -> None:
    """In any value: where nothing else tells, the checksum does."""
    row = {"details": "", "error": "", **row_of()}
    file = write(tmp_path / "claims.csv", row_of("SimpleModel"), {**row, column: row[column] + "1"})
    where, _, why = refusal(file).partition(" in round ")
    assert where == f"{file}, line 3: WSModel{'1' if column == 'network' else ''}"
    if column not in ("experiment", "network", "settings"):
        assert re.search(r"its checksum is '\w+', that of its values \w{8}: one of them was changed", why)


def test_any_one_edit_is_refused(tmp_path: Path) -> None:
    """A character more, less, or another one, anywhere but in the end of the last line."""
    generator = random.Random(0)
    file = write(tmp_path / "claims.csv", row_of("SimpleModel"), row_of(), row_of("AuxModel"))
    text = file.read_text(encoding="utf-8")
    for _ in range(300):
        place, character = generator.randrange(len(text) - 1), generator.choice('0123456789.,;-"\n abc{}é')
        rest = generator.choice((text[place:], text[place + 1 :]))
        new = text[:place] + generator.choice((character, "")) + rest
        if new != text:
            file.write_text(new, encoding="utf-8")
            with pytest.raises(UserError):
                read_rows(file, CLAIMS)


def test_a_row_that_is_there_twice(tmp_path: Path) -> None:
    file = write(tmp_path / "claims.csv", row_of(), row_of("SimpleModel"), row_of(wrong="151"))
    assert refusal(file) == f"{file}, line 4: WSModel in round 4: it is there twice. {rows.REMEDY}."


NO_TABLES: dict[str, Callable[[str], bytes]] = {
    "a byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "empty": lambda text: b"",
    "no head": lambda text: text.partition("\n")[2].encode(),
    "a column gone": lambda text: text.replace(",cpu", "").encode(),
    "a column more": lambda text: text.replace(",cpu", ",cpu,memory").encode(),
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


@pytest.mark.parametrize(("values", "number"), [(COLUMNS[:-1], 24), ([*COLUMNS, "more"], 26)])
def test_a_row_with_another_number_of_values(tmp_path: Path, values: list[str], number: int) -> None:
    file = write(tmp_path / "claims.csv", row_of("SimpleModel"))
    with file.open("a", newline="") as opened:
        csv.writer(opened).writerow(row_of().get(column, column) for column in values)
    place = f"{file}, line 3: WSModel in round 4"
    assert refusal(file) == f"{place}: it has {number} values, not 25. {rows.REMEDY}."


def test_a_last_line_that_was_cut_short(tmp_path: Path) -> None:
    """By a crash: it is no row. If an editor then ended the line, it is refused."""
    file = write(tmp_path / "claims.csv", row_of("SimpleModel"), row_of())
    file.write_text(file.read_text()[:-20])
    assert list(read_rows(file, CLAIMS).values()) == [row_of("SimpleModel")]
    file.write_text(file.read_text() + "\n")
    assert refusal(file).startswith(f"{file}, line 3: WSModel in round 4: it has ")


def test_a_run_that_diverged_has_no_results(tmp_path: Path) -> None:
    diverged = row_of(**dict.fromkeys(NUMBERS, ""), error="WSModel diverged in epoch 2 of 50")
    jobs = [Job("claims", WS, r) for r in (3, 4)]
    saved = Saved(jobs, write(tmp_path / "claims.csv", row_of(nb_round=3), diverged).parent)
    assert saved.finished(jobs) == jobs[:1]
    assert saved.accuracies(jobs[:1]) == [85]
    for reader in (saved.rows, saved.accuracies):
        with pytest.raises(UserError, match="^claims: WSModel diverged in round 4: WSModel diverged in epoch 2 of 50$"):
            reader(jobs)


def test_a_row_that_is_missing(tmp_path: Path) -> None:
    jobs = [Job("claims", network, r) for r in (3, 4) for network in (SIMPLE, WS)]
    file = write(tmp_path / "claims.csv", row_of(nb_round=3), row_of("SimpleModel", 3), row_of())
    with pytest.raises(UserError) as refused:
        Saved(jobs, tmp_path)
    missing = f"claims: SimpleModel in round 4 with {PLAIN}"
    assert str(refused.value) == f"{file} lacks 1 rows, the first {missing}. Run report/study.py."
    with pytest.raises(UserError, match="sharing.csv lacks 1 rows, the first sharing: UntiedModel in round 0 with"):
        Saved([*jobs[:2], Job("sharing", UNTIED, 0)], tmp_path)


@pytest.mark.parametrize("other", [{"arithmetic": "AVX512"}, {"torch": "2.15.0"}], ids=str)
def test_rows_of_two_kinds(tmp_path: Path, other: dict[str, str]) -> None:
    """In two files, too; the build of torch and the processor's name may differ."""
    jobs = [Job("claims", WS, 3), Job("claims", WS, 4), Job("more_rounds", WS, 50)]
    write(tmp_path / "claims.csv", row_of(nb_round=3), row_of(torch="2.14.1+cpu", cpu="another"))
    write(tmp_path / "more_rounds.csv", row_of(nb_round=50, experiment="more_rounds"))
    assert len(Saved(jobs, tmp_path).by_key) == 3
    write(tmp_path / "more_rounds.csv", row_of(nb_round=50, experiment="more_rounds", **other))
    here, there = ({"torch": "2.14.1", "arithmetic": "AVX2", **values} for values in ({}, other))
    found = [f"claims, round 3: torch {here['torch']}, {here['arithmetic']}"]
    found += [f"more_rounds, round 50: torch {there['torch']}, {there['arithmetic']}"]
    with pytest.raises(UserError) as refused:
        Saved(jobs, tmp_path)
    assert str(refused.value) == f"rows of different arithmetic cannot be compared: {'; '.join(found)}."


def test_rows_of_further_rounds_change_nothing(tmp_path: Path) -> None:
    jobs = [Job("claims", WS, r) for r in (3, 4)]
    write(tmp_path / "claims.csv", row_of(nb_round=77, wrong="900"), row_of(), row_of(nb_round=3, wrong="160"))
    saved = Saved(jobs, tmp_path)
    assert saved.accuracies(jobs) == [84, 85]
    assert len(saved.by_key) == 2


def test_accuracies_by_hand() -> None:
    row = row_of(train_wrong="5", train_total="200", digits_wrong="30", wrong="20", total="500")
    assert rows.accuracy(row) == pytest.approx(96)
    assert rows.accuracy(row, "train_") == pytest.approx(97.5)
    assert rows.digit_accuracy([row, {**row, "digits_wrong": "60"}]) == pytest.approx(95.5)


# ---------------------------------------------------------------------------------------------------------------------
# What the errors' rows keep besides


@pytest.fixture(scope="module")
def saved_errors() -> list[Row]:
    with (RESULTS / "errors.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))[:2]


def add(table: str, first: int, second: int, number: int) -> Callable[[dict[str, Any]], None]:
    """Return what adds a number to a cell of a table."""

    def change(details: dict[str, Any]) -> None:
        details[table][first][second] += number

    return change


def move(table: str, cells: tuple[int, int, int, int], number: int = 1) -> Callable[[dict[str, Any]], None]:
    """Return what takes a number from a cell of a table, and adds it to another: the sum stays."""

    def change(details: dict[str, Any]) -> None:
        details[table][cells[0]][cells[1]] -= number
        details[table][cells[2]][cells[3]] += number

    return change


def several(cells: tuple[tuple[int, int], ...], place: tuple[int, int]) -> Callable[[dict[str, Any]], None]:
    """Return what takes a wrong pair from each cell, and adds them to another: of 4 and 2 there are four pairs."""

    def change(details: dict[str, Any]) -> None:
        for cell in cells:
            move("wrong", (*cell, *place))(details)

    return change


def right_pair(details: dict[str, Any]) -> None:
    """Let a pair of digits of which none is wrong be one of the worst."""
    assert details["wrong"][4][2] == 0
    details["worst"][0] = [classes_of_test_pairs(0).index([4, 2]), 4, 2, 0.99]


def twice(details: dict[str, Any]) -> None:
    """Let a pair of two sixes, of which two are wrong and one is among the worst, be there twice."""
    assert (details["wrong"][6][6], [first for _, *first, _ in details["worst"]].count([6, 6])) == (2, 1)
    details["worst"][9] = details["worst"][3]


def worst(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes the first of the worst pairs."""

    def change(details: dict[str, Any]) -> None:
        pair = dict(zip(("index", "first", "second", "probability"), details["worst"][0], strict=True))
        details["worst"][0] = list({**pair, **values}.values())

    return change


NOT_OF_THE_ROUND = "details: they are not those of the round's test pairs, or of the row's counts"


FIVE = ((2, 1), (3, 3), (4, 7), (7, 4), (7, 6))  # cells of one wrong pair each
DETAILS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an image more": (add("digits", 3, 5, 1), NOT_OF_THE_ROUND),
    "an image of another digit": (move("digits", (3, 3, 4, 4)), NOT_OF_THE_ROUND),
    "a digit told wrong": (move("digits", (3, 3, 3, 4)), NOT_OF_THE_ROUND),
    "a wrong pair more": (add("wrong", 4, 4, 1), NOT_OF_THE_ROUND),
    "more wrong pairs than there are": (move("wrong", (0, 0, 9, 9), 900), NOT_OF_THE_ROUND),
    "more wrong pairs of two digits than there are": (
        several(((2, 1), (3, 3), (4, 7), (7, 4), (7, 6)), (4, 2)),
        NOT_OF_THE_ROUND,
    ),
    "less than no wrong pair": (move("wrong", (4, 2, 0, 1)), NOT_OF_THE_ROUND),
    "less than no digit": (move("digits", (3, 0, 3, 1), 500), NOT_OF_THE_ROUND),
    "an invented worst pair": (worst(index=999, first=11), NOT_OF_THE_ROUND),
    "a worst pair by an index from the end": (worst(index=212 - 1000), NOT_OF_THE_ROUND),
    "a worst pair twice": (twice, NOT_OF_THE_ROUND),
    "a worst pair of another digit": (worst(second=7), NOT_OF_THE_ROUND),
    "a worst pair that is right": (right_pair, NOT_OF_THE_ROUND),
    "a worst pair of other digits": (lambda details: details["worst"][0].reverse(), r"details: .*"),
    "a worst pair that there is not": (worst(index=1000), r"details: IndexError.*"),
    "a probability below that of the other class": (worst(probability=0.49), NOT_OF_THE_ROUND),
    "a probability above 1": (worst(probability=1.01), NOT_OF_THE_ROUND),
    "a worst pair gone": (lambda details: details["worst"].pop(), NOT_OF_THE_ROUND),
    "a table gone": (lambda details: details.pop("wrong"), r"details: KeyError\('wrong'\)"),
    "a table of another size": (lambda details: details["wrong"].pop(), r"details: ValueError.*"),
    "a line of another size": (lambda details: details["digits"][4].pop(), r"details: ValueError.*"),
    "a text for a number": (worst(probability="high"), r"details: TypeError.*"),
}


@pytest.mark.parametrize("name", DETAILS)
def test_details_that_the_round_does_not_have(tmp_path: Path, saved_errors: list[Row], name: str) -> None:
    change, message = DETAILS[name]
    details = json.loads(saved_errors[1]["details"])
    change(details)
    file = write(tmp_path / "errors.csv", saved_errors[0], sealed({**saved_errors[1], "details": json.dumps(details)}))
    place = f"{file}, line 3: {saved_errors[1]['network']} in round {saved_errors[1]['round']}: "
    assert re.fullmatch(re.escape(place) + message + r"\. Restore the line, .*", refusal(file, jobs_of(errors)))


def test_details_that_are_no_json_or_of_another_round(tmp_path: Path, saved_errors: list[Row]) -> None:
    first, second = saved_errors
    for details, message in (("", "details: JSONDecodeError"), ("{}", "details: KeyError"), ("[", "details: ")):
        file = write(tmp_path / "errors.csv", sealed({**first, "details": details}), second)
        assert f"{file}, line 2: {first['network']} in round 0: {message}" in refusal(file, jobs_of(errors))
    file = write(tmp_path / "errors.csv", sealed({**first, "round": "1"}))
    assert f"{first['network']} in round 1: {NOT_OF_THE_ROUND}" in refusal(file, jobs_of(errors))


def test_the_saved_details_are_of_the_test_pairs(saved_errors: list[Row]) -> None:
    """Against a loop over the pairs."""
    pairs = load_round(0).test_classes.tolist()
    for row in saved_errors:
        details = json.loads(row["details"])
        for digit in range(10):
            assert sum(details["digits"][digit]) == sum(pair.count(digit) for pair in pairs)
            assert all(details["wrong"][digit][other] <= pairs.count([digit, other]) for other in range(10))
        assert [pairs[index] for index, *_ in details["worst"]] == [list(pair) for _, *pair, _ in details["worst"]]
        assert len({index for index, *_ in details["worst"]}) == len(details["worst"])


# ---------------------------------------------------------------------------------------------------------------------
# The benchmark's file


def test_a_benchmark_that_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "benchmark.json"
    monkeypatch.setattr(cost, "BENCHMARK", file)
    values = {"torch": "2.14.1", "start": {"seconds": 2.5}}
    text = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:8]
    file.write_text(json.dumps(seal(values), indent=2))
    assert read_json(file) == {**values, "checksum": text}
    file.write_text(file.read_text().replace("2.5", "1.5"))
    with pytest.raises(UserError, match=r"benchmark\.json: its checksum is not that of its values: one of them was"):
        read_json(file)
    for broken in ("", json.dumps(values)[:-5]):
        file.write_text(broken)
        with pytest.raises(UserError, match=r"benchmark\.json cannot be read: .*\. Restore it\."):
            read_json(file)
    file.write_text(json.dumps(values))
    with pytest.raises(UserError, match="its checksum"):
        read_json(file)
    file.unlink()
    with pytest.raises(UserError, match=r"benchmark\.json cannot be read: .*No such file"):
        read_json(file)


# ---------------------------------------------------------------------------------------------------------------------
# What identifies a row, and the code version


def test_settings_are_the_same_in_any_order() -> None:
    one, other = ({"b": 1, "a": [2, 3]}, {"a": [2, 3], "b": 1})
    assert Job("claims", WS, 3, one, other, one).key == Job("claims", WS, 3, other, one, other).key
    settings = '{"data": {"a": [2, 3], "b": 1}, "model": {"a": [2, 3], "b": 1}, "training": {"a": [2, 3], "b": 1}}'
    assert Job("claims", WS, 3, one, other, one).key == ("claims", "WSModel", "3", settings)


def test_no_two_runs_have_the_same_row() -> None:
    assert len({job.key for job in all_jobs()}) == len(all_jobs())
    by_place = {(job.experiment, job.network.name, job.settings) for job in all_jobs() if job.network == AUX}
    assert ("claims", "AuxModel", PLAIN) in by_place
    assert ("aux_weight", "AuxModel", PLAIN) not in by_place


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code that a code version is of."""
    for pattern in HASHED:
        for file in ROOT.glob(pattern):
            target = tmp_path / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return tmp_path


WORDS = {
    "a docstring": ("helpers.py", '"""Count the pairs, ', '"""Other words, '),
    "a comment": ("helpers.py", "# pairs\n", "# other words\n# and more\n"),
    "layout": ("models/SimpleCNN.py", "nn.Conv2d(2, maps[0], 3)", "nn.Conv2d(2,   maps[0],\n                3)"),
}
CODE = {
    "a setting": ("helpers.py", "LEARNING_RATE = 0.1", "LEARNING_RATE = 0.2"),
    "a default": ("helpers.py", "shuffle: bool = True", "shuffle: bool = False"),
    "a layer": ("models/SimpleCNN.py", "nn.Flatten()", "nn.Flatten(1)"),
    "another network": ("models/AuxLoss.py", '"aux_weight": 1.0', '"aux_weight": 2.0'),
    "an operator": ("models/WSharing.py", "first <= second).flat", "first < second).flat"),
    "a name": ("helpers.py", "def seed_of(purpose", "def seed_of(reason"),
    "a control": ("report/common/networks.py", "(64, 128), plain", "(64, 127), plain"),
    "a drawing": ("report/common/skewed.py", "drawn < ", "drawn <= "),
    "what measures a row": ("report/common/measuring.py", "each.amax(0) == ", "each.amax(1) == "),
}


@pytest.mark.parametrize("what", [*WORDS, *CODE])
def test_the_code_version_is_that_of_what_results_depend_on(copy: Path, what: str) -> None:
    before = code_version.__wrapped__(copy)
    assert before == code_version()
    name, old, new = (WORDS | CODE)[what]
    text = (copy / name).read_text(encoding="utf-8")
    assert old in text, what
    (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    assert (code_version.__wrapped__(copy) == before) == (what in WORDS)


# ---------------------------------------------------------------------------------------------------------------------
# Rows that outlive the code

PAIR = [Job("claims", network, r) for r in range(4) for network in (SIMPLE, WS)]
OTHER = "0123456789ab"  # another code version


@pytest.fixture
def old_rows(tmp_path: Path) -> list[Row]:
    """Rows of two kinds by other code; one of WSModel diverged, which is a kind of its own."""
    rows = [row_of(job.network.name, job.round, code=OTHER, wrong=str(100 + job.round)) for job in PAIR]
    rows[3] = row_of("WSModel", 1, code=OTHER, error="it diverged", **dict.fromkeys(NUMBERS, ""))
    write(tmp_path / "claims.csv", *rows)
    return rows


def again(row: Row, **values: str) -> Row:
    """Return a row as the present code makes it, with other values."""
    return sealed({**row, "code": code_version(), "seconds": "1.5", "commit": "abcdef0", **values})


def refused_again(folder: Path, *rows: Row) -> str:
    """Return why the gate refuses the saved rows beside these in again.csv."""
    write(folder / "again.csv", *rows)
    with pytest.raises(UserError) as caught:
        Saved(PAIR, folder)
    return str(caught.value)


def test_a_row_of_each_kind_is_drawn(old_rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of finished and diverged runs apart, by the hash of the code; rows of the present code need none."""
    drawn = drawn_rows(old_rows)
    kinds = [(row["network"], bool(row["error"])) for row in drawn]
    assert sorted(kinds) == [("SimpleModel", False), ("WSModel", False), ("WSModel", True)]
    assert sorted(map(key_of, drawn_rows(reversed(old_rows)))) == sorted(map(key_of, drawn))
    assert drawn_rows([again(row) for row in old_rows]) == []
    rounds = set()
    for number in range(20):
        monkeypatch.setattr(saved, "code_version", lambda number=number: f"{number:012}")
        rounds.add(next(row["round"] for row in drawn_rows(old_rows) if row["network"] == "SimpleModel"))
    assert rounds == {"0", "1", "2", "3"}


def test_rows_of_other_code_are_taken_with_proof_of_every_kind(old_rows: list[Row], tmp_path: Path) -> None:
    drawn = drawn_rows(old_rows)
    write(tmp_path / "again.csv", *(again(row) for row in drawn))
    assert list(Saved(PAIR, tmp_path).by_key.values()) == old_rows
    for missing in drawn:
        why = refused_again(tmp_path, *(again(row) for row in drawn if row != missing))
        name = f"claims: {missing['network']} in round {missing['round']} with {PLAIN}"
        assert why == f"{name} was run by other code. Run report/verify.py --every: is its result the same now?"
    (tmp_path / "again.csv").unlink()
    with pytest.raises(UserError, match="was run by other code"):
        Saved(PAIR, tmp_path)


def test_another_round_of_a_kind_is_no_proof(old_rows: list[Row], tmp_path: Path) -> None:
    drawn = drawn_rows(old_rows)
    others = [row for row in old_rows if row not in drawn]
    assert "was run by other code" in refused_again(tmp_path, *(again(row) for row in [*drawn[1:], *others]))


@pytest.mark.parametrize("column", ["last_loss", "wrong", "parameters", "train_wrong", "dead_scores", "error"])
def test_another_result_is_refused(old_rows: list[Row], tmp_path: Path, column: str) -> None:
    """With experiment, network, round and what differs; a run that diverges now or no longer, too."""
    drawn = drawn_rows(old_rows)
    place = next(n for n, row in enumerate(drawn) if row["network"] == "WSModel" and not row["error"])
    new = {"last_loss": "0.100001", "wrong": "99", "train_wrong": "1", "dead_scores": "1", "error": "x"}
    values = {column: new[column]} if column in new else {}
    rows = [again(row, **(values if n == place else {})) for n, row in enumerate(drawn)]
    if column == "parameters":
        rows[place] = sealed({**rows[place], "parameters": "58919"})
        assert "parameters = '58919': it must be 58918" in refused_again(tmp_path, *rows)
        return
    why = refused_again(tmp_path, *rows)
    assert why.startswith(
        f"claims: WSModel in round {drawn[place]['round']} with {PLAIN}: this code gives another result:"
    )
    was = drawn[place][column]
    assert (f"{column} {was}, now {new[column]}" if column != "error" else "error '', now 'x'") in why


def test_proof_of_other_code_or_with_a_changed_digit_is_refused(old_rows: list[Row], tmp_path: Path) -> None:
    rows = [again(row) for row in drawn_rows(old_rows)]
    stale = [sealed({**row, "code": "ba9876543210"}) for row in rows]
    assert "was run by other code" in refused_again(tmp_path, *stale)
    why = refused_again(tmp_path, *rows[:-1], {**rows[-1], "first_loss": "0.8"})
    assert why.startswith(f"{tmp_path / 'again.csv'}, line 4: ")
    assert "its checksum is" in why


def test_new_rows_beside_old_ones_need_proof_of_the_old_kinds_only(old_rows: list[Row], tmp_path: Path) -> None:
    write(tmp_path / "claims.csv", *(again(row) if row["network"] == "WSModel" else row for row in old_rows))
    (simple,) = drawn_rows(row for row in old_rows if row["network"] == "SimpleModel")
    write(tmp_path / "again.csv", again(simple))
    assert len(Saved(PAIR, tmp_path).by_key) == 8


def test_the_code_version_is_the_same_for_all_versions_of_python() -> None:
    """Nothing in it that only some versions have: empty lists, type_params, kind."""
    arguments, body = "args=arguments(args=[arg(arg='x')])", "body=[Return(value=Name(id='x', ctx=Load()))]"
    text = f"Module(body=[FunctionDef(name='f', {arguments}, {body})])"
    assert canonical(ast.parse("def f(x):  # a comment\n    return (x)")) == text


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a file"
    rows.write_atomically(file, "≤\n")
    assert file.read_bytes() == "≤\n".encode()

    def fail(self: Path, *_: object, **__: object) -> int:
        self.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="the disk is full"):
        rows.write_atomically(file, "another text")
    assert file.read_bytes() == "≤\n".encode()


def test_a_line_of_csv() -> None:
    assert rows.csv_line(["a", 'b "c"', "d,e", ""]) == 'a,"b ""c""","d,e",\n'
