"""Weight sharing: the two digits are split, go through the same weights, and are merged before the final layer."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers import SIDE, outputs, train


class WSModel(nn.Module):
    """One branch that gives each digit ten scores, the same for both, and a linear layer that compares the scores.

    `maps` are the channels of the branch's two convolutions, `hidden` the units of its first fully connected layer,
    `activation` makes what is applied to the ten scores of each digit before the final layer. The defaults were chosen
    on validation pairs: report/results/tuning_first.md.
    """

    def __init__(
        self, maps: tuple[int, int] = (32, 64), hidden: int = 150, activation: Callable[[], nn.Module] = nn.ReLU
    ) -> None:
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
        self.activation = activation()
        self.final: nn.Module = nn.Linear(20, 2)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten plain scores of each digit, (N, 2, 10), of pairs (N, 2, 14, 14)."""
        digits = pairs.flatten(0, 1).unsqueeze(1)  # both digits of a pair go through the branch as one batch
        return self.branch(digits).view(-1, 2, 10)

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N, 2) of class 0, first > second, and class 1, first <= second; and the digit scores."""
        digit_scores = self.digit_scores(pairs)
        return self.final(self.activation(digit_scores).flatten(1)), digit_scores


class JointComparison(nn.Module):
    """A last layer without weights: what the two digits' probabilities, softmax of their scores, say of the comparison.

    With p1 and p2 the probabilities of the ten digits for the first and the second image,
    P(first <= second) = sum of p1(i) p2(j) over i <= j, and P(first > second) the sum over i > j.
    """

    at_most: Tensor  # bool (100,): of the pairs of digits (0, 0), (0, 1) to (9, 9), which have i <= j

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("at_most", torch.ones(10, 10, dtype=torch.bool).triu().flatten(), persistent=False)

    def forward(self, digit_scores: Tensor) -> Tensor:
        """Return log P(first > second) and log P(first <= second), (N, 2), from both digits' ten scores, (N, 20)."""
        first, second = digit_scores.view(-1, 2, 10).log_softmax(-1).unbind(1)
        joint = (first.unsqueeze(2) + second.unsqueeze(1)).flatten(1)  # log p1(i) p2(j), (N, 100)
        return torch.stack([joint[:, ~self.at_most].logsumexp(1), joint[:, self.at_most].logsumexp(1)], 1)


class WSModel1(WSModel):
    """The exploration class: WSModel with a last layer without weights, regularised against memorising pairs.

    It is there to be modified and compared with WSModel. What each difference does is in report/report.pdf.
    """

    # the settings of train_model_WS that differ from the default
    settings: ClassVar[dict[str, Any]] = {
        "mini_batch_size": 50,
        "one_cycle": True,
        "two_views": True,
        "averaging": 0.99,
        "balance": 1.0,
        "consistency": 1.0,
    }

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150) -> None:
        super().__init__(activation=nn.Identity)  # its layers are replaced; drawing them keeps the rows' numbers
        self.branch = nn.Sequential(
            nn.Conv2d(1, maps[0], 3),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(maps[0]),  # difference: each convolution and the hidden layer are normalised
            nn.ReLU(),
            nn.Conv2d(maps[0], maps[1], 3),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(maps[1]),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * maps[1], hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )
        self.final = JointComparison()  # difference: the scores are of ten ordered digits, and decide the comparison


def imbalance(digit_scores: Tensor) -> Tensor:
    """Return how unequally the ten scores are used over a mini-batch: 0 if equally, log 10 if one alone.

    It is the Kullback-Leibler divergence of the mean probabilities of `digit_scores`, (N, 2, 10), from equal ones. That
    ten digits are equally frequent is an assumption, a prior: it holds for MNIST, nearly, and the targets agree with
    it, since about 0.55 of them are 1, and P(first <= second) is (1 + sum of p(i)^2) / 2.
    """
    mean = digit_scores.softmax(-1).mean((0, 1))
    mean = mean.clamp_min(torch.finfo(mean.dtype).tiny)  # the logarithm of 0 has no finite gradient
    return math.log(10) + torch.xlogy(mean, mean).sum()


def disagreement(digit_scores: Tensor) -> Tensor:
    """Return how differently two views of the same digits are scored: 0 if alike.

    It is the Kullback-Leibler divergence between the probabilities of the two views, the mean of both directions and of
    all digits. `digit_scores` is (2 N, 2, 10), the N pairs' second views after their first views.
    """
    first, second = digit_scores.log_softmax(-1).chunk(2)
    return ((first.exp() - second.exp()) * (first - second)).sum(-1).mean() / 2


def distort(pairs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the pairs (N, 2, 14, 14) with each digit rotated, scaled, sheared and shifted a little.

    Up to 10 degrees, 10 % in width and in height, 0.1 of the height sideways, and 1 pixel in each direction, all
    uniform. Pixels from outside repeat the border, which is nearly always background.
    """
    digits = pairs.reshape(-1, 1, SIDE, SIDE)
    angle, width, height, shear, right, down = (
        2 * torch.rand(6, len(digits), generator=generator).to(pairs.device) - 1  # -1 to 1
    )
    angle, width, height = math.radians(10) * angle, 1 + 0.1 * width, 1 + 0.1 * height
    first_row = torch.stack([angle.cos() * width, -angle.sin() * height + 0.1 * shear, right * 2 / SIDE], 1)
    second_row = torch.stack([angle.sin() * width, angle.cos() * height, down * 2 / SIDE], 1)  # the image is 2 wide
    grid = F.affine_grid(torch.stack([first_row, second_row], 1), list(digits.shape), align_corners=False)
    return F.grid_sample(digits, grid, padding_mode="border", align_corners=False).view_as(pairs)


def distorted_twice(batch: list[Tensor], generator: torch.Generator | None) -> list[Tensor]:
    """Return a view of each of n pairs, then another of each, and the labels of the 2 n views."""
    pairs, *labels = (torch.cat([tensor, tensor]) for tensor in batch)
    return [distort(pairs, generator), *labels]


def train_model_WS(
    model: nn.Module,
    train_input: Tensor,
    train_target: Tensor,
    *,
    two_views: bool = False,
    balance: float = 0.0,
    consistency: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the cross-entropy of the comparison; return each epoch's loss.

    It is not given the digits' classes. `balance` and `consistency` are the weights of `imbalance` and `disagreement`
    in the loss. With `two_views`, or with a consistency, which compares them, it is that of two distorted views of each
    pair. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,); `settings` are those of helpers.train.
    """

    def loss_of(pairs: Tensor, target: Tensor) -> Tensor:
        scores, digit_scores = outputs(model, pairs, digits=bool(balance or consistency))
        loss = F.cross_entropy(scores, target)
        if balance:
            loss = loss + balance * imbalance(digit_scores)
        if consistency:
            loss = loss + consistency * disagreement(digit_scores)
        return loss

    transform = distorted_twice if two_views or consistency else None
    return train(model, loss_of, (train_input, train_target), transform=transform, **settings)
