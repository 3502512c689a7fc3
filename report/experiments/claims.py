"""Do the two ideas help? The five networks, each as it stands, in rounds 0 to 29."""

from statistics import stdev
from typing import Any, NamedTuple

from common.drawing import COLOURS, MARKERS, figure_of, interval, label_places, strip
from common.evidence import (
    ALPHA,
    NB_RESAMPLES,
    NB_STUDIES,
    Comparison,
    bootstrap_interval,
    compare,
    coverage,
    format_p,
    holm,
    interval_texts,
    markdown_table,
    mean_texts,
    sign_flip_p,
    verdict,
)
from common.networks import AUX, BASE, MAIN, SIMPLE, WS, Network
from common.rows import Job, Saved, accuracy, digit_accuracy
from matplotlib.figure import Figure

import helpers

ROUNDS = range(30)


class Claim(NamedTuple):
    """A claim of the original, the network that is better if it holds, and the one that it is compared with."""

    sentence: str
    better: Network
    worse: Network

    @property
    def difference(self) -> str:
        """The difference that the claim is about."""
        return f"{self.better.name} - {self.worse.name}"


CLAIMS = (Claim("Sharing the weights helps", WS, SIMPLE), Claim("An auxiliary loss helps further", AUX, WS))


def run(network: Network, nb_round: int) -> Job:
    """Return the run of a network as it stands, with which other experiments compare."""
    return Job("claims", network, nb_round)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in MAIN]


def runs_of(network: Network, nb_rounds: int = len(ROUNDS)) -> list[Job]:
    """Return a network's runs, or those of the first rounds."""
    return [run(network, r) for r in ROUNDS[:nb_rounds]]


def comparisons(saved: Saved) -> list[Comparison]:
    """Return the difference that each claim is about."""
    return [compare(saved, runs_of(claim.better), runs_of(claim.worse)) for claim in CLAIMS]


def network_numbers(saved: Saved, network: Network) -> dict[str, str]:
    """Return what is said of a network."""
    rows, values = saved.rows(runs_of(network)), saved.accuracies(runs_of(network))
    return {
        **mean_texts(values),
        "sd": f"{stdev(values):.2f}",
        "worst": f"{min(values):.1f}",
        "n": str(len(values)),
        "parameters": f"{int(rows[0]['parameters']):,}",
        "train": f"{sum(accuracy(row, 'train_') for row in rows) / len(rows):.2f}",
        "digits": f"{digit_accuracy(rows):.1f}" if rows[0]["digits_wrong"] else "",
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the networks' accuracies, the claims with their verdicts, and the protocol."""
    found = comparisons(saved)
    adjusted = holm([sign_flip_p(comparison.differences) for comparison in found])
    claims = [
        {
            "sentence": claim.sentence,
            "difference": claim.difference,
            **comparison.texts,
            "bootstrap": interval_texts(comparison.mean, *bootstrap_interval(comparison.differences)),
            "n": str(len(comparison.differences)),
            "counts": " / ".join(map(str, comparison.counts)),
            "p": format_p(p),
            "verdict": verdict(comparison.mean, comparison.half_width, p),
        }
        for claim, comparison, p in zip(CLAIMS, found, adjusted, strict=True)
    ]
    return {
        "networks": {network.name: network_numbers(saved, network) for network in MAIN},
        "claims": claims,
        "coverage": [f"{100 * coverage(comparison.differences):.1f}" for comparison in found],
        "protocol": {
            "epochs": str(helpers.NB_EPOCHS),
            "rate": f"{helpers.LEARNING_RATE:g}",
            "batch": str(helpers.MINI_BATCH_SIZE),
            "aux": f"{helpers.AUX_WEIGHT:g}",
            "train": f"{helpers.NB_TRAIN_PAIRS:,}",
            "test": f"{helpers.NB_TEST_PAIRS:,}",
            "rounds": str(len(ROUNDS)),
            "last_round": str(ROUNDS[-1]),
            "resamples": f"{NB_RESAMPLES:,}",
            "alpha": f"{ALPHA:g}",
            "studies": f"{NB_STUDIES:,}",
        },
    }


def results_table(found: dict[str, Any]) -> str:
    """Return README's table of the networks."""
    lines = [
        [
            *(name, of["parameters"], f"**{of['mean']} %**", f"{of['low']} to {of['high']}", of["n"]),
            f"{of['worst']} %",
        ]
        for name, of in found["networks"].items()
    ]
    header = ["network", "parameters", "mean test accuracy", "95 % interval of the mean", "rounds", "worst round"]
    return markdown_table(header, lines)


def claims_table(found: dict[str, Any]) -> str:
    """Return README's table of the claims."""
    lines = [
        [
            *(claim["sentence"], claim["difference"], f"**{claim['mean']} points**"),
            f"{claim['low']} to {claim['high']}",
            f"{claim['bootstrap']['low']} to {claim['bootstrap']['high']}",
            *(claim["counts"], claim["p"], claim["verdict"]),
        ]
        for claim in found["claims"]
    ]
    header = ["claim", "difference", "mean", "95 % interval", "by bootstrap", "won / equal / lost", "p", "verdict"]
    return markdown_table(header, lines)


def picture(saved: Saved) -> Figure:
    """Draw the accuracies of the base networks in each round, and the differences that the claims are about."""
    figure, (left, right) = figure_of(1, 2, 2.5, width_ratios=[3, 2])
    values = [saved.accuracies(runs_of(network)) for network in BASE]
    for one_round in zip(*values, strict=True):
        left.plot(range(3), one_round, color="#bbbbbb", linewidth=0.5, zorder=1)
    for place, (network, own) in enumerate(zip(BASE, values, strict=True)):
        left.scatter([place] * len(own), own, s=10, color=COLOURS[network], marker=MARKERS[network], zorder=2)
        interval(left, place + 0.12, own)
    label_places(left, (network.name for network in BASE))
    left.set(title="Each line is a round", ylabel="test accuracy (%)")
    for place, (claim, found) in enumerate(zip(CLAIMS, comparisons(saved), strict=True)):
        strip(right, place, found.differences, claim.better)
    right.axhline(0, color="k", linewidth=0.7)
    label_places(right, (claim.difference.replace(" - ", "\n− ") for claim in CLAIMS))
    right.set(title="Differences within rounds", ylabel="difference (points)")
    return figure


PICTURES = {"claims": picture}
TABLES = {"results": results_table, "claims": claims_table}
