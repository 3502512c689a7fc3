"""What it costs: the rows, the main job's speed as benchmark.py measured it, and the processors of the rows."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from common.results import Results
from common.rows import RESULTS, key_of, read_frozen

BENCHMARK = RESULTS / "benchmark.json"


def speed() -> dict[str, str]:
    """Return what README says of the speed of the main job."""
    benchmark = json.loads(BENCHMARK.read_text(encoding="utf-8"))
    seconds = {name: f"{value:.1f}" for name, value in benchmark["seconds"].items()}
    ratio = benchmark["seconds"]["same"] / benchmark["seconds"]["ours"]
    return {"machine": benchmark["machine"], **seconds, "same_ratio": f"{ratio:.1f}"}


def numbers(results: Results) -> dict[str, Any]:
    """Return how many rows there are, the benchmark's speed, and the processors of the rows."""
    again = csv.DictReader(io.StringIO(read_frozen("again.csv")))
    processors = [(results.by_key[key_of(row)]["cpu"], row["cpu"]) for row in again if key_of(row) in results.by_key]
    elsewhere = [(first, again) for first, again in processors if first != again]
    return {
        "rows": f"{len(results.by_key):,}",
        "speed": speed(),
        "equal": {
            "made": texts_of(row["cpu"] for row in results.by_key.values()),
            "first": texts_of(first for first, _ in elsewhere),
            "again": texts_of(again for _, again in elsewhere),
            "rows": str(len(elsewhere)),
        },
    }


def texts_of(names: Iterable[str]) -> str:
    """Return the names, each once."""
    return " and ".join(sorted(set(names)))


def processors_line(numbers: dict[str, Any]) -> str:
    """Return README's item on the processors on which equal digits were seen."""
    text = (
        "- All rows were made on {made}. Of those of {first}, {rows}, one of each kind, were run again on {again}, and "
        "came out equal to the last digit."
    )
    return text.format(**numbers["equal"])


def speed_line(numbers: dict[str, Any]) -> str:
    """Return README's sentence on speed."""
    text = (
        "The whole command takes {ours} s on {machine}. A straightforward version of the published script, which "
        "counts errors after each epoch, takes {same} s with networks of our sizes, {same_ratio} times as long, and "
        "{published} s with those of its own. The limit to AVX2 makes the numbers the same; without it, the command "
        "would take {without_limit} s."
    )
    return text.format(**numbers["speed"])


TABLES = {"speed": speed_line, "processors": processors_line}
