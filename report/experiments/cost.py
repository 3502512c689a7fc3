"""What it costs: the rows, the main job's speed as benchmark.py measured it, and the processors of the rows."""

import csv
import io
import json
from typing import Any

from common.results import Results
from common.rows import RESULTS, key_of, read_frozen

BENCHMARK = RESULTS / "benchmark.json"


def numbers(results: Results) -> dict[str, Any]:
    """Return how many rows there are and what they cost, the benchmark's speed, and the processors of the rows."""
    again = csv.DictReader(io.StringIO(read_frozen("again.csv")))
    processors = [(results.by_key[key_of(row)]["cpu"], row["cpu"]) for row in again if key_of(row) in results.by_key]
    elsewhere = [(first, again) for first, again in processors if first != again]
    rows = results.by_key.values()
    benchmark = json.loads(BENCHMARK.read_text(encoding="utf-8"))
    seconds = benchmark["seconds"]
    return {
        "rows": len(rows),
        "frozen": sum(len(read_frozen(name).splitlines()) - 1 for name in ("exploration.csv", "tuning_first.csv")),
        "hours": sum(float(row["seconds"] or 0) for row in rows) / 3600,
        "torch": sorted({row["torch"].split("+")[0] for row in rows}),
        "speed": {"machine": benchmark["machine"], "ratio": seconds["published"] / seconds["ours"]},
        "processors": {
            "made": sorted({row["cpu"] for row in rows}),
            "first": sorted({first for first, _ in elsewhere}),
            "again": sorted({again for _, again in elsewhere}),
            "rows": len(elsewhere),
        },
    }


def processors_line(numbers: dict[str, Any]) -> str:
    """Return README's item on the processors on which equal digits were seen."""
    found = numbers["processors"]
    made, first, again = (" and ".join(found[name]) for name in ("made", "first", "again"))
    if not found["rows"]:
        return f"- All rows were made on {made}. None was run again on another processor."
    return (
        f"- All rows were made on {made}. Of those of {first}, {found['rows']} were run again on "
        f"{again}, and came out equal to the last digit."
    )


def speed_line(numbers: dict[str, Any]) -> str:
    """Return README's sentence on speed: a ratio, since the seconds depend on the day."""
    return (
        "A plain version of the same job, with the authors' larger layers and their count of errors after each epoch, "
        "takes {ratio:.1f} times as long by the clock, on {machine}.".format(**numbers["speed"])
    )


TABLES = {"speed": speed_line, "processors": processors_line}
