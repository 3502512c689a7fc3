"""What build.py writes, in a copy of the checkout, and that it is what is committed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build
import pypdf
import pytest
import typst
from common.results import Results
from common.rows import FROZEN, RESULTS
from conftest import LIMIT, ROOT
from experiments.catalogue import pictures
from test_rows import read, write

from helpers import UserError

REPORT = ROOT / "report"
README, STUDY = ROOT / "README.md", REPORT / "README.md"
PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)
MADE = ["README.md", "report/README.md", "report/numbers.json", "report/report.pdf"]
MADE += [f"report/figures/{name}.svg" for name in pictures()]


def build_in(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run build.py in a copy to its end."""
    variables = {**os.environ, **environment}
    for name in {"LC_ALL", "PYTHONUTF8", "PYTHONIOENCODING"} - environment.keys():
        variables.pop(name, None)
    command = [sys.executable, str(folder / "report" / "build.py")]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=variables, cwd=folder.parent, timeout=LIMIT
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A copy without anything that is made, built where Python takes texts for ASCII."""
    folder = tmp_path_factory.mktemp("built") / "a checkout"
    for name in ("models", "report", "data"):
        left_out = shutil.ignore_patterns("__pycache__", "figures", "numbers.json", "*.pdf", "*.lock")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    shutil.copy(ROOT / "helpers.py", folder)
    for file in (README, STUDY):
        emptied = PLACE.sub(r"\1an old table\n\3", file.read_text(encoding="utf-8"))
        (folder / file.relative_to(ROOT)).write_text(emptied, encoding="utf-8")
    return folder, build_in(folder, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")


def test_all_is_made_from_the_saved_rows_as_it_is_committed(
    built: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = built
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in MADE:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes(), name
    assert 6 <= len(pypdf.PdfReader(REPORT / "report.pdf").pages) <= 8
    assert list(folder.rglob("*.partial*")) == []


@pytest.mark.parametrize(
    ("count", "old", "new"), [(0, "<!-- results -->", ""), (2, "", "<!-- results -->\n<!-- end of results -->\n")]
)
def test_a_readme_without_one_place_for_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, old: str, new: str
) -> None:
    files = tmp_path / "README.md", tmp_path / "STUDY.md"
    files[0].write_text(README.read_text(encoding="utf-8").replace(old, ""), encoding="utf-8")
    files[1].write_text(STUDY.read_text(encoding="utf-8") + new, encoding="utf-8")
    monkeypatch.setattr(build, "READMES", files)
    message = f"the READMEs have {count} places for the table 'results', they should have one"
    with pytest.raises(UserError, match=message):
        build.readmes(json.loads((REPORT / "numbers.json").read_text(encoding="utf-8")))


def test_a_missing_or_changed_row_ends_the_build_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First, the frozen records are read."""
    frozen: list[str] = []
    monkeypatch.setattr(build, "read_frozen", frozen.append)
    monkeypatch.setattr(build, "NUMBERS", tmp_path / "numbers.json")
    for file in RESULTS.glob("*.csv"):
        shutil.copy(file, tmp_path)
    missing, *rows = read(tmp_path / "sharing.csv")
    write(tmp_path / "sharing.csv", *rows)
    monkeypatch.setattr(build, "Results", lambda jobs: Results(jobs, tmp_path))
    job = f"{missing['network']} in round {missing['round']} with the settings {missing['settings']}"
    with pytest.raises(UserError, match=re.escape(f"{tmp_path} lacks 1 rows, the first {job}. Run report/study.py.")):
        build.main()
    assert frozen == list(FROZEN)
    write(tmp_path / "sharing.csv", {**missing, "wrong": "5"}, *rows)
    with pytest.raises(UserError, match=r"sharing\.csv, line 2 was changed"):
        build.main()
    assert not (tmp_path / "numbers.json").exists()


def without_proofs(text: str) -> str:
    """Return the text of the report without what stands in #shown(...), whose limits are no results."""
    first, *parts = text.split("#shown(")
    for part in parts:
        depth = 1
        for index, character in enumerate(part):
            depth += (character in "([{") - (character in ")]}")
            if depth == 0:
                first += part[index + 1 :]
                break
    return first


def test_no_result_is_typed_in_the_report() -> None:
    """Its text has no decimal number but learning rates and weights: the rest is read."""
    text = (REPORT / "report.typ").read_text(encoding="utf-8")
    prose = without_proofs(text[text.index("#align(center)") :])
    prose = re.sub(r"(?m)^#let .*$", "", prose)
    prose = re.sub(r"\d+(\.\d+)?(pt|cm|in|fr|em|%)", "", prose)  # sizes on the page
    prose = re.sub(r"(\b[Aa]t |for the second, and |weight\()0\.\d+", "", prose)
    assert re.findall(r"\d+\.\d+", prose) == []
    assert text.count("#shown(") >= 60


def test_how_the_report_writes_numbers(tmp_path: Path) -> None:
    """Against Python's own rounding."""
    head = (REPORT / "report.typ").read_text(encoding="utf-8").partition("#set document")[0]
    (tmp_path / "numbers.json").write_text('{"claims": {"protocol": {}}, "confirmation": {"networks": {}}}')
    values = [1.234, -1.236, 0.0, -0.001, 0.005001, 12.0, -7.5, 99.995001, 3.1]
    code = "; ".join(f'text(signed({value}) + " " + fixed({value}, 1) + "|")' for value in values)
    code += '; text(range((low: -0.004, high: 1.5)) + "|" + thousands(1234567) + "|" + thousands(999) + "|")'
    code += '; text(p-value(0.01234) + "|" + p-value(0.00001) + "|" + percent(79.6))'
    (tmp_path / "a.typ").write_text(f"{head}\n#{{ {code} }}\n", encoding="utf-8")
    typst.compile(str(tmp_path / "a.typ"), output=str(tmp_path / "a.pdf"), root=str(tmp_path), format="pdf")
    *found, limits, many, few, p, low_p, share = " ".join(
        pypdf.PdfReader(tmp_path / "a.pdf").pages[0].extract_text().replace("−", "-").split()
    ).split("|")
    wanted = [f"{value:+.2f} {0.0 if value == -0.001 else value:.1f}" for value in values]
    assert [text.strip() for text in found] == wanted
    assert [limits, many, few, p, low_p, share] == [
        "[-0.00, +1.50]",
        "1,234,567",
        "999",
        "0.0123",
        "below 0.0001",
        "80 %",
    ]
