"""What the report's scripts write, against answers by hand and against the saved rows."""

import ast
import csv
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import ablation
import benchmark
import build
import evidence
import exploration
import figures
import numpy as np
import pypdf
import pytest
import report_numbers
import rows
import torch
import tuning
from conftest import ROOT
from evidence import claims_of, rows_of
from matplotlib.collections import PathCollection

from helpers import UserError, nb_parameters, train
from models.AuxLoss import AuxModel1
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel, WSModel1


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


@pytest.mark.parametrize("name", ["tuning", "ablation", "exploration", "epochs"])
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


def test_the_default_run_is_round_0_of_the_study() -> None:
    documented = ast.get_docstring(ast.parse((ROOT / "test.py").read_text()))
    assert documented is not None
    for network in ("SimpleModel", "WSModel", "AuxModel"):
        (row,) = rows_of(claims_of(network, 1))
        line = next(line for line in documented.splitlines() if line.split()[:1] == [network])
        first, last = (f"{float(row[name]):.4f}" for name in ("first_loss", "last_loss"))
        parameters = f"{int(row['parameters']):,}"
        accuracy = f"{100 - int(row['wrong']) / 10:.1f}"
        assert line.split()[:7] == [network, parameters, first, last, accuracy, "%", row["wrong"]]


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
    assert figures.best_order(table) == order


def test_the_counts_of_digits_and_pairs_are_whole() -> None:
    with (rows.RESULTS / "digits.csv").open(newline="") as file:
        digits = list(csv.DictReader(file))
    with (rows.RESULTS / "pairs.csv").open(newline="") as file:
        pairs = list(csv.DictReader(file))
    for network in ("WSModel1", "AuxModel1"):
        assert sum(int(row["images"]) for row in digits if row["network"] == network) == 10 * 2000
        assert sum(int(row["pairs"]) for row in pairs if row["network"] == network) == 10 * 1000
        wrong = sum(int(row["wrong"]) for row in pairs if row["network"] == network)
        assert wrong == sum(int(row["wrong"]) for row in rows_of(claims_of(network, 10)))


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


def test_the_report_and_readme_are_those_of_the_saved_rows(tmp_path: Path) -> None:
    """The command in a copy: its README and the words of its report are the committed ones, on 4 to 6 pages."""
    for name in ("models", "report", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*-ubyte", "*.pdf"))
    for name in ("helpers.py", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    readme, committed = tmp_path / "README.md", (ROOT / "README.md").read_text()
    emptied, count = re.subn(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", r"\1\3", committed, flags=re.DOTALL)
    assert count == 5
    readme.write_text(emptied)
    command = [sys.executable, str(tmp_path / "report" / "build.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert readme.read_text() == committed
    ours, theirs = (pypdf.PdfReader(folder / "report" / "report.pdf") for folder in (tmp_path, ROOT))
    assert [page.extract_text() for page in ours.pages] == [page.extract_text() for page in theirs.pages]
    assert 4 <= len(ours.pages) <= 6
    for name in figures.FIGURES_BY_NAME:
        assert (tmp_path / "report" / "figures" / f"{name}.svg").stat().st_size > 10_000
    assert list(tmp_path.rglob("*.partial*")) == []


def test_a_readme_without_a_place_for_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text().replace("<!-- claims -->", ""))
    monkeypatch.setattr(build, "README", readme)
    with pytest.raises(UserError, match="0 places for the table 'claims', it should have one"):
        build.readme()


def test_counts_of_other_runs_are_not_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = evidence.read_table("pairs")
    counts[0]["wrong"] = str(int(counts[0]["wrong"]) + 1)
    monkeypatch.setattr(report_numbers, "read_table", lambda _: counts)
    with pytest.raises(UserError, match="has other errors of WSModel1 than claims.csv"):
        report_numbers.of_exploration()


def test_a_report_without_a_row_is_not_built(tmp_path: Path) -> None:
    for name in ("models", "report"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("helpers.py", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    before = {file: file.read_bytes() for file in (tmp_path / "README.md", tmp_path / "report" / "report.pdf")}
    file = tmp_path / "report" / "results" / "sharing.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    command = [sys.executable, str(tmp_path / "report" / "build.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*sharing.csv lacks 1 rows, the first of Untied.* Run report/study.py.\n", done.stderr)
    assert before == {file: file.read_bytes() for file in before}


def percent_of_claims() -> dict[str, list[float]]:
    """Return the accuracies of the base networks, a round each, without the project's own reading and checks."""
    percent = {name: [0.0] * 30 for name in ("SimpleModel", "WSModel", "AuxModel")}
    with (rows.RESULTS / "claims.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["network"] in percent:
                percent[row["network"]][int(row["round"])] = 100 - int(row["wrong"]) / 10
    return percent


def test_readme_has_the_means_and_intervals_of_the_claims() -> None:
    """Without the project's own statistics."""
    percent = percent_of_claims()
    text = (ROOT / "README.md").read_text()
    for better, worse in (("WSModel", "SimpleModel"), ("AuxModel", "WSModel")):
        differences = [a - b for a, b in zip(percent[better], percent[worse], strict=True)]
        half = 2.045230 * stdev(differences) / 30**0.5  # Student's t for 29 degrees of freedom, from tables
        line = next(line for line in text.splitlines() if f"| {better} - {worse} |" in line)
        assert f"| **{mean(differences):+.2f} points** |" in line
        assert f"| {mean(differences) - half:+.2f} to {mean(differences) + half:+.2f} |" in line
    for name, values in percent.items():
        assert f"**{mean(values):.2f} %**" in next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_every_round_is_in_the_figure_of_the_claims() -> None:
    percent = list(percent_of_claims().values())
    drawn = [
        [sorted(dots.get_offsets()[:, 1]) for dots in axes.collections if isinstance(dots, PathCollection)]
        for axes in figures.claims_figure().axes
    ]
    assert drawn[0] == [pytest.approx(sorted(values)) for values in percent]
    differences = [[a - b for a, b in zip(*pair, strict=True)] for pair in ((percent[1], percent[0]), percent[:0:-1])]
    assert drawn[1] == [pytest.approx(sorted(values)) for values in differences]


def test_the_networks_in_the_figure_have_their_sizes() -> None:
    """Against a calculation by hand."""
    first, second, hidden, last = figures.blocks(WSModel().branch, 1)
    assert first.splitlines() == ["conv 3×3", "max-pool 2×2", "ReLU", "32×6×6", f"({32 * 9 + 32})"]
    assert second.splitlines()[-2:] == ["64×2×2", f"({64 * 32 * 9 + 64:,})"]
    assert hidden.splitlines() == ["linear", "ReLU", "150", f"({256 * 150 + 150:,})"]
    assert last.splitlines() == ["linear", "10", f"({150 * 10 + 10:,})"]


def test_how_numbers_are_written() -> None:
    assert report_numbers.minus("-1.20 [-0.03, +0.00]") == "−1.20 [−0.03, +0.00]"
    assert report_numbers.minus("-0.00 -0.0") == "+0.00 +0.0"
    assert report_numbers.p_text(0.0123) == "0.0123"
    assert report_numbers.p_text(0.00004) == "below 0.0001"
    assert report_numbers.with_half([1, 2, 3]) == "2.00 ± 2.48"  # 4.302653 / sqrt(3)
    row = {"train_wrong": "5", "train_total": "200", "digits_wrong": "30", "total": "500"}
    assert report_numbers.train_accuracy(row) == 97.5
    assert report_numbers.digits_right([row]) == 97


def test_no_result_is_typed_in_the_report() -> None:
    """Its text has no decimal number: they all come from the saved rows."""
    text = (ROOT / "report" / "report.typ").read_text()
    prose = text[text.index("#align(center)") :]
    prose = re.sub(r"\d+(\.\d+)?(pt|cm|fr|em|%)", "", prose)  # sizes on the page
    assert re.findall(r"\d+\.\d+", prose) == []
