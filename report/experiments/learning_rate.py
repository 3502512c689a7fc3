"""The base networks by the learning rate, with the protocol's epochs and with as many as it takes to fit."""

from common.networks import BASE
from common.rows import VALIDATION, Variant

QUESTION = "At which learning rates do the two ideas help?"
ROUNDS = range(1300, 1310)
EPOCHS = {0.01: (50, 500), 0.03: (50, 150), 0.05: (50, 150), 0.1: (50, 150), 0.2: (50, 150)}
VARIANTS = {
    (network.name, rate, n): Variant(
        network, {**VALIDATION, "learning_rate": rate, "nb_epochs": n}, ROUNDS, keeps="losses"
    )
    for rate, numbers_of_epochs in EPOCHS.items()
    for n in sorted(numbers_of_epochs, reverse=True)
    for network in BASE
}
