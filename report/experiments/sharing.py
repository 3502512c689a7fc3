"""Is it the sharing that helps, or the splitting? Branches with weights of their own beside shared ones."""

from statistics import median
from typing import Any

from common.drawing import label_places, strip
from common.evidence import compare, signed
from common.networks import AUX, BASE, SIMPLE, UNTIED, UNTIED_AUX, WS, Network
from common.rows import Job, Saved, accuracy
from matplotlib.axes import Axes

from experiments import claims

ROUNDS = claims.ROUNDS


def run(network: Network, nb_round: int) -> Job:
    """Return the run of a network with untied branches."""
    return Job("sharing", network, nb_round)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [claims.run(network, nb_round) for network in BASE] + [run(net, nb_round) for net in (UNTIED, UNTIED_AUX)]


UNSETTLED = 5  # % of training pairs: runs with more training errors did not converge


def runs_of(network: Network) -> list[Job]:
    """Return the runs of a network with untied branches."""
    return [run(network, r) for r in ROUNDS]


def numbers(saved: Saved) -> dict[str, Any]:
    """Return the effects of splitting and of sharing, without and with digit labels, and which runs went astray."""
    untied, untied_aux = runs_of(UNTIED), runs_of(UNTIED_AUX)
    simple, tied, tied_aux = (claims.runs_of(network) for network in BASE)
    splitting, shared = compare(saved, untied, simple), compare(saved, tied, untied)
    unsettled = {
        own[0].network.name: str(sum(accuracy(row, "train_") < 100 - UNSETTLED for row in saved.rows(own)))
        for own in (untied, untied_aux, tied, tied_aux)
    }
    return {
        "parameters": f"{int(saved.rows(untied)[0]['parameters']):,}",
        "splitting": splitting.texts,
        "sharing": shared.texts,
        "gain": "a gain" if splitting.mean > splitting.half_width else "no clear gain",
        "median_splitting": signed(median(splitting.differences)),
        "median_sharing": signed(median(shared.differences)),
        "sharing_aux": compare(saved, tied_aux, untied_aux).texts,
        "aux_untied": compare(saved, untied_aux, untied).texts,
        "aux_tied": compare(saved, tied_aux, tied).texts,
        "unsettled": unsettled,
        "unsettled_above": str(UNSETTLED),
    }


def panel(axes: Axes, saved: Saved) -> None:
    """Draw the accuracies without a split, with split branches, and with shared ones."""
    parts = [(SIMPLE, claims.runs_of(SIMPLE), "no\nsplit")]
    for untied, tied in ((UNTIED, WS), (UNTIED_AUX, AUX)):
        parts += [(tied, runs_of(untied), "split"), (tied, claims.runs_of(tied), "shared")]
    for place, (network, own, _) in enumerate(parts):
        strip(axes, place, saved.accuracies(own), network)
    label_places(axes, (name for *_, name in parts))
    axes.set(title="(2) Splitting and sharing", ylabel="test accuracy (%)")
    axes.margins(y=0.12)
    for middle, text in ((1.0, "no digit labels"), (3.5, "digit labels")):
        axes.text(middle, 1.0, text, ha="center", va="top", fontsize=7, transform=axes.get_xaxis_transform())
    axes.axvline(2.5, color="k", linewidth=0.5, linestyle=":")
