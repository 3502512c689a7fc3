"""The plain convolutional network: both digits are two channels of one image."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from helpers import outputs, train


class SimpleModel(nn.Module):
    """Two rounds of convolution and max-pooling, then two fully connected layers.

    `maps` are the channels of the two convolutions, `hidden` the units of the first fully connected layer. The
    defaults were chosen on validation pairs: report/results/tuning_first.md.
    """

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, maps[0], 3),  # 2 x 14 x 14 -> maps[0] x 12 x 12
            nn.MaxPool2d(2),  # -> 6 x 6; the ReLU after it gives what one before it would, on a quarter of the values
            nn.ReLU(),
            nn.Conv2d(maps[0], maps[1], 3),  # -> maps[1] x 4 x 4
            nn.MaxPool2d(2),  # -> 2 x 2
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * maps[1], hidden),
            nn.ReLU(),
            nn.Linear(hidden, 2),
        )

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of class 0, first > second, and class 1, first <= second, of (N, 2, 14, 14)."""
        return self.layers(pairs)


def train_model(model: nn.Module, train_input: Tensor, train_target: Tensor, **settings: Any) -> list[float]:
    """Train `model` in place with the cross-entropy of the comparison; return each epoch's loss.

    `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,); `settings` are those of helpers.train, which
    says what it raises.
    """

    def loss_of(pairs: Tensor, target: Tensor) -> Tensor:
        scores, _ = outputs(model, pairs)
        return F.cross_entropy(scores, target)

    return train(model, loss_of, (train_input, train_target), **settings)
