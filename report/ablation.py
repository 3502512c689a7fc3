"""What each difference between an exploration class and its base class is worth, on validation pairs.

    python report/ablation.py

Each difference is taken away from the exploration class, and is added alone to the base class. Rows are kept in
results/ablation.csv, where only the missing ones are run; results/ablation.md is made from them.
"""

from functools import partial
from typing import Any

from inference import mean_and_interval
from rows import RESULTS, Job, accuracies_of, complete, table, write_whole
from torch import nn

from models.AuxLoss import AuxModel1, train_model_AM
from models.WSharing import WSModel1, train_model_WS

ROUNDS = range(1100, 1106)  # not those in which the settings were chosen
DATA = {"validation": True, "nb_test_pairs": 5000}
FILE = RESULTS / "ablation.csv"

# the differences of the network, which `build` takes away, and the keywords of those of the training
OF_NETWORK = ["last layer without weights", "batch normalisation"]
OF_TRAINING = {
    "mini-batches of 50": "mini_batch_size",
    "one cycle of learning rate and momentum": "one_cycle",
    "two distorted views": "nb_views",
    "consistency of the views": "consistency",
    "averaged weights": "averaging",
    "balanced digits": "balance",
    "auxiliary weight 1": "aux_weight",
    "label smoothing": "label_smoothing",
}
CLASSES = {"WSModel1": WSModel1, "AuxModel1": AuxModel1}
NEEDS = {"consistency of the views": "two distorted views"}


def build(model_class: type[WSModel1], network: list[str]) -> nn.Module:
    """Return an exploration class with only these differences of the network."""
    model = model_class()
    if "last layer without weights" not in network:
        model.merge, model.final = nn.ReLU(), nn.Linear(20, 2)
    if "batch normalisation" not in network:
        layers = [layer for layer in model.branch if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
        model.branch = nn.Sequential(*layers)
    return model


NETWORKS = {
    "WSModel1": (partial(build, WSModel1), train_model_WS, False),
    "AuxModel1": (partial(build, AuxModel1), train_model_AM, True),
}


def differences(name: str) -> list[str]:
    """Return the differences of an exploration class from its base class."""
    return OF_NETWORK + [difference for difference, keyword in OF_TRAINING.items() if keyword in CLASSES[name].training]


def variants(name: str) -> dict[str, list[str]]:
    """Return each variant's differences: all of them, all but one, one alone, none."""
    every = differences(name)
    table = {"all": every}
    for taken in every:
        gone = {taken, *(difference for difference, needed in NEEDS.items() if needed == taken)}
        table[f"without {taken}"] = [difference for difference in every if difference not in gone]
    for alone in every:
        table[f"only {alone}"] = [difference for difference in every if difference in (alone, NEEDS.get(alone))]
    return {**table, "none": []}


def job(name: str, kept: list[str], nb_round: int) -> Job:
    """Return the run of one variant."""
    keywords = [OF_TRAINING[difference] for difference in kept if difference in OF_TRAINING]
    training: dict[str, Any] = {keyword: CLASSES[name].training[keyword] for keyword in keywords}
    return Job("ablation", name, nb_round, {"network": [d for d in OF_NETWORK if d in kept]}, training, DATA)


def found_of(name: str) -> dict[str, list[float]]:
    """Return each variant's accuracies, a round each; KeyError if a row is missing."""
    return {
        variant: accuracies_of(FILE, [job(name, kept, r) for r in ROUNDS]) for variant, kept in variants(name).items()
    }


def worths(name: str) -> dict[str, tuple[str, str]]:
    """Return what each difference is worth: what is lost if it is taken away, and what is won by it alone."""
    found = found_of(name)
    worth = {}
    for difference in differences(name):
        lost = zip(found["all"], found[f"without {difference}"], strict=True)
        won = zip(found[f"only {difference}"], found["none"], strict=True)
        lost, won = ("{:+.2f} ± {:.2f}".format(*mean_and_interval([a - b for a, b in both])) for both in (lost, won))
        worth[difference] = lost, won
    return worth


def markdown(name: str) -> str:
    """Return the accuracies of the variants as a table; KeyError if a row is missing."""
    found, worth = found_of(name), worths(name)
    lines = []
    for difference in differences(name):
        lost, won = worth[difference]
        taken, alone = (f"{mean_and_interval(found[f'{how} {difference}'])[0]:.2f}" for how in ("without", "only"))
        needed = f" (with {NEEDS[difference]})" if difference in NEEDS else ""
        lines.append([difference + needed, taken, lost, alone, won])
    summary = "All of them: {:.2f} ± {:.2f}. None of them: {:.2f} ± {:.2f}.\n\n"
    summary = summary.format(*mean_and_interval(found["all"]), *mean_and_interval(found["none"]))
    return summary + table(["difference", "taken away", "worth", "alone", "worth"], lines)


def main() -> None:
    """Run what is missing and write the tables."""
    jobs = [job(name, kept, r) for r in ROUNDS for name in NETWORKS for kept in variants(name).values()]
    complete(FILE, jobs, NETWORKS)
    text = (
        "# What each difference of the exploration classes is worth\n\n"
        f"Validation accuracy in %, mean over rounds {ROUNDS[0]} to {ROUNDS[-1]}, {DATA['nb_test_pairs']} pairs each,"
        " and the mean difference in the same rounds, ± half of its 95 % Student-t interval: what is lost if one"
        " difference is taken away from the exploration class, and what is won if it alone is added to the base class."
        " Made by `python report/ablation.py` from `ablation.csv`.\n"
    )
    for name in NETWORKS:
        text += f"\n## {name}\n\n{markdown(name)}\n"
    write_whole(FILE.with_suffix(".md"), text)
    print(text)


if __name__ == "__main__":
    main()
