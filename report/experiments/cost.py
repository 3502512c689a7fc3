"""What it costs: seconds of the jobs, their growth with pairs and epochs, and what benchmark.py measured.

Jobs are compared that were made beside each other, in the same rounds of one experiment. What needs a machine that does
nothing else is from the benchmark.
"""

from collections.abc import Iterable
from statistics import median
from typing import Any

from common.networks import BASE, EXPLORATION
from common.rows import RESULTS, Variant, read_json
from common.saved import Saved

from experiments import epochs, train_pairs
from helpers import NB_EPOCHS, NB_TRAIN_PAIRS

BENCHMARK = RESULTS / "benchmark.json"
MOST, FEWER = train_pairs.NUMBERS[-1], 2 * NB_TRAIN_PAIRS
LONGEST = epochs.EPOCHS[-1]


def speed(benchmark: dict[str, Any]) -> dict[str, str]:
    """Return what README says of the speed of the main job."""
    whole = benchmark["whole job"]
    return {
        "machine": benchmark["machine"],
        **{name: f"{whole[name]:.1f}" for name in ("ours", "published", "ratio", "same", "same_ratio")},
        "without_limit": f"{benchmark['without the limit']['ours']:.1f}",
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return seconds, their growth, the benchmark, and the processors of the rows."""

    def seconds(variant: Variant) -> float:
        return median(float(row["seconds"]) for row in saved.rows(variant))

    by_pairs = {net.name: [seconds(train_pairs.VARIANTS[net.name, n]) for n in (MOST, FEWER)] for net in BASE}
    by_epochs = {net.name: [seconds(epochs.VARIANTS[net.name, n]) for n in (LONGEST, NB_EPOCHS)] for net in BASE}
    total = sum(float(row["seconds"] or 0) for row in saved.by_key.values())
    benchmark = read_json(BENCHMARK)
    return {
        "seconds": {name: f"{usual:.1f}" for name, (_, usual) in by_epochs.items()},
        "alone": {net.name: f"{benchmark['a run on one core'][net.name]:.1f}" for net in EXPLORATION},
        "pairs": {name: f"{more / less:.1f}" for name, (more, less) in by_pairs.items()},
        "epochs": {name: f"{more / less:.1f}" for name, (more, less) in by_epochs.items()},
        "most": f"{MOST:,}",
        "fewer": f"{FEWER:,}",
        "times_pairs": f"{MOST / FEWER:g}",
        "times_epochs": f"{LONGEST / NB_EPOCHS:g}",
        "rows": f"{len(saved.by_key):,}",
        "hours": f"{total / 3600:.1f}",
        "benchmark": benchmark,
        "speed": speed(benchmark),
        "equal": {
            "made": texts_of(row["cpu"] for row in saved.by_key.values()),
            "again": texts_of(row["cpu"] for row in saved.again),
            "rows": str(len(saved.again)),
        },
    }


def texts_of(names: Iterable[str]) -> str:
    """Return the names, each once."""
    return " and ".join(sorted(set(names)))


def processors_line(numbers: dict[str, Any]) -> str:
    """Return README's item on the processors on which equal digits were seen."""
    text = (
        "- All rows were made on {made}. {rows} of them, one of each kind, were run again on {again}, and came out "
        "equal to the last digit."
    )
    return text.format(**numbers["equal"])


def speed_line(numbers: dict[str, Any]) -> str:
    """Return README's sentence on speed."""
    text = (
        "It takes {ours} s on {machine}. A straightforward version of the published script, which counts training "
        "errors after each epoch, takes {published} s at the published sizes, {ratio} times as long, and {same} s at "
        "ours, {same_ratio} times as long. Without the limit to AVX2 that makes the numbers the same it would take "
        "{without_limit} s."
    )
    return text.format(**numbers["speed"])


TABLES = {"speed": speed_line, "processors": processors_line}
