"""Every number of the report, as a text, from the saved rows."""

import json
import re
from collections.abc import Iterable, Sequence
from statistics import mean, median, stdev
from typing import Any

import ablation
import explain
from evidence import (
    CLAIMS,
    LEVEL,
    Comparison,
    accuracies,
    claims_of,
    compare,
    finished,
    in_rounds,
    judged,
    other_processor,
    read_table,
    rows_of,
)
from figures import best_order, digits_table
from inference import NB_RESAMPLES, NB_STUDIES, coverage, mean_and_interval
from rows import NETWORKS, RESULTS, Job, accuracy
from study import (
    AUX_WEIGHTS,
    BASE,
    CLAIMS_ROUNDS,
    COLLAPSE_ROUNDS,
    EPOCHS,
    EXPERIMENTS,
    EXPLORATION,
    LAST_LAYERS,
    PUBLISHED,
    PUBLISHED_EPOCHS,
    ROUNDS,
    TRAIN_PAIRS,
    UNTIED,
    VALIDATION_ROUNDS,
    aux_weight,
    epochs,
    jobs,
    last_layer,
    numbers_of_pairs,
    published,
    sharing,
    train_pairs,
)
from tuning import MAX_PARAMETERS

import helpers
from helpers import UserError

STUCK = 60  # % of test pairs: what is below has learnt next to nothing
UNSETTLED = 5  # % of training pairs: what has more of them wrong ended on the way


def with_half(values: Sequence[float]) -> str:
    """Return mean ± half of the width of its 95 % interval."""
    return "{:.2f} ± {:.2f}".format(*mean_and_interval(values))


def minus(text: str) -> str:
    """Return a text with minus signs for its hyphens, and none for a zero."""
    return re.sub(r"-(?=[0.]*(?![\d.]))", "+", text).replace("-", "−")


def signed(found: Comparison) -> str:
    """Return a mean difference with its 95 % interval."""
    return minus(f"{found.mean:+.2f} [{found.mean - found.half:+.2f}, {found.mean + found.half:+.2f}]")


def p_text(p: float) -> str:
    """Return a p-value."""
    return f"{p:.4f}" if p >= 0.0001 else "below 0.0001"


def train_accuracy(row: dict[str, str]) -> float:
    """Return a row's accuracy on the training pairs, in %."""
    return accuracy(row, "train_")


def digits_right(rows: Iterable[dict[str, str]]) -> float:
    """Return the share, in %, of digits whose own score wins."""
    return mean(100 * (1 - int(row["digits_wrong"]) / (2 * int(row["total"]))) for row in rows)


def all_rounds(network: str) -> list[Job]:
    """Return an exploration class's runs in all rounds."""
    return claims_of(network) + [job for job in jobs("collapse") if job.network == network]


def read_benchmark() -> dict[str, Any]:
    """Return what report/benchmark.py measured, by the instructions of the processor."""
    return json.loads((RESULTS / "benchmark.json").read_text())


def of_networks() -> dict[str, Any]:
    """Return what is said of each network of the claims."""
    found = {}
    for network in NETWORKS:
        rows, values = rows_of(claims_of(network)), accuracies(claims_of(network))
        found[network] = {
            "accuracy": with_half(values),
            "mean": f"{mean(values):.2f}",
            "sd": f"{stdev(values):.2f}",
            "worst": f"{min(values):.1f}",
            "parameters": f"{int(rows[0]['parameters']):,}",
            "train": f"{mean(train_accuracy(row) for row in rows):.2f}",
            "digits": f"{digits_right(rows):.1f}" if rows[0]["digits_wrong"] else "",
        }
    return found


def of_claims() -> list[dict[str, str]]:
    """Return what is said of each claim."""
    return [
        {
            "sentence": claim.sentence,
            "difference": f"{claim.better} − {claim.worse}",
            "found": signed(claim.found),
            "bootstrap": minus("[{:+.2f}, {:+.2f}]".format(*claim.found.bootstrap)),
            "n": str(len(claim.found.differences)),
            "counts": " / ".join(map(str, claim.found.counts)),
            "p": p_text(claim.p),
            "verdict": claim.verdict,
        }
        for claim in judged()
    ]


def of_sharing() -> dict[str, Any]:
    """Return what splitting and sharing are worth, without and with the digits' labels, and which runs went astray."""
    untied, untied_aux = (in_rounds(sharing, name, rounds=CLAIMS_ROUNDS) for name in UNTIED)
    simple, tied, tied_aux = (claims_of(name) for name in BASE)
    splitting, shared = compare(untied, simple), compare(tied, untied)
    unsettled = {
        runs[0].network: str(sum(train_accuracy(row) < 100 - UNSETTLED for row in rows_of(runs)))
        for runs in (untied, untied_aux, tied, tied_aux)
    }
    return {
        "parameters": f"{int(rows_of(untied)[0]['parameters']):,}",
        "splitting": signed(splitting),
        "sharing": signed(shared),
        "median_splitting": minus(f"{median(splitting.differences):+.2f}"),
        "median_sharing": minus(f"{median(shared.differences):+.2f}"),
        "sharing_aux": signed(compare(tied_aux, untied_aux)),
        "aux_untied": signed(compare(untied_aux, untied)),
        "aux_tied": signed(compare(tied_aux, tied)),
        "unsettled": unsettled,
    }


def of_aux_weight() -> list[list[str]]:
    """Return each auxiliary weight's accuracy, its difference from none, the digits told right, and who diverged.

    The accuracy is that of the runs that did not diverge; if one did, there is no paired difference.
    """
    lines = []
    for weight in AUX_WEIGHTS:
        every, without = (in_rounds(aux_weight, w) for w in (weight, AUX_WEIGHTS[0]))
        runs = finished(every)
        difference = signed(compare(runs, without)) if weight and runs == every else "—"
        line = [f"{weight:g}", with_half(accuracies(runs)), difference, f"{digits_right(rows_of(runs)):.1f}"]
        lines.append([*line, str(len(every) - len(runs))])
    return lines


def of_train_pairs() -> list[list[str]]:
    """Return, for each number of training pairs, the accuracies and what each idea is worth."""
    lines = []
    for number in TRAIN_PAIRS:
        runs = {name: in_rounds(train_pairs, name, number) for name in BASE}
        line = [f"{number:,}", *(f"{mean(accuracies(own)):.1f}" for own in runs.values())]
        line += [signed(compare(runs[better], runs[worse])) for _, better, worse in CLAIMS]
        for name in EXPLORATION:
            known = number in numbers_of_pairs(name)
            line.append(f"{mean(accuracies(in_rounds(train_pairs, name, number))):.1f}" if known else "")
        lines.append(line)
    return lines


def of_last_layers() -> list[list[str]]:
    """Return each last layer's accuracy without and with the digits' labels, and the digits told right with them."""
    lines = []
    for layer, (without, labelled, model) in LAST_LAYERS.items():
        both = [in_rounds(last_layer, name, model) for name in (without, labelled)]
        line = [layer, *(with_half(accuracies(runs)) for runs in both)]
        lines.append([*line, f"{digits_right(rows_of(both[1])):.1f}"])
    return lines


def of_published() -> dict[str, Any]:
    """Return the direct replication: each network's accuracies beside what the published code gives, and the claims."""
    facts = {(row["network"], row["epochs"]): row for row in read_table("published_facts")}
    lines, gaps = [], []
    for network in PUBLISHED:
        name = network.removeprefix("Published")
        parameters = int(rows_of([published(network, PUBLISHED_EPOCHS[0], 0)])[0]["parameters"])
        line = [name, f"{parameters:,}"]
        for nb_epochs in PUBLISHED_EPOCHS:
            values = accuracies(in_rounds(published, network, nb_epochs))
            fact = facts.get((name, str(nb_epochs)))
            said = " to ".join(dict.fromkeys((fact["low"], fact["high"]))) if fact else "—"
            if fact:
                gaps.append(max(float(fact["low"]) - mean(values), mean(values) - float(fact["high"])))
            line += [with_half(values), f"{stdev(values):.1f}", said]
        lines.append(line)
    claims_found = {}
    for nb_epochs in PUBLISHED_EPOCHS:
        runs = {name: in_rounds(published, f"Published{name}", nb_epochs) for name in BASE}
        for key, (_, better, worse) in zip(("sharing", "aux"), CLAIMS, strict=True):
            claims_found[f"{key}{nb_epochs}"] = signed(compare(runs[better], runs[worse]))
    values = accuracies(jobs("published"))
    found = {
        "farthest": f"{max(gaps):.1f}",
        "stuck": str(sum(value < STUCK for value in values)),
        "runs": str(len(values)),
        "worst": f"{min(values):.1f}",
    }
    return {"lines": lines, **claims_found, **found}


def of_epochs() -> dict[str, dict[str, str]]:
    """Return what doubling the protocol's epochs is worth on validation pairs, and what their second half is."""

    def worth(more: int, less: int) -> dict[str, str]:
        return {
            name: signed(
                compare(*(in_rounds(epochs, name, number, rounds=VALIDATION_ROUNDS) for number in (more, less)))
            )
            for name in BASE
        }

    doubled, halved = worth(2 * helpers.NB_EPOCHS, helpers.NB_EPOCHS), worth(helpers.NB_EPOCHS, helpers.NB_EPOCHS // 2)
    return {"doubled": doubled, "halved": halved}


def of_exploration() -> dict[str, Any]:
    """Return what is said of the exploration classes: all rounds, ablation, and the errors that are left."""
    found: dict[str, Any] = {}
    for network in EXPLORATION:
        runs = all_rounds(network)
        values = accuracies(runs)
        wrong = [row for row in read_table("pairs") if row["network"] == network]
        counted = sum(int(row["wrong"]) for row in wrong)
        if counted != sum(int(row["wrong"]) for row in rows_of(claims_of(network, len(explain.ROUNDS)))):
            raise UserError(f"pairs.csv has other errors of {network} than claims.csv. Run report/explain.py anew.")
        close = sum(int(row["wrong"]) for row in wrong if abs(int(row["first"]) - int(row["second"])) <= 1)
        table_of = digits_table(network)
        right = table_of[range(10), best_order(table_of)].sum() / table_of.sum()
        ordered = best_order(table_of) == list(range(10))
        found[network] = {
            "all": with_half(values),
            "worst": f"{min(values):.1f}",
            "digits": f"{100 * right:.1f}",
            "ordered": "the order of the digits" if ordered else "not the order of the digits",
            "close": f"{100 * close / counted:.0f}",
        }
    found["gain"] = {
        better: signed(compare(claims_of(better), claims_of(worse)))
        for better, worse in zip(EXPLORATION, BASE[1:], strict=True)
    }
    worths = {network: ablation.worths(network) for network in EXPLORATION}
    names = dict.fromkeys(name for worth in worths.values() for name in worth)
    found["ablation"] = [
        [name, *(minus(text) for network in EXPLORATION for text in worths[network].get(name, ("", "")))]
        for name in names
    ]
    return found


def of_cost() -> dict[str, Any]:
    """Return seconds, and their growth with pairs, epochs and workers.

    Runs are compared that were made beside each other, in the same rounds of one experiment. What needs a machine that
    does nothing else is from the benchmark.
    """

    def seconds(runs: Iterable[Job]) -> float:
        return median(float(row["seconds"]) for row in rows_of(runs))

    most, fewer = TRAIN_PAIRS[-1], 2 * helpers.NB_TRAIN_PAIRS
    by_pairs = {n: [seconds(in_rounds(train_pairs, n, k)) for k in (most, fewer)] for n in BASE}
    long, usual = EPOCHS[-1], helpers.NB_EPOCHS
    by_epochs = {n: [seconds(in_rounds(epochs, n, k, rounds=VALIDATION_ROUNDS)) for k in (long, usual)] for n in BASE}
    everything = {job.key: job for name in EXPERIMENTS for job in jobs(name)}
    total = sum(float(row["seconds"]) for row in rows_of(finished(everything.values())))
    benchmark = list(read_benchmark().values())[-1]
    return {
        "seconds": {name: f"{usual:.1f}" for name, (_, usual) in by_epochs.items()},
        "alone": {name: f"{benchmark['a run on one core'][name]:.1f}" for name in EXPLORATION},
        "pairs": {name: f"{more / less:.1f}" for name, (more, less) in by_pairs.items()},
        "epochs": {name: f"{more / less:.1f}" for name, (more, less) in by_epochs.items()},
        "most": f"{most:,}",
        "fewer": f"{fewer:,}",
        "times_pairs": f"{most / fewer:g}",
        "times_epochs": f"{long / usual:g}",
        "workers": f"{benchmark['workers']['ratio']:.2f}",
        "runs": f"{len(everything):,}",
        "hours": f"{total / 3600:.1f}",
    }


def numbers() -> dict[str, Any]:
    """Return every number of the report, as texts."""
    differences = [claim.found.differences for claim in judged()]
    return {
        "networks": of_networks(),
        "claims": of_claims(),
        "sharing": of_sharing(),
        "aux_weight": of_aux_weight(),
        "train_pairs": of_train_pairs(),
        "last_layers": of_last_layers(),
        "published": of_published(),
        "epochs": of_epochs(),
        "exploration": of_exploration(),
        "cost": of_cost(),
        "moved": {network: minus(f"{here - other:+.2f}") for network, (here, other) in other_processor().items()},
        "coverage": [f"{100 * coverage(values):.1f}" for values in differences],
        "settings": {
            "epochs": str(helpers.NB_EPOCHS),
            "rate": f"{helpers.LEARNING_RATE:g}",
            "batch": str(helpers.MINI_BATCH_SIZE),
            "aux": f"{helpers.AUX_WEIGHT:g}",
            "train": f"{helpers.NB_TRAIN_PAIRS:,}",
            "test": f"{helpers.NB_TEST_PAIRS:,}",
            "claims_rounds": str(len(CLAIMS_ROUNDS)),
            "last_claims_round": str(CLAIMS_ROUNDS[-1]),
            "rounds": str(len(ROUNDS)),
            "all_rounds": str(len(CLAIMS_ROUNDS) + len(COLLAPSE_ROUNDS)),
            "validation": f"{VALIDATION_ROUNDS[0]} to {VALIDATION_ROUNDS[-1]}",
            "resamples": f"{NB_RESAMPLES:,}",
            "level": f"{LEVEL:g}",
            "studies": f"{NB_STUDIES:,}",
            "most_parameters": f"{MAX_PARAMETERS:,}",
            "stuck": str(STUCK),
            "unsettled": str(UNSETTLED),
            "explain_rounds": str(len(explain.ROUNDS)),
        },
    }
