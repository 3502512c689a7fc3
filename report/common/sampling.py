"""Rounds that helpers.load_round does not draw: of digits that are not equally frequent."""

from typing import Any

import torch

import helpers
from helpers import Round, load_round


def load_skewed(nb_round: int, *, shares: list[float]) -> Round:
    """Draw a round as helpers.load_round does, from only some of the images: of each digit, this share of them.

    `shares` are ten probabilities, 0 to 1, for the digits 0 to 9; each image is kept or not by a draw of its own.
    """

    def draw(images: torch.Tensor, labels: torch.Tensor, purpose: str, nb_pairs: int) -> helpers.Pairs:
        shuffled = torch.randperm(len(images), generator=helpers.generator_of(purpose, nb_round))
        drawn = torch.rand(len(images), generator=helpers.generator_of(f"kept {purpose}", nb_round))
        kept = drawn < torch.tensor(shares)[labels]
        return helpers.make_pairs(images, labels, shuffled[kept[shuffled]], nb_pairs)

    train_images, train_labels, test_images, test_labels = map(helpers.read_mnist, helpers.MNIST)
    train = draw(train_images, train_labels, "train pairs", helpers.NB_TRAIN_PAIRS)
    test = draw(test_images, test_labels, "test pairs", helpers.NB_TEST_PAIRS)
    return helpers.make_round(nb_round, train, test)


def load(nb_round: int, **settings: Any) -> Round:
    """Draw a round in the way that its settings say."""
    return (load_skewed if "shares" in settings else load_round)(nb_round, **settings)
