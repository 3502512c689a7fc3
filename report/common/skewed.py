"""Rounds whose digits are not equally frequent; part of the code version of the rows that use them."""

import torch

import helpers
from helpers import NB_TEST_PAIRS, NB_TRAIN_PAIRS, Pairs, Round


def load_skewed(nb_round: int, *, shares: list[float]) -> Round:
    """Draw a round as helpers.load_round does, from only some of the images: of each digit, this share of them.

    `shares` are ten probabilities, 0 to 1, for the digits 0 to 9; each image is kept or not by a draw of its own.
    """

    def draw(images: torch.Tensor, labels: torch.Tensor, purpose: str, nb_pairs: int) -> Pairs:
        shuffled = torch.randperm(len(images), generator=helpers.generator_of(purpose, nb_round))
        drawn = torch.rand(len(images), generator=helpers.generator_of(f"kept {purpose}", nb_round))
        kept = drawn < torch.tensor(shares)[labels]
        return helpers.make_pairs(images, labels, shuffled[kept[shuffled]][: 2 * nb_pairs])

    train_images, train_labels, test_images, test_labels = helpers.load_mnist()
    train = draw(train_images, train_labels, "train pairs", NB_TRAIN_PAIRS)
    test = draw(test_images, test_labels, "test pairs", NB_TEST_PAIRS)
    mean, std = train.input.mean(), train.input.std()
    train, test = (pairs._replace(input=(pairs.input - mean) / std) for pairs in (train, test))
    return Round(nb_round, *(tensor.to(helpers.device()) for tensor in (*train, *test)))
