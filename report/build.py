"""Build everything that is read from the saved rows: numbers.json, the figures, the READMEs' tables, and report.pdf.

    python report/build.py

Ends with a message, and changes nothing, if a row is missing, there twice, changed, or of other code or settings.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import typst
from common.evidence import markdown_table
from common.plotting import save
from common.results import Results
from common.rows import FROZEN, REPORT, ROOT, read_frozen, write_atomically
from experiments.catalogue import SECTIONS, all_jobs, all_numbers, pictures

from helpers import UserError

READMES = (ROOT / "README.md", REPORT / "README.md")
NUMBERS = REPORT / "numbers.json"


def experiments_table(numbers: dict[str, Any]) -> str:
    """Return the table of the experiments, and of the time that their rows took."""
    lines = [
        [f"`{each['name']}`", each["question"], each["rounds"], str(each["rows"]), f"{each['minutes']:.0f}"]
        for each in numbers["experiments"]
    ]
    return markdown_table(["experiment", "question", "rounds", "new rows", "minutes of one core"], lines)


def tables(numbers: dict[str, Any]) -> dict[str, str]:
    """Return all tables by their names."""
    texts = {"experiments": experiments_table(numbers)}
    for name, part in SECTIONS.items():
        texts |= {table: make(numbers[name]) for table, make in getattr(part, "TABLES", {}).items()}
    return texts


def readmes(numbers: dict[str, Any]) -> dict[Path, str]:
    """Return the READMEs with new tables; UserError unless each table has one place in them."""
    texts = {file: file.read_text(encoding="utf-8") for file in READMES}
    for name, table in tables(numbers).items():
        places = 0
        for file, text in texts.items():
            pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
            texts[file], count = re.subn(pattern, rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
            places += count
        if places != 1:
            raise UserError(f"the READMEs have {places} places for the table {name!r}, they should have one.")
    return texts


def main() -> None:
    """Build; no file is half-written, and report.pdf changes only if the rows show its sentences."""
    for name in FROZEN:
        read_frozen(name)
    results = Results(all_jobs())
    numbers = all_numbers(results)
    texts = readmes(numbers)
    write_atomically(NUMBERS, json.dumps(numbers, indent=1) + "\n")
    (REPORT / "figures").mkdir(exist_ok=True)
    for name, draw in pictures().items():
        save(draw, results, REPORT / "figures" / f"{name}.svg")
    compile_report()
    for file, text in texts.items():
        write_atomically(file, text)


def compile_report() -> None:
    """Make report.pdf; UserError, with the line of report.typ, for a sentence that the rows do not show."""
    partial = REPORT / "report.pdf.partial"
    try:
        typst.compile(str(REPORT / "report.typ"), output=str(partial), root=str(ROOT), format="pdf")
    except typst.TypstError as error:
        raise UserError(f"report.pdf was not made:\n{error.diagnostic}") from error
    partial.replace(REPORT / "report.pdf")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename} cannot be read or written: {error}.")
