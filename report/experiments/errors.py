"""Which pairs remain wrong? What the exploration classes' scores mean, and the pairs that they misclassify."""

from typing import Any

import torch
from common.networks import EXPLORATION, Network
from common.rows import Job, Row
from common.running import scores_of_digits
from torch import Tensor, nn

from helpers import Round, UserError, load_round

ROUNDS = range(10)
NB_WORST = 10


def table_of(rows: Tensor, columns: Tensor) -> list[list[int]]:
    """Return how often each two digits come together: 10 x 10 counts."""
    return torch.bincount(10 * rows + columns, minlength=100).view(10, 10).tolist()


def details(model: nn.Module, data: Round) -> dict[str, Any]:
    """Return, over the test pairs: highest scores by digit, wrong pairs by digits, and the worst pairs.

    The worst are the wrong pairs with the highest probability of the wrong class: index, both digits, probability.
    """
    with torch.no_grad():
        probabilities = model(data.test_input).softmax(1)
    highest = scores_of_digits(model, data.test_input).argmax(-1)
    wrong = probabilities.argmax(1) != data.test_target
    order = [n for n in probabilities.max(1).values.argsort(descending=True).tolist() if wrong[n]][:NB_WORST]
    return {
        "digits": table_of(data.test_classes.flatten(), highest.flatten()),
        "wrong": table_of(*data.test_classes[wrong].unbind(1)),
        "worst": [(n, *data.test_classes[n].tolist(), round(probabilities[n].max().item(), 6)) for n in order],
    }


def check_details(found: Any, row: Row) -> None:
    """Raise UserError unless the details are of the round's test pairs and agree with the row's counts."""
    classes = load_round(int(row["round"])).test_classes
    try:
        right = [sum(line) for line in found["digits"]] == torch.bincount(classes.flatten(), minlength=10).tolist()
        right &= sum(found["digits"][n][n] for n in range(10)) == 2 * int(row["total"]) - int(row["digits_wrong"])
        pairs = torch.tensor(table_of(*classes.unbind(1)))
        right &= bool((torch.tensor(found["wrong"]) <= pairs).all())
        right &= sum(map(sum, found["wrong"])) == int(row["wrong"])
        right &= len(found["worst"]) == min(NB_WORST, int(row["wrong"]))
        right &= all(classes[n].tolist() == pair and 0.5 <= p <= 1 for n, *pair, p in found["worst"])
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"details: {error!r}") from error
    if not right:
        raise UserError("details: they are not those of the round's test pairs, or of the row's counts")


def run(network: Network, nb_round: int) -> Job:
    """Return the run of an exploration class, with what it gets wrong."""
    return Job("errors", network, nb_round, details=details, check_details=check_details)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, nb_round) for network in EXPLORATION]
