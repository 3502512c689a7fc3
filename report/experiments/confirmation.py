"""The five networks in rounds that nobody had run, on all test pairs that there are.

Criterion, committed with this analysis before any of these rounds was run: a claim holds if the mean difference within
rounds is above 0, its 95 % Student interval leaves out 0, and its two-sided sign-flip p, adjusted for the two claims
after Holm, is below 0.05; it is refuted if all this is so and the mean is below 0; else it is not shown.
"""

import math
from statistics import mean, stdev
from typing import Any

from common.evidence import compare, difference_text, fitted, interval_of, judge, markdown_table, span
from common.networks import BASE, MAIN, WS1, Network
from common.plotting import figure_of, label_places, strip
from common.results import Results
from common.rows import Variant, digit_accuracy
from matplotlib.figure import Figure

from experiments.authors import RATES, theirs
from experiments.claims import ABOUT, CLAIMS, Claim, differences

QUESTION = "Do the two ideas help?"
ROUNDS = range(200, 230)
DATA = {"nb_test_pairs": 5000}  # MNIST has 10,000 test images
COMMIT = "cb3de46"  # of this criterion, in which there is no row yet
VARIANTS = {network.name: Variant(network, DATA, ROUNDS) for network in MAIN}


def network_numbers(results: Results, network: Network) -> dict[str, Any]:
    """Return what is said of a network."""
    variant, above = VARIANTS[network.name], ABOUT[network][1]
    rows, values = results.rows(variant), results.accuracies(variant)
    return {
        **interval_of(values),
        "sd": stdev(values),
        "parameters": int(rows[0]["parameters"]),
        "fitted": fitted(rows),
        "digits": digit_accuracy(rows) if network.labelled or network == WS1 else None,
        "effect": interval_of(compare(results, variant, VARIANTS[above.name])) if above is not None else None,
        "above": above.name if above is not None else None,
        "theirs": interval_of([100 - error for error in theirs(network, RATES[0])]) if network in BASE else None,
    }


def if_shared(results: Results, differences: list[float], claim: Claim) -> float:
    """Return half the width of a claim's 95 % interval if the sampling of test pairs were the same in all rounds.

    An upper bound: it takes both networks' errors as independent, where most are on the same pairs.
    """
    shares = [mean(results.accuracies(VARIANTS[network.name])) / 100 for network in (claim.better, claim.worse)]
    sampling = sum(share * (1 - share) / DATA["nb_test_pairs"] for share in shares)
    rounds = stdev(differences) ** 2 / len(differences)
    return 1.96 * math.sqrt(100**2 * sampling + rounds)


def numbers(results: Results) -> dict[str, Any]:
    """Return the networks' accuracies and the claims with their verdicts."""
    compared = differences(results, VARIANTS)
    claims = [
        {
            **{"sentence": claim.sentence, "heading": claim.heading, "difference": claim.difference},
            **{**judged, "if_shared": if_shared(results, values, claim)},
        }
        for claim, values, judged in zip(CLAIMS, compared, judge(compared), strict=True)
    ]
    return {
        "networks": {network.name: network_numbers(results, network) for network in ABOUT},
        "claims": claims,
        "commit": COMMIT,
        "rounds": span(ROUNDS),
        "n": len(ROUNDS),
        "pairs": DATA["nb_test_pairs"],
    }


def results_table(numbers: dict[str, Any]) -> str:
    """Return README's table of the networks, with the differences and the claims' verdicts."""
    verdicts = {claim["difference"]: f"**{claim['verdict']}**" for claim in numbers["claims"]}
    lines = []
    for network, (adds, above) in ABOUT.items():
        of = numbers["networks"][network.name]
        difference = verdict = ""
        if above is not None:
            difference = f"{difference_text(of['effect'])} over {above.name}"
            verdict = verdicts.get(f"{network.name} - {above.name}", "not tested")
        accuracy = "**{mean:.2f}** ± {half:.2f}".format(**of)
        authors = "—" if of["theirs"] is None else "{mean:.2f} ± {half:.2f}".format(**of["theirs"])
        lines.append([network.name, adds, accuracy, authors, difference, verdict])
    header = ["network", "what it adds", "test accuracy (%)", "the authors' (%)", "difference (points)", "verdict"]
    return markdown_table(header, lines)


def picture(results: Results) -> Figure:
    """Draw every round of the five networks, and the differences that the claims are about."""
    figure, (left, right) = figure_of(1, 2, 1.7, width_ratios=[3, 2])
    for place, network in enumerate(ABOUT):
        strip(left, place, results.accuracies(VARIANTS[network.name]), network)
    label_places(left, (network.name for network in ABOUT))
    left.set(title="Every round of the five networks", ylabel="test accuracy (%)")
    for place, (claim, values) in enumerate(zip(CLAIMS, differences(results, VARIANTS), strict=True)):
        strip(right, place, values, claim.better)
    right.axhline(0, color="k", linewidth=0.7)
    label_places(right, (claim.difference.replace(" - ", "\n− ") for claim in CLAIMS))
    right.set(title="Differences within rounds", ylabel="difference (points)")
    return figure


TABLES = {"results": results_table}
