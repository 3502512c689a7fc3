"""What the runs of the ablation are."""

from statistics import mean
from typing import Any

import pytest
from common.networks import MAIN
from experiments import ablation
from plain import ROUNDS, VALIDATION

KEYWORDS = {
    "last layer without weights": "joint",
    "batch normalisation": "batch_norm",
    "mini-batches of 50": "mini_batch_size",
    "one cycle of learning rate and momentum": "one_cycle",
    "two distorted views": "two_views",
    "consistency of the views": "consistency",
    "averaged weights": "averaging",
    "balanced digits": "balance",
    "auxiliary weight 1": "aux_weight",
    "label smoothing": "label_smoothing",
}
FOR_ALL = {"mini_batch_size": 50, "one_cycle": True, "two_views": True, "averaging": 0.99}
SETTINGS: dict[str, dict[str, Any]] = {
    "WSModel1": {**FOR_ALL, "consistency": 1.0, "balance": 1.0},
    "AuxModel1": {**FOR_ALL, "consistency": 1.0, "aux_weight": 1.0, "label_smoothing": 0.1},
}


def test_the_variants_of_the_differences() -> None:
    """A single difference is taken away, or added alone; the consistency of the views needs the views."""
    for network in ablation.EXPLORATION:
        every = ["joint", "batch_norm", *SETTINGS[network.name]]
        found = ablation.variants(network)
        assert len(found) == 2 * len(every) + 2
        kept = {name: {KEYWORDS[difference] for difference in own} for name, own in found.items()}
        assert (kept["all"], kept["none"]) == (set(every), set())
        for name, keyword in KEYWORDS.items():
            if keyword in every:
                views = {"two_views", "consistency"}
                assert kept[f"without {name}"] == set(every) - (views if keyword == "two_views" else {keyword})
                assert kept[f"only {name}"] == (views if keyword == "consistency" else {keyword})


def test_the_full_variant_has_the_settings_of_the_exploration_class() -> None:
    for network in ablation.EXPLORATION:
        (make,) = {each.make for each in MAIN if each.name == network.name}
        job = ablation.run(network, ablation.variants(network)["all"], 1100)
        assert job.training == make.settings == SETTINGS[network.name]
        assert job.model == {"joint": True, "batch_norm": True}
        assert ablation.run(network, [], 1100).training == {}
        assert (job.data, job.round) == (VALIDATION, 1100)


@pytest.mark.parametrize("trained", [False, True])
def test_the_plain_network_is_trained_as_far_as_it_can_be(trained: bool) -> None:
    job = ablation.plain_run(trained, 1103)
    assert (job.network.name, job.round, job.model) == ("SimpleModel", 1103, {})
    assert job.training == (FOR_ALL if trained else {})
    assert mean(ROUNDS["ablation"]) > 1000
