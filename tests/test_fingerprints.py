"""Fingerprints: which edits of the code they see, and what is said of the code, of the file and of the machine."""

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from common import fingerprints
from common.fingerprints import Fingerprints, check, kinds_of, read, record, verify, write
from common.networks import AUX, AUX1, PRIOR, SIMPLE, UNTIED, WS, WS1
from common.provenance import code_version, this_machine
from common.rows import Job
from conftest import ROOT

import helpers
from helpers import UserError

# ---- Edits of the code, each in a copy that is loaded in this process ------------------------------------------------

SKEWED = {"shares": [1.0] * 5 + [0.2] * 5, "prior": [0.19] * 5 + [0.005] * 4 + [0.0001]}
JOBS = {
    "simple": (SIMPLE, {}),
    "weak": (SIMPLE, {"learning_rate": 1e30}),  # it diverges
    "chosen on": (SIMPLE, {"validation": True}),
    "sharing": (WS, {}),
    "softmax": (WS, {"activation": "softmax"}),
    "untied": (UNTIED, {"branch_rate": 2}),
    "aux": (AUX, {}),
    "ws1": (WS1, {}),
    "aux1": (AUX1, {}),
    "prior": (PRIOR, SKEWED),
}
FINISHED = JOBS.keys() - {"weak"}
EXPLORING = {"ws1", "aux1", "prior"}
SCORED = {"sharing", "softmax", "untied", "aux", *EXPLORING}
HELPERS, SHARING, LOSS = "helpers.py", "models/WSharing.py", "models/AuxLoss.py"
COMMON = ("networks", "sampling", "measuring", "rows")
NETWORKS, SAMPLING, MEASURING, ROWS = (f"report/common/{name}.py" for name in COMMON)
EDITS: dict[str, tuple[str, str, str, set[str]]] = {  # file, old, new, and the kinds that give another result
    "rate": (HELPERS, "LEARNING_RATE = 0.1", "LEARNING_RATE = 0.1001", FINISHED),
    "last rate of one cycle": (HELPERS, "learning_rate / 25 / 1e4", "learning_rate / 25 / 1e3", EXPLORING),
    "floor of the prior": (NETWORKS, "clamp_min(1e-3)", "clamp_min(1e-2)", {"prior"}),
    "a count": (MEASURING, "wrong & both_right", "wrong | both_right", SCORED),
    "a column": (MEASURING, '"train_wrong"] = nb_wrong', '"train_wrong"] = 1 + nb_wrong', FINISHED),
    "details": (MEASURING, ".max().item(), 6)", ".max().item(), 3)", SCORED),
    "course": (MEASURING, "[round(losses[-1], 6)", "[round(losses[-1], 3)", FINISHED),
    "images": (HELPERS, "F.avg_pool2d(images", "F.max_pool2d(images", set(JOBS)),
    "validation pairs": (HELPERS, "shuffled[2 * nb_train_pairs :]", "shuffled[nb_train_pairs:]", {"chosen on"}),
    "shares": (SAMPLING, "kept = drawn < ", "kept = drawn > ", {"prior"}),
    "a late pair": (HELPERS, "    return make_r", "    train[1][500:] = 0\n    return make_r", JOBS.keys() - {"prior"}),
    "round of the weights": (HELPERS, '"weights", data.number', '"weights", 0', FINISHED),
    "round of the order": (HELPERS, '"order", data.number', '"order", 0', FINISHED),
    "round of the pairs": (HELPERS, '"train pairs", nb_round', '"train pairs", 0', JOBS.keys() - {"prior"}),
    "loss": (LOSS, "(first_loss + second_loss)", "(first_loss + first_loss)", {"aux", "aux1"}),
    "mode": (HELPERS, "model.eval()\n    scores", "model.train()\n    scores", EXPLORING),
    "last batch": (HELPERS, ".split(mini_batch_size):", ".split(mini_batch_size)[:-1]:", FINISHED),
    "branch rate": (NETWORKS, "branch_rate * gradient", "1.01 * branch_rate * gradient", {"untied"}),
    "settings handed on": (ROWS, "dict(self.network.training)", "{**self.network.training, 'shuffle': 0}", FINISHED),
    "no result: batches of a test": (HELPERS, "EVALUATION_BATCH_SIZE = 1000", "EVALUATION_BATCH_SIZE = 999", set()),
    "no result: a name": (SHARING, "right * 2 / SIDE", "2 * right / SIDE", set()),
}  # fmt: skip


def fingerprints_in(folder: Path, monkeypatch: pytest.MonkeyPatch, names: set[str]) -> dict[str, str]:
    """Return fingerprints by the code of a folder: its modules are loaded in the place of the project's."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("helpers", "models", "common"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.syspath_prepend(folder / "report")
    edited = importlib.import_module("common.fingerprints")
    assert Path(edited.__file__ or "").is_relative_to(folder)
    monkeypatch.setattr(sys.modules["helpers"], "read_mnist", helpers.read_mnist)  # which has unpacked it
    networks, rows = (importlib.import_module(f"common.{name}") for name in ("networks", "rows"))
    by_name = {each.name: each for each in vars(networks).values() if isinstance(each, networks.Network)}
    return {
        name: edited.fingerprint(rows.Job(by_name[network.name], settings, 7))
        for name, (network, settings) in JOBS.items()
        if name in names
    }


def copied(folder: Path) -> Path:
    """Copy the code that fingerprints are taken with, and no data: MNIST is read once for all."""
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "report" / "common", folder / "report" / "common", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / HELPERS, folder)
    return folder


@pytest.fixture(scope="module")
def as_it_is() -> dict[str, str]:
    """The fingerprints by the present code."""
    return {name: fingerprints.fingerprint(Job(network, settings, 3)) for name, (network, settings) in JOBS.items()}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_seen_in_the_kinds_whose_results_it_changes_and_in_no_other(
    edit: str, as_it_is: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that should differ two are looked at, and two of the others."""
    file, old, new, differing = EDITS[edit]
    target = copied(tmp_path) / file
    text = target.read_text(encoding="utf-8")
    assert text.count(old) in (1, 2), text.count(old)
    target.write_text(text.replace(old, new), encoding="utf-8")
    assert code_version.__wrapped__(tmp_path) != code_version()  # so that build.py asks for the proof
    names = {*sorted(differing)[:2], *sorted(JOBS.keys() - differing)[:2]}
    found = fingerprints_in(tmp_path, monkeypatch, names)
    assert {name for name in names if found[name] != as_it_is[name]} == names & differing


def test_a_fingerprint_is_of_the_kind_alone(as_it_is: dict[str, str]) -> None:
    """Not of a round, nor of what a row keeps besides; kinds differ."""
    assert len(set(as_it_is.values())) == len(JOBS)
    job = Job(WS, {}, 205, details="errors")
    assert fingerprints.fingerprint(job) == as_it_is["sharing"]
    assert list(kinds_of([job, Job(WS, {}, 3), Job(WS, {"nb_epochs": 50}, 4)])) == ["WSModel {}"]


# ---- What is said, with fingerprints that cost nothing ---------------------------------------------------------------

KINDS = kinds_of([Job(SIMPLE, {}, 0), Job(WS, {}, 0), Job(WS, {"nb_epochs": 3}, 0)])
FILES = {kind: {"claims.csv"} for kind in KINDS}
NAMES = list(KINDS)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The present code: its version, and what it gives; fingerprints of it are recorded in tmp_path."""
    state: dict[str, Any] = {"version": "0123456789ab", "gives": dict.fromkeys(NAMES, "as it was")}
    monkeypatch.setattr(fingerprints, "code_version", lambda: state["version"])
    monkeypatch.setattr(fingerprints, "fingerprint", lambda job: state["gives"][" ".join(job.key[:2])])
    record(KINDS, {}, tmp_path)
    return state


def refused(function: Any, *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        function(*arguments)
    return str(caught.value)


def test_an_edit_that_changes_results_is_refused_with_the_kinds_and_what_to_do(
    code: dict[str, Any], tmp_path: Path
) -> None:
    code |= {"version": "ba9876543210", "gives": {**code["gives"], NAMES[1]: "another"}}
    before = (tmp_path / fingerprints.NAME).read_bytes()
    said = refused(verify, KINDS, {**FILES, NAMES[1]: {"b.csv", "a.csv"}}, tmp_path)
    assert said.startswith("the code does not give the saved rows of 1 of 3 kinds:\n")
    assert f"\n  {NAMES[1]} (rows in a.csv, b.csv): another result\n" in said
    assert NAMES[0] not in said
    assert "Restore the code. Or, if the new results are meant, take the rows" in said
    assert "Run report/verify.py --every" in refused(check, KINDS, tmp_path)
    assert (tmp_path / fingerprints.NAME).read_bytes() == before


def test_the_file_is_refused_if_it_was_changed_or_damaged(code: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / fingerprints.NAME
    right = file.read_text(encoding="utf-8")
    for text in (right.replace("as it was", "as it is", 1), right.replace("0123456789ab", "ba9876543210")):
        file.write_text(text, encoding="utf-8")
        assert "was changed: its checksum does not fit. Restore it" in refused(check, KINDS, tmp_path)
    for text in ("", right[:-9], "[]", "{}", right.replace('"code"', '"coda"')):
        file.write_text(text, encoding="utf-8")
        assert "cannot be read" in refused(check, KINDS, tmp_path)
    file.unlink()
    assert "cannot be read" in refused(verify, KINDS, FILES, tmp_path)


def test_a_kind_without_a_fingerprint_is_refused(code: dict[str, Any], tmp_path: Path) -> None:
    kinds = {**KINDS, **kinds_of([Job(AUX, {}, 0)])}
    assert "has no fingerprint of AuxModel {}, one of 1 kinds" in refused(check, kinds, tmp_path)
    code["gives"]["AuxModel {}"] = "new"
    said = refused(verify, kinds, {**FILES, "AuxModel {}": {"a.csv"}}, tmp_path)
    assert "  AuxModel {} (rows in a.csv): no fingerprint\n" in said


@pytest.mark.parametrize("field", ["torch", "instructions"])
def test_on_a_machine_that_computes_in_another_way_the_code_is_not_blamed(
    code: dict[str, Any], tmp_path: Path, field: str
) -> None:
    write(read(tmp_path)._replace(**{field: "9.9"}), tmp_path)
    check(KINDS, tmp_path)  # the code is the same
    code |= {"version": "ba9876543210", "gives": dict.fromkeys(NAMES, "another")}
    for said in (refused(check, KINDS, tmp_path), refused(verify, KINDS, FILES, tmp_path)):
        assert said.startswith("the rows and their fingerprints were made with torch ")
        assert f"this machine uses torch {this_machine()[0]}, {this_machine()[1]}" in said
        assert "cannot tell" in said


def test_a_fingerprint_is_recorded_anew_only_where_no_row_is_left(code: dict[str, Any], tmp_path: Path) -> None:
    code["gives"] = dict.fromkeys(NAMES, "new")
    with_rows = {NAMES[0]: KINDS[NAMES[0]]}
    record(KINDS, with_rows, tmp_path)
    assert read(tmp_path).kinds == {NAMES[0]: "as it was", NAMES[1]: "new", NAMES[2]: "new"}
    code["version"] = "ba9876543210"  # not known to give the rows that are there
    assert "Run report/verify.py --every" in refused(record, KINDS, with_rows, tmp_path)
    record(KINDS, {}, tmp_path)
    assert read(tmp_path) == Fingerprints(*this_machine(), ["ba9876543210"], dict.fromkeys(sorted(NAMES), "new"))
    assert json.loads((tmp_path / fingerprints.NAME).read_text())["checksum"] == read(tmp_path).checksum
