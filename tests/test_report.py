"""The scripts of the report: rows, choices and tables, against answers by hand and against the saved rows."""

import ast
import csv
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT

sys.path.insert(0, str(ROOT / "report"))

import ablation
import benchmark
import build
import explain
import exploration
import inference
import rows
import tuning
from rows import Job, complete, read

from helpers import UserError, nb_parameters, train
from models.AuxLoss import AuxModel1
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel, WSModel1


def quick(network: str, nb_round: int, **training: float) -> Job:
    """A job of one second."""
    return Job("test", network, nb_round, {}, {"nb_epochs": 1, **training}, {"nb_train_pairs": 20, "nb_test_pairs": 20})


def told_apart(found: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows without seconds, by network and round."""
    return {
        (row["network"], row["round"]): {key: value for key, value in row.items() if key != "seconds"} for row in found
    }


def test_rows_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    jobs = [quick(network, r) for r in (0, 1) for network in rows.NETWORKS]
    for workers in (1, 2):
        complete(tmp_path / f"{workers}.csv", jobs, workers=workers)
    one, two = (read(tmp_path / f"{workers}.csv") for workers in (1, 2))
    assert len(one) == len(jobs) == 10
    assert told_apart(one) == told_apart(two)


def test_only_what_is_missing_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0), quick("SimpleModel", 0)], workers=1)
    assert len(read(file)) == 1  # the same job once
    file.write_text(file.read_text()[:-20])  # cut short, as by a crash
    assert read(file) == []
    complete(file, [quick("SimpleModel", 0)], workers=1)
    before = file.read_text()
    complete(file, [quick("SimpleModel", r) for r in (0, 1)], workers=1)
    assert file.read_text().startswith(before)
    assert [row["round"] for row in read(file)] == ["0", "1"]


def test_rows_of_other_code_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0)], workers=1)
    text = file.read_text().replace(rows.code_version(), "0123456789ab")
    file.write_text(text)
    complete(file, [quick("SimpleModel", 0)], workers=1)  # nothing is missing
    with pytest.raises(SystemExit, match="rows of other versions of the code"):
        complete(file, [quick("SimpleModel", 1)], workers=1)
    assert file.read_text() == text


def test_a_run_that_diverges_is_a_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0, learning_rate=1e30, mini_batch_size=5)], workers=1)
    (row,) = read(file)
    assert row["error"].startswith("SimpleModel: the loss is ")
    assert row["wrong"] == row["last_loss"] == ""


def test_code_version_is_that_of_the_code_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "helpers.py", tmp_path)
    shutil.copytree(ROOT / "models", tmp_path / "models")
    before = rows.code_version(tmp_path)
    assert before == rows.code_version()
    file = tmp_path / "models" / "SimpleCNN.py"
    text = file.read_text()
    file.write_text(text.replace('"""', '"""Other words. ', 1) + "\n# a comment\n")
    assert rows.code_version(tmp_path) == before
    file.write_text(text.replace("nn.Flatten()", "nn.Flatten(1)"))
    assert rows.code_version(tmp_path) != before


def test_interval_by_hand() -> None:
    # mean 2, deviation 1, t = 4.302653 for 2 degrees of freedom (tables of Student's t)
    mean, half = inference.mean_and_interval([1, 2, 3])
    assert mean == 2
    assert half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def test_sign_flips_by_hand() -> None:
    # of 8 ways to sign 1, 2, 3 two have a mean as far from 0; of 2^10 to sign ten ones, two
    assert inference.sign_flip_p([1, 2, 3]) == pytest.approx(2 / 8)
    assert inference.sign_flip_p([1.0] * 10) == pytest.approx(2 / 1024)
    # 1, 2, -3: the mean is 0, and every way is as far
    assert inference.sign_flip_p([1, 2, -3]) == pytest.approx(1)
    # 30 rounds, at random: as often negative as positive
    assert inference.sign_flip_p([1, -1] * 15) > 0.9
    assert inference.sign_flip_p([1.0] * 30) < 0.0001


def test_holm_by_hand() -> None:
    assert inference.holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert inference.holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert inference.holm([0.9, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])


def test_bootstrap_agrees_with_student_on_normal_differences() -> None:
    values = np.random.default_rng(1).normal(2, 1, 200)
    mean, half = inference.mean_and_interval(values)
    low, high = inference.bootstrap_interval(values)
    assert low == pytest.approx(mean - half, abs=0.02)
    assert high == pytest.approx(mean + half, abs=0.02)


def test_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    wobble = [0.5, -0.5] * 15
    values = {"SimpleModel": [80.0] * 30, "WSModel": [83 + w for w in wobble], "AuxModel": [83.1 - w for w in wobble]}
    monkeypatch.setattr(build, "accuracies", lambda network: values[network])
    first, second = build.claims().splitlines()[2:]
    assert first.endswith("| holds |")
    assert "| **+3.00 points** |" in first
    assert "| 30 / 0 / 0 |" in first
    assert second.endswith("| not shown |")
    values["WSModel"] = [70 + w for w in wobble]
    assert build.claims().splitlines()[2].endswith("| refuted |")


def test_the_base_networks_have_the_settings_that_were_chosen() -> None:
    merge = tuning.chosen(tuning.MERGE_SETTINGS)
    size = tuning.chosen(tuning.size_settings(merge["merge"], merge["shuffle"]))
    assert isinstance(WSModel().merge, type(rows.MERGES[size["merge"]]))
    assert inspect.signature(train).parameters["shuffle"].default == size["shuffle"]
    for model in (SimpleModel, WSModel):
        defaults = inspect.signature(model).parameters
        assert list(defaults["maps"].default) == size["maps"]
        assert defaults["hidden"].default == size["hidden"]


def test_the_choice_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewest parameters within one standard error of the best, and of those the best."""
    settings = [{"maps": [32, 64], "hidden": hidden} for hidden in (150, 100, 100, 50)]
    # means 90, 89.7, 89.9, 89; the best one's standard error is 1 / sqrt(4) * sd = 0.408
    means = [[89.5, 90.5, 89, 91], [89.7] * 4, [89.9] * 4, [89] * 4]
    monkeypatch.setattr(tuning, "accuracies", lambda _: [{"mean": each} for each in means])
    assert tuning.chosen(settings) is settings[2]


@pytest.mark.parametrize("name", ["tuning", "ablation", "exploration"])
def test_no_tuning_in_the_rounds_of_the_study(name: str) -> None:
    with (rows.RESULTS / f"{name}.csv").open(newline="") as file:
        assert min(int(row["round"]) for row in csv.DictReader(file)) >= 1000


@pytest.mark.parametrize("script", [ablation, exploration, tuning])
def test_tables_are_those_of_the_saved_rows(script: object, monkeypatch: pytest.MonkeyPatch) -> None:
    written = {}
    monkeypatch.setattr(sys, "argv", ["script"])
    monkeypatch.setattr(script, "write_whole", lambda file, text: written.update({file: text}))
    monkeypatch.setattr(script, "complete", lambda *_: None, raising=False)
    script.main()
    ((file, text),) = written.items()
    assert file.read_text() == text


@pytest.mark.parametrize("model_class", [WSModel1, AuxModel1])
def test_docstrings_have_the_numbers_of_the_ablation(model_class: type[WSModel1]) -> None:
    said = " ".join(str(model_class.__doc__).split())
    text = (rows.RESULTS / "ablation.md").read_text()
    section = text[text.index(f"## {model_class.__name__}") :].split("\n## ")[0]
    lines = [line.split(" | ") for line in section.splitlines() if "±" in line and line.startswith("| ")]
    assert len(lines) == len(ablation.differences(model_class.__name__))
    for cells in lines:
        name = cells[0].removeprefix("| ").split(" (with ")[0]
        assert f"{name} {float(cells[2].split()[0]):.2f}" in said


def test_readme_has_the_numbers_of_the_saved_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {}
    monkeypatch.setattr(build, "write_whole", lambda file, text: written.update({file: text}))
    build.main()
    assert written == {ROOT / "README.md": (ROOT / "README.md").read_text()}


def test_a_missing_or_diverged_round_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = read(build.ROWS)
    monkeypatch.setattr(build, "read", lambda _: [row for row in saved if row["round"] != "7"])
    with pytest.raises(UserError, match=r"lacks rounds of WSModel.*\[7\]"):
        build.claims()
    monkeypatch.setattr(build, "read", lambda _: [{**row, "error": "x" * (row["round"] == "3")} for row in saved])
    with pytest.raises(UserError, match=r"\[3\]"):
        build.results()


def test_the_default_run_is_round_0_of_the_study() -> None:
    documented = ast.get_docstring(ast.parse((ROOT / "test.py").read_text()))
    assert documented is not None
    for network in ("SimpleModel", "WSModel", "AuxModel"):
        row = build.rounds_of(network, 1)[0]
        line = next(line for line in documented.splitlines() if line.split()[:1] == [network])
        first, last = (f"{float(row[name]):.4f}" for name in ("first_loss", "last_loss"))
        parameters = f"{int(row['parameters']):,}"
        accuracy = f"{100 - int(row['wrong']) / 10:.1f}"
        assert line.split()[:7] == [network, parameters, first, last, accuracy, "%", row["wrong"]]


@pytest.mark.parametrize("network", rows.NETWORKS)
def test_a_saved_round_comes_out_again(network: str) -> None:
    saved = build.rounds_of(network, 2)[1]
    again = rows.run_job(Job("rounds", network, 1))
    assert again["parameters"] == int(saved["parameters"])
    assert again["first_loss"] == pytest.approx(float(saved["first_loss"]), abs=0.01)
    # another processor rounds otherwise: 30 of 1000 for a base network, 8 for one that is nearly always right
    assert again["wrong"] == pytest.approx(int(saved["wrong"]), abs=8 if network.endswith("1") else 30)


def test_all_rounds_are_of_the_protocol() -> None:
    saved = read(build.ROWS)
    assert {row["total"] for row in saved} == {"1000"}
    assert {row["error"] for row in saved} == {""}
    assert len({row["code"] for row in saved}) == 1
    assert len({(row["network"], row["round"]) for row in saved}) == len(saved) == 490
    assert max(int(row["parameters"]) for row in saved) <= 70_000


def test_the_full_ablation_is_the_exploration_class_and_the_empty_one_its_base() -> None:
    variants = ablation.variants("WSModel1")
    torch.manual_seed(0)
    full = ablation.build(WSModel1, **ablation.job("WSModel1", variants["all"], 0).model)
    torch.manual_seed(0)
    genuine = WSModel1()
    pairs = torch.randn(4, 2, 14, 14)
    assert torch.equal(full(pairs), genuine(pairs))
    assert ablation.job("WSModel1", variants["all"], 0).training == WSModel1.training
    none = ablation.job("WSModel1", variants["none"], 0)
    assert none.training == {}
    base = ablation.build(WSModel1, **none.model)
    assert [type(layer) for layer in base.branch] == [type(layer) for layer in WSModel().branch]
    assert nb_parameters(base) == nb_parameters(WSModel())


def test_best_order_finds_a_permutation() -> None:
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    table = np.ones((10, 10), dtype=int)
    for digit, score in enumerate(order):
        table[digit, score] = 50
    assert explain.best_order(table) == order


def test_the_counts_of_digits_and_pairs_are_whole() -> None:
    with (rows.RESULTS / "digits.csv").open(newline="") as file:
        digits = list(csv.DictReader(file))
    with (rows.RESULTS / "pairs.csv").open(newline="") as file:
        pairs = list(csv.DictReader(file))
    for network in explain.NAMES:
        assert sum(int(row["images"]) for row in digits if row["network"] == network) == 10 * 2000
        assert sum(int(row["pairs"]) for row in pairs if row["network"] == network) == 10 * 1000
        wrong = sum(int(row["wrong"]) for row in pairs if row["network"] == network)
        assert wrong == sum(int(row["wrong"]) for row in build.rounds_of(network, 10))


def test_the_yardstick_has_the_published_sizes() -> None:
    sizes = [nb_parameters(model()) for model in (benchmark.ObviousSimple, benchmark.ObviousWS, benchmark.ObviousAux)]
    assert sizes == [140_994, 178_028, 130_288]


def test_operations_by_hand() -> None:
    convolutions = 2 * 144 * 32 * 18 + 2 * 16 * 64 * 288
    assert benchmark.operations(SimpleModel().layers, 2) == convolutions + 2 * (256 * 150 + 150 * 2)


def test_unknown_settings_of_the_exploration_are_refused() -> None:
    command = [sys.executable, str(ROOT / "report" / "exploration.py"), '{"colour": 1}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown settings ['colour']")
