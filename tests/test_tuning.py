"""The settings of the base networks: the choice is that of the validation rows, computed anew in plain Python."""

import inspect
import json
from statistics import mean
from typing import Any

import plain
import pytest
from common import networks
from common.rows import Saved
from conftest import saved_of
from experiments import tuning
from plain import BASE, PENDING, ROUNDS, RUNS_OF_A_ROUND, VALIDATION, Near

from helpers import UserError, train
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel

MADE_ANEW = "tuning" in ROUNDS  # until then, the choice is that of the first rows, which are frozen
ACTIVATIONS = ("none", "relu", "tanh", "sigmoid", "softmax", "log-softmax")
FIRST_STAGE = [
    {"maps": [32, 64], "hidden": 100, "activation": activation, "shuffle": shuffle}
    for activation in ACTIVATIONS
    for shuffle in (True, False)
]


def size_of(maps: list[int], hidden: int) -> int:
    """Count the parameters of WSModel by hand."""
    return 10 * maps[0] + (9 * maps[0] + 1) * maps[1] + (4 * maps[1] + 1) * hidden + 11 * hidden - hidden + 10 + 42


def size_of_simple(maps: list[int], hidden: int) -> int:
    return 19 * maps[0] + (9 * maps[0] + 1) * maps[1] + (4 * maps[1] + 1) * hidden + 2 * hidden + 2


SECOND_STAGE = [
    {"maps": maps, "hidden": hidden, "activation": "relu", "shuffle": True}
    for maps in ([16, 32], [24, 48], [32, 64], [40, 80])
    for hidden in (50, 100, 150)
    if max(size_of(maps, hidden), size_of_simple(maps, hidden)) <= 70_000
]


def tuned(network: str, setting: dict[str, Any]) -> list[float]:
    """Return the accuracies of a setting, a round each."""
    model = {name: setting[name] for name in ("maps", "hidden", "activation")}
    if network == "SimpleModel":
        del model["activation"]
    settings = {"model": model, "training": {"shuffle": setting["shuffle"]}, "data": VALIDATION}
    if MADE_ANEW:
        return plain.percent("tuning", network, **settings)
    if "activation" in model:  # it was called so
        model["merge"] = model.pop("activation")
    text = json.dumps(settings, sort_keys=True)
    return [100 - int(plain.rows("tuning_first")[network, r, text]["wrong"]) / 50 for r in range(1000, 1010)]


def test_the_base_networks_have_the_settings_that_were_chosen() -> None:
    taken = []
    for settings in (FIRST_STAGE, SECOND_STAGE):
        means = [
            [mean(three) for three in zip(*(tuned(name, each) for name in BASE), strict=True)] for each in settings
        ]
        taken.append(tuning.choose(settings, means))
    assert taken[0] == {"maps": [32, 64], "hidden": 100, "activation": "relu", "shuffle": True}
    for model in (SimpleModel, WSModel):
        defaults = {name: parameter.default for name, parameter in inspect.signature(model).parameters.items()}
        assert (list(defaults["maps"]), defaults["hidden"]) == (taken[1]["maps"], taken[1]["hidden"])
    assert defaults["activation"] == taken[1]["activation"]
    assert inspect.signature(train).parameters["shuffle"].default == taken[1]["shuffle"]
    assert [tuning.FIRST, tuning.SIZES] == [FIRST_STAGE, SECOND_STAGE]


class FirstRows(Saved):
    """The tuning's frozen first rows, as those of its runs."""

    def __init__(self) -> None:
        self.by_key = {
            tuning.run(network, setting, r).key: {"wrong": str(round(50 * (100 - value))), "total": "5000", "error": ""}
            for setting in (*tuning.FIRST, *tuning.SIZES)
            for network in networks.BASE
            for r, value in zip(tuning.ROUNDS, tuned(network.name, setting), strict=True)
        }


def test_the_numbers_of_the_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = saved_of("tuning") if MADE_ANEW else FirstRows()
    found = tuning.numbers(saved)
    assert (found["most_parameters"], found["rounds"]) == ("70,000", "1000 to 1009")
    for stage, settings in zip(found["stages"], (FIRST_STAGE, SECOND_STAGE), strict=True):
        for line, setting in zip(stage["lines"], settings, strict=True):
            by_network = {name: tuned(name, setting) for name in BASE}
            assert line == {
                "maps": f"{setting['maps'][0]} and {setting['maps'][1]}",
                "hidden": str(setting["hidden"]),
                "activation": setting["activation"],
                "shuffle": str(setting["shuffle"]),
                **{name: Near(mean(values), 2) for name, values in by_network.items()},
                "mean": Near(mean(map(mean, by_network.values())), 2),
                "chosen": setting == stage["taken"],
            }
    monkeypatch.setattr(tuning, "choose", lambda settings, _: settings[0])
    with pytest.raises(UserError, match=r"tuning\.csv: the first stage chooses .*none.*, and the second was run with"):
        tuning.numbers(saved)


def test_no_run_of_the_tuning_is_made_twice() -> None:
    """SimpleModel has no activation, and one setting is of both stages."""
    jobs = [job for r in tuning.ROUNDS for job in tuning.runs(r)]
    assert len({job.key for job in jobs}) == 10 * RUNS_OF_A_ROUND["tuning"]
    assert (ROUNDS if MADE_ANEW else PENDING)["tuning"] == tuning.ROUNDS


def test_the_choice_by_hand() -> None:
    """Fewest parameters within one standard error of the best, and of those the best."""
    settings = [{"maps": [32, 64], "hidden": hidden} for hidden in (150, 100, 100, 50)]
    # means 90, 89.7, 89.9, 89; the best one's standard error is sqrt(2.5 / 3) / sqrt(4) = 0.456
    means = [[89.5, 90.5, 89, 91], [89.7] * 4, [89.9] * 4, [89] * 4]
    assert tuning.choose(settings, means) is settings[2]
    assert tuning.choose(settings, [means[0], [89.6] * 4, [89.6] * 4, [89.55] * 4]) is settings[3]
    assert tuning.choose(settings, [means[0], [89.54] * 4, [89.5] * 4, [89.53] * 4]) is settings[0]
