"""Do the two ideas help? The five networks, each as it stands, in rounds 0 to 29."""

from statistics import stdev
from typing import Any, NamedTuple

from common.drawing import COLOURS, MARKERS, figure_of, interval, label_places, strip
from common.evidence import (
    ALPHA,
    NB_RESAMPLES,
    NB_STUDIES,
    Comparison,
    compare,
    coverage,
    judge,
    markdown_table,
    mean_texts,
)
from common.networks import AUX, AUX1, BASE, MAIN, SIMPLE, WS, WS1, Network
from common.rows import Job, Saved, accuracy, digit_accuracy
from matplotlib.figure import Figure

import helpers

ROUNDS = range(30)
MAX_PARAMETERS = 70_000  # the limit that the course suggests


class Claim(NamedTuple):
    """A claim of the original, the network that is better if it holds, and the one that it is compared with."""

    sentence: str
    better: Network
    worse: Network

    @property
    def difference(self) -> str:
        """The difference that the claim is about."""
        return f"{self.better.name} - {self.worse.name}"


ABOUT = {  # what each network adds, and to which
    SIMPLE: ("plain CNN", None),
    WS: ("one branch for both digits", SIMPLE),
    AUX: ("a loss for each digit's class", WS),
    WS1: ("exploration class, no digit labels", WS),
    AUX1: ("exploration class, with digit labels", AUX),
}
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


def network_numbers(saved: Saved, network: Network) -> dict[str, Any]:
    """Return what is said of a network."""
    rows, values, above = saved.rows(runs_of(network)), saved.accuracies(runs_of(network)), ABOUT[network][1]
    return {
        **mean_texts(values),
        "sd": f"{stdev(values):.2f}",
        "worst": f"{min(values):.1f}",
        "n": str(len(values)),
        "parameters": f"{int(rows[0]['parameters']):,}",
        "train": f"{sum(accuracy(row, 'train_') for row in rows) / len(rows):.2f}",
        "digits": f"{digit_accuracy(rows):.1f}" if rows[0]["digits_wrong"] else "",
        "effect": compare(saved, runs_of(network), runs_of(above)).texts if above is not None else None,
    }


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the networks' accuracies, the claims with their verdicts, and the protocol."""
    found = comparisons(saved)
    claims = [
        {"sentence": claim.sentence, "difference": claim.difference, **texts}
        for claim, texts in zip(CLAIMS, judge(found), strict=True)
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
            "most_parameters": f"{MAX_PARAMETERS:,}",
        },
    }


def results_table(found: dict[str, Any]) -> str:
    """Return README's table of the networks, with the effects and the claims' verdicts."""
    verdicts = {claim["difference"]: f": **{claim['verdict']}**" for claim in found["claims"]}
    lines = []
    for network, (adds, above) in ABOUT.items():
        of = found["networks"][network.name]
        effect = ""
        if above is not None:
            sign = "{mean} [{low}, {high}]".format(**of["effect"])
            effect = f"{sign} over {above.name}{verdicts.get(f'{network.name} - {above.name}', '')}"
        lines.append([network.name, adds, of["parameters"], f"**{of['mean']}** ± {of['half']}", effect])
    header = ["network", "what it adds", "parameters", "test accuracy (%)", "effect (points)"]
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
TABLES = {"results": results_table}
