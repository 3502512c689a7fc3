"""Weight sharing: the two digits are split, go through the same weights, and are merged before the final layer."""

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers import SIDE, UserError, check_pairs, train


class WSModel(nn.Module):
    """One branch that gives each digit ten scores, the same for both, and a linear layer that compares the scores.

    `maps` are the channels of the branch's two convolutions, `hidden` the units of its first fully connected layer,
    `merge` what is applied to the ten scores of each digit before the final layer. The defaults were chosen on
    validation pairs: report/results/tuning.csv.
    """

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150, merge: nn.Module | None = None) -> None:
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


class JointComparison(nn.Module):
    """A last layer without weights: what the two digits' probabilities say of their comparison.

    With p1 and p2 the probabilities of the ten digits for the first and the second image,
    P(first <= second) = sum of p1(i) p2(j) over i <= j, and P(first > second) the sum over i > j.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second = torch.arange(10).view(10, 1), torch.arange(10).view(1, 10)
        self.register_buffer("greater", (first > second).flatten().nonzero().squeeze(1), persistent=False)  # 45 pairs
        self.register_buffer("lesser", (first <= second).flatten().nonzero().squeeze(1), persistent=False)  # 55 pairs

    def forward(self, log_probabilities: Tensor) -> Tensor:
        """Return log P(first > second) and log P(first <= second), (N, 2), from both digits' ten, (N, 20)."""
        first, second = log_probabilities.view(-1, 2, 10).unbind(1)
        joint = (first.unsqueeze(2) + second.unsqueeze(1)).flatten(1)  # log p1(i) p2(j), (N, 100)
        return torch.stack([joint[:, self.greater].logsumexp(1), joint[:, self.lesser].logsumexp(1)], 1)


class WSModel1(WSModel):
    """The exploration class: WSModel with a last layer without weights, and trained so as not to learn pairs by heart.

    Without one of its differences from WSModel, it loses so many points of validation accuracy: last layer without
    weights 7.28, batch normalisation 0.44, mini-batches of 50 0.29, one cycle of learning rate and momentum 0.99, two
    distorted views 10.10, consistency of the views 1.46, averaged weights 0.03, balanced digits 1.65. What each is
    worth alone, and how sure that is, is in report/results/ablation.md.
    """

    # the keywords of train_model_WS that differ from the default
    training: ClassVar[dict[str, Any]] = {
        "mini_batch_size": 50,
        "one_cycle": True,
        "nb_views": 2,
        "averaging": 0.99,
        "balance": 1.0,
        "consistency": 1.0,
    }

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150) -> None:
        super().__init__()
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
        self.merge = nn.LogSoftmax(dim=-1)  # difference: scores are probabilities of ten ordered digits,
        self.final = JointComparison()  # and the comparison follows from them


def imbalance(digit_scores: Tensor) -> Tensor:
    """Return how unequally the ten scores are used over a mini-batch: 0 if equally, log 10 if one alone.

    It is the Kullback-Leibler divergence of the mean probabilities of `digit_scores`, (N, 2, 10), from equal ones. That
    ten digits are equally frequent is an assumption, which the targets alone support: P(first <= second) is
    (1 + sum of p(i)^2) / 2, and about 0.55 of the targets are 1, so that the sum is about 0.1, the least that ten
    frequencies can give, and only equal ones do.
    """
    mean = digit_scores.softmax(-1).mean((0, 1))
    return math.log(10) + torch.xlogy(mean, mean).sum()


def disagreement(digit_scores: Tensor) -> Tensor:
    """Return how differently two views of the same digits are scored: 0 if alike.

    It is the Kullback-Leibler divergence between the probabilities of the two views, the mean of both directions and of
    all digits. `digit_scores` is (2 N, 2, 10), the N pairs' second views after their first views.
    """
    first, second = digit_scores.log_softmax(-1).chunk(2)
    return ((first.exp() - second.exp()) * (first - second)).sum(-1).mean() / 2


def check_consistency(consistency: float, settings: dict[str, Any]) -> None:
    """Raise UserError if there is a consistency to train for, but not two views."""
    if consistency and settings.get("nb_views") != 2:
        raise UserError(f"consistency = {consistency!r}: it compares two views of each pair, and needs nb_views=2.")


def train_model_WS(
    model: WSModel,
    train_input: Tensor,
    train_target: Tensor,
    *,
    balance: float = 0.0,
    consistency: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the cross-entropy of the comparison; return each epoch's loss.

    It is not given the digits' classes. `balance` is the weight of `imbalance` in the loss, `consistency` that of
    `disagreement`, which takes nb_views=2. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,);
    `settings` are those of helpers.train, which says what it raises.
    """
    check_consistency(consistency, settings)

    def loss_of(batch_input: Tensor, batch_target: Tensor) -> Tensor:
        digit_scores = model.digit_scores(batch_input)
        loss = F.cross_entropy(model.compare(digit_scores), batch_target)
        if balance:
            loss = loss + balance * imbalance(digit_scores)
        if consistency:
            loss = loss + consistency * disagreement(digit_scores)
        return loss

    return train(model, loss_of, (train_input, train_target), **settings)
