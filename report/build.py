"""Build everything that is read from the saved rows: numbers.json, the figures, README's tables, and report.pdf.

    python report/build.py

Ends with a message, and changes nothing, if a row is missing, there twice, changed, or of other code or settings.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import typst
from common.drawing import save
from common.evidence import markdown_table
from common.rows import REPORT, ROOT, Saved, write_atomically
from experiments.catalogue import BY_NAME, PICTURES, ROOMS, all_jobs, all_numbers, name_of, question_of

from helpers import UserError

README = ROOT / "README.md"
NUMBERS = REPORT / "numbers.json"


def experiments_table(numbers: dict[str, Any]) -> str:
    """Return README's table of the experiments, and of the time that their runs took."""
    lines = [
        [f"`{of['name']}`", question_of(BY_NAME[of["name"]]), of["rounds"], of["runs"], of["minutes"]]
        for of in numbers["cost"]["experiments"]
    ]
    return markdown_table(["experiment", "question", "rounds", "new runs", "minutes of one core"], lines)


def tables(numbers: dict[str, Any]) -> dict[str, str]:
    """Return README's tables by their names."""
    found = {name: make(numbers[name_of(room)]) for room in ROOMS for name, make in getattr(room, "TABLES", {}).items()}
    return {**found, "experiments": experiments_table(numbers)}


def readme(numbers: dict[str, Any], file: Path = README) -> str:
    """Return README with new tables; UserError if it has not one place for each."""
    text = file.read_text(encoding="utf-8")
    for name, table in tables(numbers).items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(pattern, rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise UserError(f"README.md has {count} places for the table {name!r}, it should have one.")
    return text


def main() -> None:
    """Build; nothing is written before every number is there."""
    saved = Saved(all_jobs())
    numbers = all_numbers(saved)
    text = readme(numbers)
    write_atomically(NUMBERS, json.dumps(numbers, indent=1) + "\n")
    (REPORT / "figures").mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        save(draw, saved, REPORT / "figures" / f"{name}.svg")
    partial = REPORT / "report.pdf.partial"
    typst.compile(str(REPORT / "report.typ"), output=str(partial), root=str(ROOT), format="pdf")
    partial.replace(REPORT / "report.pdf")
    write_atomically(README, text)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename} cannot be read or written: {error}.")
