"""Weight sharing: the two digits are split, go through the same weights, and are merged before the final layer."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from helpers import SIDE, check_pairs, train


class WSModel(nn.Module):
    """One branch that gives each digit ten scores, the same for both, and a linear layer that compares the scores.

    `maps` are the channels of the branch's two convolutions, `hidden` the units of its first fully connected layer,
    `merge` what is applied to the ten scores of each digit before the final layer. The defaults were chosen on
    validation pairs: report/results/tuning.csv.
    """

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 100, merge: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(1, maps[0], 3),  # 1 x 14 x 14 -> maps[0] x 12 x 12
            nn.MaxPool2d(2),  # -> 6 x 6
            nn.ReLU(),
            nn.Conv2d(maps[0], maps[1], 3),  # -> maps[1] x 4 x 4
            nn.MaxPool2d(2),  # -> 2 x 2
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * maps[1], hidden),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )
        self.merge = merge or nn.ReLU()
        self.final = nn.Linear(20, 2)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten plain scores of each digit, (N, 2, 10), for float32 (N, 2, 14, 14); ValueError if not."""
        check_pairs(pairs)
        digits = pairs.reshape(-1, 1, SIDE, SIDE)  # both digits of a pair go through the branch as one batch
        return self.branch(digits).view(-1, 2, 10)

    def compare(self, digit_scores: Tensor) -> Tensor:
        """Return the scores (N, 2) of class 0, first > second, and class 1, first <= second, from (N, 2, 10)."""
        return self.final(self.merge(digit_scores).flatten(1))

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes for normalised pairs (N, 2, 14, 14); ValueError if not."""
        return self.compare(self.digit_scores(pairs))


def train_model_WS(model: nn.Module, train_input: Tensor, train_target: Tensor, **settings: Any) -> list[float]:
    """Train `model` in place with the cross-entropy of the comparison; return each epoch's loss.

    It is not given the digits' classes. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,);
    `settings` are those of helpers.train, which says what it raises.
    """

    def loss_of(batch_input: Tensor, batch_target: Tensor) -> Tensor:
        return F.cross_entropy(model(batch_input), batch_target)

    return train(model, loss_of, (train_input, train_target), **settings)
