"""What it costs: the rows, the main job's speed as benchmark.py measured it, and the processors of the rows."""

from collections.abc import Iterable
from typing import Any

from common.rows import RESULTS, key_of, read_json
from common.saved import Saved

BENCHMARK = RESULTS / "benchmark.json"


def speed(benchmark: dict[str, Any]) -> dict[str, str]:
    """Return what README says of the speed of the main job."""
    whole = benchmark["whole job"]
    return {
        "machine": benchmark["machine"],
        **{name: f"{whole[name]:.1f}" for name in ("ours", "published", "same", "same_ratio")},
        "without_limit": f"{benchmark['without the limit']['ours']:.1f}",
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return how many rows there are, the benchmark's speed, and the processors of the rows."""
    both = [(saved.by_key[key_of(row)]["cpu"], row["cpu"]) for row in saved.again]
    elsewhere = [(first, again) for first, again in both if first != again]
    return {
        "rows": f"{len(saved.by_key):,}",
        "speed": speed(read_json(BENCHMARK)),
        "equal": {
            "made": texts_of(row["cpu"] for row in saved.by_key.values()),
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
        "counts errors after each epoch, takes {same} s at these sizes, {same_ratio} times as long, and {published} s "
        "at its own. Without the limit to AVX2, which makes the numbers the same, it would take {without_limit} s."
    )
    return text.format(**numbers["speed"])


TABLES = {"speed": speed_line, "processors": processors_line}
