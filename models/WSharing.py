"""Weight sharing: the two digits are split, go through the same weights, and are merged before the final layer."""

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers import SIDE, UserError, check_pairs, check_real, check_shape, train

ACTIVATIONS: dict[str, nn.Module] = {
    "none": nn.Identity(),
    "relu": nn.ReLU(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "softmax": nn.Softmax(dim=-1),
    "log-softmax": nn.LogSoftmax(dim=-1),
}


class WSModel(nn.Module):
    """One branch that gives each digit ten scores, the same for both, and a linear layer that compares the scores.

    `maps` are the channels of the branch's two convolutions, `hidden` the units of its first fully connected layer,
    `activation` names what is applied to the ten scores of each digit before the final layer. The defaults were chosen
    on validation pairs: report/results/tuning_first.md. UserError for an unknown activation.
    """

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150, activation: str = "relu") -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UserError(f"activation = {activation!r}: it must be one of {', '.join(ACTIVATIONS)}.")
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
        self.activation = ACTIVATIONS[activation]
        self.final: nn.Module = nn.Linear(20, 2)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten plain scores of each digit, (N, 2, 10), for float32 (N, 2, 14, 14); ValueError if not."""
        check_pairs(pairs)
        digits = pairs.reshape(-1, 1, SIDE, SIDE)  # both digits of a pair go through the branch as one batch
        return self.branch(digits).view(-1, 2, 10)

    def compare(self, digit_scores: Tensor) -> Tensor:
        """Return the scores (N, 2) of class 0, first > second, and class 1, first <= second, from (N, 2, 10)."""
        return self.final(self.activation(digit_scores).flatten(1))

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes for normalised pairs (N, 2, 14, 14); ValueError if not.

        Training calls the two methods above: change those, not this one.
        """
        return self.compare(self.digit_scores(pairs))


class JointComparison(nn.Module):
    """A last layer without weights: what the two digits' probabilities say of their comparison.

    With p1 and p2 the probabilities of the ten digits for the first and the second image,
    P(first <= second) = sum of p1(i) p2(j) over i <= j, and P(first > second) the sum over i > j.
    """

    greater: Tensor
    at_most: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, second = torch.arange(10).view(10, 1), torch.arange(10).view(1, 10)
        self.register_buffer("greater", (first > second).flatten().nonzero().squeeze(1), persistent=False)  # 45 pairs
        self.register_buffer("at_most", (first <= second).flatten().nonzero().squeeze(1), persistent=False)  # 55 pairs

    def forward(self, log_probabilities: Tensor) -> Tensor:
        """Return log P(first > second) and log P(first <= second), (N, 2), from both digits' ten, (N, 20).

        UserError if those are not logarithms of probabilities.
        """
        first, second = log_probabilities.view(-1, 2, 10).unbind(1)
        if not self.training and (log_probabilities.view(-1, 10).logsumexp(1).abs() > 0.01).any():
            raise UserError("JointComparison needs log-probabilities: set self.activation to nn.LogSoftmax(dim=-1).")
        joint = (first.unsqueeze(2) + second.unsqueeze(1)).flatten(1)  # log p1(i) p2(j), (N, 100)
        return torch.stack([joint[:, self.greater].logsumexp(1), joint[:, self.at_most].logsumexp(1)], 1)


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
        self.activation = nn.LogSoftmax(dim=-1)  # difference: scores are probabilities of ten ordered digits,
        self.final = JointComparison()  # and the comparison follows from them


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


def check_consistency(consistency: float, settings: dict[str, Any]) -> None:
    """Raise UserError if `consistency` is invalid, or is above 0 without two views."""
    check_real("consistency", consistency)
    if consistency and settings.get("two_views") is not True:
        raise UserError(f"consistency = {consistency!r}: it compares two views of each pair; set two_views=True too.")


@torch.no_grad()
def check_forward(model: WSModel, pairs: Tensor) -> None:
    """Raise UserError, naming the class, unless `forward` gives what is trained: compare(digit_scores(pairs))."""
    model.eval()
    few = pairs[:10]
    evaluated, trained = model(few), model.compare(model.digit_scores(few))
    name = type(model).__name__
    check_shape(f"what {name}.forward returned", evaluated, len(few), 2)
    if not torch.allclose(evaluated, trained, rtol=1e-3, atol=1e-4):
        raise UserError(
            f"{name}.forward returned other scores than {name}.compare(digit_scores(pairs)), which training uses: what "
            "only forward does is never trained. Put the change into digit_scores or compare."
        )


def scores_of(model: WSModel, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of the comparison, (N, 2), and of the digits, (N, 2, 10); UserError for other shapes."""
    name = type(model).__name__
    digit_scores = model.digit_scores(pairs)
    check_shape(f"what {name}.digit_scores returned", digit_scores, len(pairs), 2, 10)
    scores = model.compare(digit_scores)
    check_shape(f"what {name}.compare returned", scores, len(pairs), 2)
    return scores, digit_scores


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
    `disagreement`, which takes two_views=True. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,);
    `settings` are those of helpers.train, which says what it raises. UserError, too, for a `forward` that does what
    is not trained.
    """
    check_real("balance", balance)
    check_consistency(consistency, settings)
    check_shape("train_target", train_target, len(train_input))
    check_forward(model, train_input)

    def loss_of(batch_input: Tensor, batch_target: Tensor) -> Tensor:
        scores, digit_scores = scores_of(model, batch_input)
        loss = F.cross_entropy(scores, batch_target)
        if balance:
            loss = loss + balance * imbalance(digit_scores)
        if consistency:
            loss = loss + consistency * disagreement(digit_scores)
        return loss

    return train(model, loss_of, (train_input, train_target), **settings)
