"""The numbers of the ablation, computed anew in plain Python from the saved file; and what its runs are."""

from statistics import mean
from typing import Any

import plain
import pytest
from common.networks import MAIN
from conftest import numbers_of
from experiments import ablation
from plain import ROUNDS, VALIDATION, Near, Row, accuracies_of, effect, half_width, mean_of, minus, span
from test_numbers_of_controls import lowest_and_highest

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


def ablated(network: str, kept: set[str]) -> list[Row]:
    """Return the rows with the keywords that are kept."""
    model = {keyword: keyword in kept for keyword in ("joint", "batch_norm")}
    training = {keyword: value for keyword, value in SETTINGS[network].items() if keyword in kept}
    return plain.plain("ablation", f"Ablated{network}", model=model, training=training, data=VALIDATION)


def found_effect(more: list[Row], less: list[Row]) -> dict[str, Near]:
    more_values, less_values = accuracies_of(more), accuracies_of(less)
    half = half_width(minus(more_values, less_values))
    return {**effect(more_values, less_values), "half": Near(half, 2)}


def of_ablation() -> dict[str, Any]:
    lines: list[dict[str, Any]] = [{"name": name} for name in KEYWORDS]
    ends = {}
    for network, settings in SETTINGS.items():
        every = {"joint", "batch_norm", *settings}
        full, none = ablated(network, every), ablated(network, set())
        ends[network] = {
            name: {**mean_of(accuracies_of(found)), "digits": lowest_and_highest(plain.digits_of(found))}
            for name, found in (("all", full), ("none", none))
        }
        for line in lines:
            if (keyword := KEYWORDS[line["name"]]) not in every:
                continue
            gone = {"two_views", "consistency"} if keyword == "two_views" else {keyword}
            alone = {"two_views", "consistency"} if keyword == "consistency" else {keyword}
            without, only = ablated(network, every - gone), ablated(network, alone)
            line[network] = {
                "lost": found_effect(full, without),
                "digits": lowest_and_highest(plain.digits_of(without)),
                "won": found_effect(only, none),
            }
    plainly, trained = (
        plain.percent("ablation", "SimpleModel", training=settings, data=VALIDATION) for settings in ({}, FOR_ALL)
    )
    full, as_trained, none = (
        accuracies_of(ablated("WSModel1", kept))
        for kept in ({"joint", "batch_norm", *SETTINGS["WSModel1"]}, set(FOR_ALL), set())
    )
    loose = plain.digits_of(ablated("WSModel1", {"joint", "batch_norm", *SETTINGS["WSModel1"]} - {"consistency"}))
    return {
        "lines": lines,
        "ends": ends,
        "nearly": str(len([value for value in loose if value > 90])),
        "of": str(len(ROUNDS["ablation"])),
        "by_name": {line["name"]: line["WSModel1"] for line in lines if "WSModel1" in line},
        "training": {
            "SimpleModel": mean_of(trained),
            "SimpleModel_gain": effect(trained, plainly),
            "WSModel": mean_of(as_trained),
            "WSModel_gain": effect(as_trained, none),
            "rest": effect(full, as_trained),
        },
        "rounds": span("ablation"),
    }


def test_numbers_are_those_of_the_saved_rows() -> None:
    found, expected = numbers_of("ablation"), of_ablation()
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value, key


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
