"""What the report says in words is required of the rows: others are refused, with the sentence."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import plain
import pytest
from common.networks import AUX, AUX1, BASE, MAIN, PUBLISHED, SIMPLE, UNTIED, UNTIED_AUX, WS, WS1
from common.rows import Job
from conftest import all_saved
from experiments import (
    ablation,
    authors,
    aux_weight,
    bridge,
    ceiling,
    claims,
    confirmation,
    epochs,
    errors,
    head,
    last_layer,
    more_rounds,
    prior,
    published,
    sharing,
    train_pairs,
    tuning,
)
from plain import ROUNDS
from test_changed_rows import Change, above, number, said

from helpers import UserError


def details(change: Callable[[dict[str, Any]], None], rounds: Iterable[int]) -> list[Change]:
    """Return what changes the details of AuxModel1's errors."""
    found = []
    for job in (errors.run(AUX1, r) for r in rounds):
        values = json.loads(all_saved().by_key[job.key]["details"])
        change(values)
        found.append((job, {"details": json.dumps(values)}))
    return found


def swap(values: dict[str, Any]) -> None:
    """Let 3 and 4 be read as each other, so often that they are over all rounds, too."""
    values["digits"][3][4] = values["digits"][4][3] = 10**6


def far(values: dict[str, Any]) -> None:
    """Let all wrong pairs be of 0 and 9."""
    total = sum(map(sum, values["wrong"]))
    values["wrong"] = [[total if (i, j) == (0, 9) else 0 for j in plain.TEN] for i in plain.TEN]


def after(network: Any, number_of_epochs: int, other: Any, more: int) -> Callable[[], list[Change]]:
    return lambda: above(
        "epochs", epochs.runs_of(network, number_of_epochs), epochs.runs_of(other, number_of_epochs), more
    )


def with_layer(place: int, labelled: bool, more: int) -> Callable[[], list[Change]]:
    """Give a last layer so many more errors than SimpleModel has."""
    return lambda: above(
        "last_layer", last_layer.runs_of(last_layer.LAST_LAYERS[place])[labelled], claims.runs_of(SIMPLE), more
    )


def own_as_highest(
    jobs: Callable[[], list[Job]], more: int, column: str = "highest_wrong"
) -> Callable[[], list[Change]]:
    """Let another way to compare have so many more errors than the network's own last layer."""
    return lambda: above("head", jobs(), jobs(), more, column)


def like(network: Any, size: str, other: Any, more: int) -> Callable[[], list[Change]]:
    """Give a network, after 150 epochs, so many more errors than another has."""
    return lambda: above("sharing", sharing.runs_of(network, size, 150), sharing.runs_of(other, size, 150), more)


def with_weight(weight: float, more: int) -> Callable[[], list[Change]]:
    """Give AuxModel with a weight so many more errors than with that of the original."""
    return lambda: above("aux_weight", aux_weight.runs_of(weight), aux_weight.runs_of(0.5), more)


def fits(network: Any, number_of_epochs: int, train_wrong: str) -> Callable[[], list[Change]]:
    """Give all runs of a network so many errors on their training pairs."""
    return lambda: [(job, {"train_wrong": train_wrong}) for job in sharing.runs_of(network, "whole", number_of_epochs)]


def without(network: Any, difference: str, lost: float) -> Callable[[], list[Change]]:
    """Let an exploration class without a difference lose this share of what it loses without the views."""

    def changes() -> list[Change]:
        full, views, own = (
            [ablation.run(network, ablation.variants(network)[name], r) for r in ROUNDS["ablation"]]
            for name in ("all", "without two distorted views", f"without {difference}")
        )
        errors = [[number("ablation", job) for job in jobs] for jobs in (full, views)]
        wrong = [str(round(few + lost * (many - few))) for few, many in zip(*errors, strict=True)]
        return [(job, {"wrong": text}) for job, text in zip(own, wrong, strict=True)]

    return changes


def alone() -> list[Change]:
    """Let the base class of WSModel1 with nothing but the views be as good as WSModel1."""
    full, own = (
        [ablation.run(WS1, ablation.variants(WS1)[name], r) for r in ROUNDS["ablation"]]
        for name in ("all", "only two distorted views")
    )
    return above("ablation", own, full, 0)


def read_without(difference: str, digits_wrong: str, nb_rounds: int | None) -> Callable[[], list[Change]]:
    """Let WSModel1 without a difference get so many digits wrong, in the first rounds or in all."""
    kept = ablation.variants(WS1)[f"without {difference}"]
    rounds = ROUNDS["ablation"][:nb_rounds]
    return lambda: [(ablation.run(WS1, kept, r), {"digits_wrong": digits_wrong}) for r in rounds]


def noisy(name: str, rate: float, middle: int, noise: int) -> Callable[[], list[Change]]:
    """Give one of our networks, as the authors ran it, so many errors, and more and less in turn."""
    (network,) = (network for network in MAIN if network.name == name)
    return lambda: [
        (authors.run(network, rate, r), {"wrong": str(middle + noise * (-1) ** r)}) for r in ROUNDS["authors"]
    ]


def on_the_way(step: str, column: str, number: int) -> Callable[[], list[Change]]:
    """Give AuxModel, after a step of the bridge, about so many errors."""
    return lambda: [(bridge.run(bridge.steps()[step][1], r), {column: str(number + r % 2)}) for r in ROUNDS["bridge"]]


def tuned(setting: dict[str, Any], wrong: str, networks: Iterable[Any] = BASE) -> Callable[[], list[Change]]:
    """Give networks so many errors with a setting of the tuning."""
    return lambda: [
        (tuning.run(network, setting, r), {"wrong": wrong}) for network in networks for r in ROUNDS["tuning"]
    ]


def from_pairs(network: Any, number: int, other: Any, from_number: int, more: int) -> Callable[[], list[Change]]:
    """Give a network with so many training pairs so many more errors than another has with its own."""
    return lambda: above(
        "train_pairs", train_pairs.runs_of(network, number), train_pairs.runs_of(other, from_number), more
    )


def unsteady() -> list[Change]:
    """Give SimpleModel, after 150 epochs, three points more errors than UntiedModel has, by 20 points more or less."""
    ours, theirs = (sharing.runs_of(network, "half", 150) for network in (SIMPLE, UNTIED))
    return [
        (job, {"wrong": str(number("sharing", other) + 30 + 200 * (-1) ** job.round)})
        for job, other in zip(ours, theirs, strict=True)
    ]


def of_all_images(network: Any, *wrong: str) -> Callable[[], list[Change]]:
    """Give an exploration class on all training images so many errors, a round each."""
    return lambda: [
        (ceiling.run(network, r), {"wrong": text}) for r, text in zip(ROUNDS["ceiling"], wrong, strict=True)
    ]


def shares_found() -> list[Change]:
    return [(prior.run(prior.SHARES["digits 0 to 7 only"], 4), {"digits_wrong": "20"})]


REQUIRED: dict[str, tuple[Any, Callable[[], list[Change]]]] = {
    "after 3 epochs WSModel is worse than SimpleModel": (epochs, after(WS, 3, SIMPLE, -300)),
    "after 6 epochs they do not differ clearly": (epochs, after(WS, 6, SIMPLE, -300)),
    "from 12 epochs on, both differences are above 0": (epochs, after(AUX, 50, WS, 0)),
    "AuxModel1's scores come in the order of the digits": (errors, lambda: details(swap, [0])),
    "about half of AuxModel1's errors are on equal or neighbouring digits": (
        errors,
        lambda: details(far, ROUNDS["errors"]),
    ),
    "AuxModel's linear last layer loses what its reading has won": (
        head,
        own_as_highest(lambda: confirmation.runs_of(AUX), 0),
    ),
    "most of what AuxModel gets wrong, its last layer gets wrong": (
        head,
        lambda: [(job, {"head_wrong": "9"}) for job in confirmation.runs_of(AUX)],
    ),
    "every linear last layer is worse than the joint comparison of its scores": (
        head,
        own_as_highest(lambda: published.runs_of(PUBLISHED[4], 50), 0, "joint_wrong"),
    ),
    "with softmax WSModel is worse than SimpleModel, and AuxModel better than WSModel": (
        last_layer,
        with_layer(2, False, -20),
    ),
    "with every other last layer both are better": (last_layer, with_layer(3, False, 0)),
    "both differences are above 0 in every round": (
        confirmation,
        lambda: above("confirmation", confirmation.runs_of(AUX)[:1], confirmation.runs_of(WS)[:1], 0),
    ),
    "1 and 2 show no clear difference from 0.5": (aux_weight, with_weight(2, 40)),
    "smaller weights are worse": (aux_weight, with_weight(0.25, -30)),
    "splitting alone shows no clear gain": (sharing, like(UNTIED, "half", SIMPLE, -30)),
    "most of WSModel's gain is of sharing": (sharing, unsteady),
    "sharing helps without digit labels": (sharing, like(WS, "whole", UNTIED, 0)),
    "with them, after 150 epochs, at half size only": (sharing, like(AUX, "half", UNTIED_AUX, 0)),
    "the labels help more on untied branches": (
        sharing,
        lambda: above("claims", claims.runs_of(AUX), claims.runs_of(AUX), -25),
    ),
    "nearly all runs of WSModel fit after 150 epochs": (sharing, fits(WS, 150, "1")),
    "hardly any run of UntiedModel fits after 50 epochs": (sharing, fits(UNTIED, 50, "0")),
    "about as many digits are right as ten equal parts of the order give: digits 0 to 7 only": (prior, shares_found),
    "WSModel1 loses most without the views, then the last layer": (ablation, without(WS1, "batch normalisation", 1.5)),
    "AuxModel1 loses most without the last layer, then the views": (ablation, without(AUX1, "label smoothing", 9)),
    "alone, these two give WSModel1's base class little": (ablation, alone),
    "without balance WSModel1's scores are no digits": (ablation, read_without("balanced digits", "2400", 1)),
    "without balance it loses less than without views": (
        ablation,
        lambda: without(WS1, "last layer without weights", 0.9)() + without(WS1, "balanced digits", 0.7)(),
    ),
    "without consistency most rounds find nine of ten digits, some do not": (
        ablation,
        read_without("consistency of the views", "1100", None),
    ),
    "all ten intervals of ours - theirs hold 0": (authors, noisy("WSModel", 0.1, 190, 5)),
    "both sides' rounds show a gain from sharing at both rates": (authors, noisy("WSModel", 0.01, 225, 150)),
    "of the auxiliary loss at 0.1, theirs show none": (authors, noisy("AuxModel", 0.1, 138, 130)),
    "at 0.01 both show a loss from it": (authors, noisy("AuxModel", 0.01, 325, 325)),
    "dead scores are neither needed nor enough for a run to go astray": (
        authors,
        lambda: [
            (authors.run(network, 0.1, r), {"dead_scores": "0"}) for network in (AUX, AUX1) for r in ROUNDS["authors"]
        ],
    ),
    "no step changes AuxModel's accuracy clearly": (bridge, on_the_way("32 and 64 maps", "wrong", 50)),
    "the plain scores change the digit accuracy most": (
        bridge,
        on_the_way("auxiliary loss on the plain scores", "digits_wrong", 1900),
    ),
    "with every number of training pairs, both differences are above 0": (
        train_pairs,
        from_pairs(AUX, 250, WS, 250, 0),
    ),
    "no run of WSModel1 collapsed, its worst is above every one of WSModel": (
        more_rounds,
        lambda: [(more_rounds.runs(77)[0], {"wrong": "200"})],
    ),
    "AuxModel alone would have taken softmax, WSModel's worst": (tuning, tuned(tuning.FIRST[4], "2500", [WS])),
    "single rounds spread most differently for AuxModel1 at 0.1": (authors, noisy("AuxModel", 0.01, 425, 250)),
    "with all training images, labels make no clear difference": (ceiling, of_all_images(AUX1, "1", "2", "3")),
    "with more pairs sharing adds less, the auxiliary loss more": (
        train_pairs,
        from_pairs(WS, 8000, SIMPLE, 8000, -50),
    ),
    "AuxModel1 from the fewest pairs and AuxModel from the most do not differ clearly": (
        train_pairs,
        from_pairs(AUX1, 125, AUX, 8000, 20),
    ),
    "the search chooses the same activation and shuffling again": (tuning, tuned(tuning.FIRST[3], "500", [AUX])),
    "the size chosen again is another, larger one": (tuning, tuned(tuning.IN_USE, "500")),
    "it is not clearly better": (tuning, tuned(tuning.SIZES[-1], "500")),
}


@pytest.mark.parametrize("sentence", REQUIRED)
def test_rows_that_do_not_show_a_sentence_of_the_report(sentence: str) -> None:
    room, changes = REQUIRED[sentence]
    name = room.__name__.partition(".")[2]
    with pytest.raises(UserError, match=re.escape(f"the report says: {sentence}. The rows do not show it: change its")):
        said(room, name, changes())


def test_some_rounds_do_not_find_the_digits_without_consistency() -> None:
    """Rounds with more than nine of ten digits are counted; if all have, the sentence is not shown either."""
    name, size = "consistency of the views", len(ROUNDS["ablation"])
    found = said(ablation, "ablation", read_without(name, "1000", None)(), read_without(name, "999", size - 1)())
    assert (found["nearly"], found["of"]) == (str(size - 1), str(size))
    with pytest.raises(UserError, match="some do not"):
        said(ablation, "ablation", read_without(name, "999", None)())


def test_every_required_sentence_is_here() -> None:
    """One of them where the room fills in a name."""
    found = []
    for file in (plain.ROOT / "report" / "experiments").glob("*.py"):
        found += re.findall(r'require\(\s*f?"([^"]+)"', file.read_text(encoding="utf-8"))
    assert len(found) > 20
    for text in found:
        pattern = re.sub(r"\\\{.*?\\\}", ".+", re.escape(text))
        assert [sentence for sentence in REQUIRED if re.fullmatch(pattern, sentence)], text
