"""Branches with weights of their own beside shared ones.

Untied branches have twice the weights, and need more epochs until they fit their training pairs: they are run with
half the maps and at twice the rate, too, and all networks with three times the epochs.
"""

from typing import Any

from common.evidence import Numbers, compare, difference_text, fitted, interval_of, require
from common.networks import AUX, SIMPLE, UNTIED, UNTIED_AUX, WS
from common.results import Results
from common.rows import Variant

from experiments import claims
from helpers import NB_EPOCHS, nb_parameters

QUESTION = "Is it the sharing that helps, or the splitting?"
ROUNDS = claims.ROUNDS
EPOCHS = (NB_EPOCHS, 3 * NB_EPOCHS)
# half the maps, and hidden units for as many parameters as WSModel has, nearly
HALF: dict[str, Any] = {"maps": [16, 32], "hidden": 177}
DOUBLE_RATE = {"branch_rate": 2.0}  # a shared branch gets the gradients of two digits
SIZES: dict[str, dict[str, Any]] = {
    "full size": {},
    "half size": HALF,
    "full size, twice the rate": DOUBLE_RATE,
    "half size, twice the rate": {**HALF, **DOUBLE_RATE},
}
UNTIED_NETWORKS = (UNTIED, UNTIED_AUX)
VARIANTS = {
    (net.name, size, EPOCHS[1]): Variant(net, {**settings, "nb_epochs": EPOCHS[1]}, ROUNDS)
    for size, settings in SIZES.items()
    for net in UNTIED_NETWORKS
}
VARIANTS |= {
    (net.name, size, EPOCHS[0]): Variant(net, {**SIZES[size], "nb_epochs": EPOCHS[0]}, ROUNDS)
    for size in ("full size", "half size")
    for net in UNTIED_NETWORKS
}
LONG = {net: Variant(net, {"nb_epochs": EPOCHS[1]}, ROUNDS) for net in (SIMPLE, WS, AUX)}
VARIANTS |= {(net.name, "", EPOCHS[1]): variant for net, variant in LONG.items()}


def effect(results: Results, better: Variant, worse: Variant) -> Numbers:
    """Return the difference of two networks over the rounds in which neither diverged."""
    both = results.finished_together([better, worse])
    return interval_of(compare(results, *both))


def beyond(results: Results, untied: Variant) -> Numbers:
    """Return by how much the effect of sharing exceeds that of splitting."""
    variants = results.finished_together([LONG[WS], untied, LONG[SIMPLE]])
    ws, split, simple = map(results.accuracies, variants)
    return interval_of([a - 2 * b + c for a, b, c in zip(ws, split, simple, strict=True)])


def fits(results: Results, variant: Variant) -> dict[str, int]:
    """Return how many of the runs that did not diverge fit, and how many these are."""
    finished = results.finished(variant)
    return {"fitted": fitted(results.rows(finished)), "n": len(finished)}


def numbers(results: Results) -> dict[str, Any]:
    """Return, by size and rate of the untied branches, the effects, and how many runs fit their training pairs."""
    lines = []
    for size in SIZES:
        untied, untied_aux = (VARIANTS[net.name, size, EPOCHS[1]] for net in UNTIED_NETWORKS)
        lines.append(
            {
                "size": size,
                "splitting": effect(results, untied, LONG[SIMPLE]),
                "sharing": effect(results, LONG[WS], untied),
                "beyond": beyond(results, untied),
                "sharing_labelled": effect(results, LONG[AUX], untied_aux),
                "fits": fits(results, untied),
                "fits_labelled": fits(results, untied_aux),
            }
        )
    short = [fits(results, variant) for (_, _, nb_epochs), variant in VARIANTS.items() if nb_epochs == EPOCHS[0]]
    parameters = {size: nb_parameters(UNTIED.make(**SIZES[size])) for size in ("full size", "half size")}
    return {
        "lines": lines,
        "fits": {net.name: fits(results, variant) for net, variant in LONG.items()},
        "short_fits": short,
        "parameters": {**parameters, "shared": nb_parameters(WS.make())},
        "half": HALF,
        "epochs": EPOCHS,
        "rounds": len(ROUNDS),
    }


def readme_line(numbers: dict[str, Any]) -> str:
    """Return README's item on how much of the first claim is sharing itself."""
    best = max(numbers["lines"], key=lambda line: (line["fits"]["fitted"], line["splitting"]["mean"]))
    require("the untied branches always fit", best["fits"]["fitted"] == best["fits"]["n"])
    require("one branch is better than the untied ones that fit best", best["sharing"]["low"] > 0)
    require("sharing is most of it", best["beyond"]["low"] > 0)
    return (
        f"- Most of the first gain is sharing. After {numbers['epochs'][1]} epochs, two branches with weights of their "
        "own, the most accurate of those that always fit, gain "
        f"{difference_text(best['splitting'])} points over SimpleModel; one shared branch gains "
        f"{difference_text(best['sharing'])} more."
    )


TABLES = {"sharing": readme_line}
