"""The settings of the base networks: the choice of the first validation rows, and the search made again."""

import inspect
import json
from statistics import mean, stdev
from typing import Any

import plain
from conftest import all_saved
from experiments import tuning
from plain import BASE, ROUNDS, RUNS_OF_A_ROUND, VALIDATION, Near

from helpers import train
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel

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


def tuned(network: str, setting: dict[str, Any], first: bool = False) -> list[float]:
    """Return the accuracies of a setting, a round each: those of the first, frozen rows, or of today's."""
    model = {name: setting[name] for name in ("maps", "hidden", "activation")}
    if network == "SimpleModel":
        del model["activation"]
    settings = {"model": model, "training": {"shuffle": setting["shuffle"]}, "data": VALIDATION}
    if not first:
        return plain.percent("tuning", network, **settings)
    if "activation" in model:  # it was called so
        model["merge"] = model.pop("activation")
    text = json.dumps(settings, sort_keys=True)
    return [100 - int(plain.rows("tuning_first")[network, r, text]["wrong"]) / 50 for r in ROUNDS["tuning"]]


def means_of(setting: dict[str, Any], first: bool = False) -> list[float]:
    """Return a setting's means over the three networks, a round each."""
    return [mean(three) for three in zip(*(tuned(name, setting, first) for name in BASE), strict=True)]


def test_the_base_networks_have_the_settings_that_the_first_rows_chose() -> None:
    taken = [
        tuning.choose(settings, [means_of(each, first=True) for each in settings])
        for settings in (FIRST_STAGE, SECOND_STAGE)
    ]
    assert taken[0] == {"maps": [32, 64], "hidden": 100, "activation": "relu", "shuffle": True}
    assert taken[1] == tuning.IN_USE
    for model in (SimpleModel, WSModel):
        defaults = {name: parameter.default for name, parameter in inspect.signature(model).parameters.items()}
        assert (list(defaults["maps"]), defaults["hidden"]) == (taken[1]["maps"], taken[1]["hidden"])
    assert defaults["activation"] == taken[1]["activation"]
    assert inspect.signature(train).parameters["shuffle"].default == taken[1]["shuffle"]
    assert [tuning.FIRST, tuning.SIZES] == [FIRST_STAGE, SECOND_STAGE]


def test_the_numbers_of_the_tuning() -> None:
    found = tuning.numbers(all_saved())
    assert found["rounds"] == "1000 to 1009"
    taken = []
    for stage, settings in zip(found["stages"], (FIRST_STAGE, SECOND_STAGE), strict=True):
        taken.append(tuning.choose(settings, [means_of(each) for each in settings]))
        for line, setting in zip(stage, settings, strict=True):
            by_network = {name: tuned(name, setting) for name in BASE}
            assert line == {
                "maps": f"{setting['maps'][0]} and {setting['maps'][1]}",
                "hidden": str(setting["hidden"]),
                "activation": setting["activation"],
                "shuffle": str(setting["shuffle"]),
                **{name: Near(mean(values), 2) for name, values in by_network.items()},
                "mean": Near(mean(map(mean, by_network.values())), 2),
                "chosen": setting == taken[-1],
                "in_use": setting == tuning.IN_USE,
            }
    assert found["error"] == Near(stdev(means_of(taken[1])) / 10**0.5, 2)
    assert found["difference"] == plain.effect(means_of(taken[1]), means_of(tuning.IN_USE))


def test_no_run_of_the_tuning_is_made_twice() -> None:
    """SimpleModel has no activation, and one setting is of both stages."""
    jobs = [job for r in tuning.ROUNDS for job in tuning.runs(r)]
    assert len({job.key for job in jobs}) == 10 * RUNS_OF_A_ROUND["tuning"]


def test_the_choice_by_hand() -> None:
    """Fewest parameters within one standard error of the best, and of those the best."""
    settings = [{"maps": [32, 64], "hidden": hidden} for hidden in (150, 100, 100, 50)]
    # means 90, 89.7, 89.9, 89; the best one's standard error is sqrt(2.5 / 3) / sqrt(4) = 0.456
    means = [[89.5, 90.5, 89, 91], [89.7] * 4, [89.9] * 4, [89] * 4]
    assert tuning.choose(settings, means) is settings[2]
    assert tuning.choose(settings, [means[0], [89.6] * 4, [89.6] * 4, [89.55] * 4]) is settings[3]
    assert tuning.choose(settings, [means[0], [89.54] * 4, [89.5] * 4, [89.53] * 4]) is settings[0]
