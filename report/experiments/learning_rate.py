"""At which learning rates do the two ideas help? The base networks, with few epochs and until they fit."""

import json

from common.measuring import losses
from common.networks import BASE, Network
from common.rows import Job, Row

from helpers import UserError

ROUNDS = range(1300, 1310)
RATES = (0.01, 0.03, 0.05, 0.1, 0.2)
DATA = {"validation": True, "nb_test_pairs": 5000}


def epochs_of(rate: float) -> tuple[int, int]:
    """Return the protocol's number of epochs, and as many as it takes to fit the training pairs."""
    return 50, 500 if rate == 0.01 else 150


def check_losses(row: Row) -> None:
    """Raise UserError unless a row's details are its losses."""
    found = json.loads(row["details"])
    if [found[0], found[-1]] != [round(float(row[name]), 4) for name in ("first_loss", "last_loss")]:
        raise UserError("details: they are not the losses")


def run(network: Network, rate: float, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a network at a learning rate."""
    training = {"learning_rate": rate, "nb_epochs": nb_epochs}
    return Job("learning_rate", network, nb_round, {}, training, DATA, details=losses, check_details=check_losses)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round, the longest first."""
    kinds = sorted(((n, rate) for rate in RATES for n in epochs_of(rate)), reverse=True)
    return [run(network, rate, n, nb_round) for n, rate in kinds for network in reversed(BASE)]
