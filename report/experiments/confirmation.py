"""The five networks in rounds that nobody had run, on all test pairs that there are.

Criterion, committed with this analysis before any of these rounds was run: a claim holds if the mean difference within
rounds is above 0, its 95 % Student interval leaves out 0, and its two-sided sign-flip p, adjusted for the two claims
after Holm, is below 0.05; it is refuted if all this is so and the mean is below 0; else it is not shown.
"""

import math
from statistics import mean, stdev
from typing import Any

from common.drawing import figure_of, label_places, strip
from common.evidence import Comparison, compare, judge, markdown_table, mean_texts, require, span
from common.networks import AUX1, BASE, MAIN, WS1, Network
from common.rows import Variant
from common.saved import Saved
from matplotlib.figure import Figure

from experiments.authors import RATES, theirs
from experiments.claims import ABOUT, CLAIMS, Claim, network_numbers

QUESTION = "Do the two ideas help?"
ROUNDS = range(200, 230)
DATA = {"nb_test_pairs": 5000}  # MNIST has 10,000 test images
COMMIT = "cb3de46"  # of this criterion, in which there is no row yet


VARIANTS = {network.name: Variant(network, DATA, ROUNDS) for network in MAIN}


def variant_of(network: Network) -> Variant:
    """Return a network as it stands, in these rounds."""
    return VARIANTS[network.name]


# as committed with the criterion, and kept so: the other experiments call claims.differences
def comparisons(saved: Saved) -> list[Comparison]:
    """Return the difference that each claim is about."""
    return [compare(saved, variant_of(claim.better), variant_of(claim.worse)) for claim in CLAIMS]


def if_shared(saved: Saved, comparison: Comparison, claim: Claim) -> str:
    """Return half the width of a claim's 95 % interval if the sampling of test pairs were the same in all rounds.

    An upper bound: it takes both networks' errors as independent, where most are on the same pairs.
    """
    shares = [mean(saved.accuracies(variant_of(network))) / 100 for network in (claim.better, claim.worse)]
    sampling = sum(share * (1 - share) / DATA["nb_test_pairs"] for share in shares)
    rounds = stdev(comparison.differences) ** 2 / len(comparison.differences)
    return f"{1.96 * math.sqrt(100**2 * sampling + rounds):.2f}"


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the networks' accuracies and the claims with their verdicts."""
    compared = comparisons(saved)
    claims = [
        {"sentence": claim.sentence, "heading": claim.heading, "difference": claim.difference, **texts}
        for claim, texts in zip(CLAIMS, judge(compared), strict=True)
    ]
    for claim, comparison, texts in zip(CLAIMS, compared, claims, strict=True):
        texts["if_shared"] = if_shared(saved, comparison, claim)
        require("both claims hold if the test pairs' sampling were shared", comparison.mean > float(texts["if_shared"]))
        require("both differences are above 0 in every round", comparison.counts == (len(ROUNDS), 0, 0))
    networks = {network.name: network_numbers(saved, network, VARIANTS) for network in ABOUT}
    for network in ABOUT:
        networks[network.name]["theirs"] = mean_texts([100 - error for error in theirs(network, RATES[0])])
    return {
        "networks": networks,
        "labels": compare(saved, variant_of(AUX1), variant_of(WS1)).texts,
        "claims": claims,
        "commit": COMMIT,
        "rounds": span(ROUNDS),
        "n": str(len(ROUNDS)),
        "pairs": f"{DATA['nb_test_pairs']:,}",
    }


def results_table(numbers: dict[str, Any]) -> str:
    """Return README's table of the networks, with the differences and the claims' verdicts."""
    verdicts = {claim["difference"]: f"**{claim['verdict']}**" for claim in numbers["claims"]}
    lines = []
    for network, (adds, above) in ABOUT.items():
        of = numbers["networks"][network.name]
        difference = verdict = ""
        if above is not None:
            difference = "{mean} [{low}, {high}]".format(**of["effect"]) + f" over {above.name}"
            verdict = verdicts.get(f"{network.name} - {above.name}", "not tested")
        theirs_text = "{mean} ± {half}".format(**of["theirs"]) if network in BASE else "—"  # theirs are unlike ours
        accuracies = (f"**{of['mean']}** ± {of['half']}", theirs_text)
        lines.append([network.name, adds, *accuracies, difference, verdict])
    header = ["network", "what it adds", "test accuracy (%)", "the authors' (%)", "difference (points)", "verdict"]
    return markdown_table(header, lines)


def picture(saved: Saved) -> Figure:
    """Draw every round of the five networks, and the differences that the claims are about."""
    figure, (left, right) = figure_of(1, 2, 1.7, width_ratios=[3, 2])
    for place, network in enumerate(ABOUT):
        strip(left, place, saved.accuracies(variant_of(network)), network)
    label_places(left, (network.name for network in ABOUT))
    left.set(title="Every round of the five networks", ylabel="test accuracy (%)")
    for place, (claim, comparison) in enumerate(zip(CLAIMS, comparisons(saved), strict=True)):
        strip(right, place, comparison.differences, claim.better)
    right.axhline(0, color="k", linewidth=0.7)
    label_places(right, (claim.difference.replace(" - ", "\n− ") for claim in CLAIMS))
    right.set(title="Differences within rounds", ylabel="difference (points)")
    return figure


TABLES = {"results": results_table}
