"""The networks of the study: those of models/, the controls, and the authors' own, rebuilt.

No two of them share a name: a row knows its network by it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers import SIDE, evaluate, outputs, train
from models.AuxLoss import AuxModel, AuxModel1, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import JointComparison, WSModel, WSModel1, disagreement, distorted_twice, train_model_WS

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softmax": partial(nn.Softmax, dim=-1),
    "log-softmax": partial(nn.LogSoftmax, dim=-1),
}


class Network(NamedTuple):
    """A network of the study: its name in the rows, its class, and its training function."""

    name: str
    model_class: Callable[..., nn.Module]
    train: Callable[..., list[float]]
    labelled: bool  # trained with digit labels

    @property
    def training(self) -> dict[str, Any]:
        """The settings that its class is trained with."""
        return getattr(self.model_class, "settings", {})

    @property
    def has_digit_scores(self) -> bool:
        """Whether it gives each digit ten scores."""
        return hasattr(self.model_class, "digit_scores")

    def make(self, **keywords: Any) -> nn.Module:
        """Return a new network; an activation is given by its name."""
        if "activation" in keywords:
            keywords["activation"] = ACTIVATIONS[keywords["activation"]]
        return self.model_class(**keywords)


SIMPLE = Network("SimpleModel", SimpleModel, train_model, labelled=False)
WS = Network("WSModel", WSModel, train_model_WS, labelled=False)
WS1 = Network("WSModel1", WSModel1, train_model_WS, labelled=False)
AUX = Network("AuxModel", AuxModel, train_model_AM, labelled=True)
AUX1 = Network("AuxModel1", AuxModel1, train_model_AM, labelled=True)
BASE, EXPLORATION = (SIMPLE, WS, AUX), (WS1, AUX1)
MAIN = (SIMPLE, WS, WS1, AUX, AUX1)

# ---- Controls -------------------------------------------------------------------------------------------------------


class UntiedModel(WSModel):
    """WSModel with a branch of its own for each digit: the digits are split, but no weight is shared.

    The first branch and the final layer have the same initial weights as those of WSModel in the same round. A shared
    branch sums the gradients of two digits where each of these gets one: they are multiplied by `branch_rate`, which
    is, without momentum, so many times the learning rate.
    """

    def __init__(self, maps: tuple[int, int] = (32, 64), hidden: int = 150, branch_rate: float = 1.0) -> None:
        super().__init__(maps, hidden)
        self.second_branch = WSModel(maps, hidden).branch
        if branch_rate != 1:
            for weight in (*self.branch.parameters(), *self.second_branch.parameters()):
                weight.register_hook(lambda gradient: branch_rate * gradient)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten scores of each digit, (N, 2, 10)."""
        return torch.stack([self.branch(pairs[:, :1]), self.second_branch(pairs[:, 1:])], 1)


class JointModel(WSModel):
    """WSModel with the last layer of the exploration classes and nothing else of theirs."""

    def __init__(self) -> None:
        super().__init__(activation=nn.Identity)
        self.final = JointComparison()


class AblatedModel(WSModel1):
    """An exploration class with only some of its differences from the base class; none of its settings by default."""

    settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, joint: bool = True, batch_norm: bool = True) -> None:
        super().__init__()
        if not joint:
            self.activation, self.final = nn.ReLU(), nn.Linear(20, 2)
        if not batch_norm:
            layers = [layer for layer in self.branch if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
            self.branch = nn.Sequential(*layers)


def train_model_prior(
    model: nn.Module,
    train_input: Tensor,
    train_target: Tensor,
    *,
    prior: list[float],
    two_views: bool = False,
    consistency: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train as WSModel1 is, with the balance of its digits' probabilities against `prior` in place of equal ones.

    `prior` are ten frequencies of the digits, of which none counts for less than 0.001: it has a logarithm.
    """
    log_prior = torch.tensor(prior).clamp_min(1e-3).log()

    def loss_of(pairs: Tensor, target: Tensor) -> Tensor:
        scores, digit_scores = outputs(model, pairs, digits=True)
        frequencies = digit_scores.softmax(-1).mean((0, 1))
        divergence = (frequencies * (frequencies.clamp_min(1e-30).log() - log_prior.to(frequencies))).sum()
        loss = F.cross_entropy(scores, target) + divergence
        return loss + consistency * disagreement(digit_scores) if consistency else loss

    transform = distorted_twice if two_views or consistency else None
    return train(model, loss_of, (train_input, train_target), transform=transform, **settings)


class PriorModel(WSModel1):
    """WSModel1, trained with the right prior on digits that are not equally frequent."""

    settings: ClassVar[dict[str, Any]] = {k: v for k, v in WSModel1.settings.items() if k != "balance"}


PRIOR = Network("PriorModel", PriorModel, train_model_prior, labelled=False)


class OneHot(nn.Module):
    """What gives a digit's highest score 1, and its others 0."""

    def forward(self, digit_scores: Tensor) -> Tensor:
        """Return float32 (N, 2, 10)."""
        return F.one_hot(digit_scores.argmax(-1), 10).float()


class Highest(nn.Module):
    """What leaves a digit's highest score as it is, or 0 if it is below 0, and makes its others 0."""

    def forward(self, digit_scores: Tensor) -> Tensor:
        """Return float32 (N, 2, 10)."""
        return digit_scores.relu() * F.one_hot(digit_scores.argmax(-1), 10)


class Shares(nn.Module):
    """ReLU of a digit's ten scores, divided by their sum."""

    def forward(self, digit_scores: Tensor) -> Tensor:
        """Return float32 (N, 2, 10); 0 where no score is above 0."""
        scores = digit_scores.relu()
        return scores / scores.sum(-1, keepdim=True).clamp_min(1e-6)


GIVEN = {**ACTIVATIONS, "one-hot": OneHot, "highest": Highest, "shares": Shares}  # to a refitted last layer


def train_then_refit(
    model: WSModel,
    train_input: Tensor,
    train_target: Tensor,
    train_classes: Tensor,
    *,
    given: str,
    by_hand: bool = False,
    nb_refit_epochs: int = 1000,
    generator: torch.Generator | None = None,
    **settings: Any,
) -> list[float]:
    """Train as AuxModel is; then freeze the branch and fit a new linear last layer on what it is `given`.

    That is what a layer of GIVEN makes of the training pairs' digit scores, in evaluation mode. With `by_hand` the last
    layer is not fitted but set, to compare one-hot digits i and j: the second score is j - i + 0.5, the first 0.
    """
    losses = train_model_AM(model, train_input, train_target, train_classes, generator=generator, **settings)
    model.activation = GIVEN[given]()
    model.final = final = nn.Linear(20, 2).to(train_input.device)
    if by_hand:
        digits = torch.arange(10.0)
        state = {"weight": torch.stack([torch.zeros(20), torch.cat([-digits, digits])]), "bias": torch.tensor([0, 0.5])}
        final.load_state_dict(state)
    else:
        features = model.activation(evaluate(model, train_input)[1]).flatten(1)

        def loss_of(features: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(final(features), target)

        train(final, loss_of, (features, train_target), generator=generator, nb_epochs=nb_refit_epochs)
    return losses


class Reading(WSModel):
    """A network that only learns to read: its comparison is that of each digit's highest score.

    In training its two scores are 0: their loss, log 2, has no gradient.
    """

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N, 2) of the two classes, 0 or 1, and the digit scores."""
        digit_scores = self.digit_scores(pairs)
        if self.training:
            return pairs.new_zeros(len(pairs), 2), digit_scores
        first, second = digit_scores.argmax(-1).unbind(1)
        return F.one_hot((first <= second).long(), 2).float(), digit_scores


class ReadingModel(Reading, AuxModel):
    """AuxModel, trained with its digits' losses alone; its last layer is not used."""


class ReadingModel1(Reading, AuxModel1):
    """AuxModel1, trained with its digits' losses and its consistency alone."""


class DeepModel(WSModel1):
    """An exploration class with four convolutions, 65,426 parameters."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels, maps, padding in ((1, 24, 0), (24, 24, 1), (24, 48, 1), (48, 48, 1)):
            layers += [nn.Conv2d(channels, maps, 3, padding=padding), nn.BatchNorm2d(maps), nn.ReLU()]
        first, second = layers[:6], layers[6:]
        hidden = [nn.Flatten(), nn.Linear(9 * 48, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10)]
        self.branch = nn.Sequential(*first, nn.MaxPool2d(2), *second, nn.MaxPool2d(2), *hidden)


class DeepAuxModel(DeepModel):
    """The same network, with the settings of AuxModel1."""

    settings = AuxModel1.settings


REFITTED = Network("RefittedAuxModel", AuxModel, train_then_refit, labelled=True)
READING = Network("ReadingModel", ReadingModel, train_model_AM, labelled=True)
READING1 = Network("ReadingModel1", ReadingModel1, train_model_AM, labelled=True)
DEEP = Network("DeepModel", DeepModel, train_model_WS, labelled=False)
DEEP_AUX = Network("DeepAuxModel", DeepAuxModel, train_model_AM, labelled=True)
UNTIED = Network("UntiedModel", UntiedModel, train_model_WS, labelled=False)
UNTIED_AUX = Network("UntiedAuxModel", UntiedModel, train_model_AM, labelled=True)
JOINT = Network("JointModel", JointModel, train_model_WS, labelled=False)
JOINT_AUX = Network("JointAuxModel", JointModel, train_model_AM, labelled=True)
ABLATED_WS1 = Network("AblatedWSModel1", AblatedModel, train_model_WS, labelled=False)
SIMPLE_ON_VIEWS = Network("SimpleModelOnViews", SimpleModel, train_model_WS, labelled=False)
ABLATED_AUX1 = Network("AblatedAuxModel1", AblatedModel, train_model_AM, labelled=True)

# ---- The authors' networks: facts from their code, none of which is used --------------------------------------------


def features(channels: int) -> nn.Sequential:
    """Return the convolutions, which give 512 numbers: 4 for each of the last 128 maps."""
    return nn.Sequential(
        *(nn.Conv2d(channels, 64, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(64, 128, 3), nn.MaxPool2d(2), nn.ReLU()),
        nn.Flatten(),
    )


def fully_connected(*units: int) -> nn.Sequential:
    """Return linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for units_in, units_out in zip(units, units[1:], strict=False):
        layers += [nn.Linear(units_in, units_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class PublishedSimpleModel(nn.Module):
    """The published plain network, 140,994 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(features(2), fully_connected(512, 128, 2))

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes."""
        return self.layers(pairs)


class PublishedWSModel(nn.Module):
    """The published network with weight sharing, 178,028 parameters: the digits share their convolutions alone."""

    units: tuple[int, ...] = (100, 10, 2)

    def __init__(self) -> None:
        super().__init__()
        self.features, self.final = features(1), fully_connected(1024, *self.units)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes."""
        return self.final(self.features(pairs.reshape(-1, 1, SIDE, SIDE)).view(len(pairs), -1))


class PublishedWSModel1(PublishedWSModel):
    """The published exploration class with weight sharing."""

    units = (100, 2)


class NotebookWSModel(PublishedWSModel1):
    """WSModel as it was in the authors' own rounds, 178,208 parameters: it has a layer of 10 that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(100, 10)


class PublishedAuxModel(nn.Module):
    """The published network with an auxiliary loss, 130,288 parameters; its digit scores go through ReLU."""

    units: tuple[int, ...] = (100, 40, 10)

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(features(1), fully_connected(512, *self.units), nn.ReLU())
        self.final = nn.Linear(20, 2)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten scores of each digit, (N, 2, 10); none is below 0."""
        return self.branch(pairs.reshape(-1, 1, SIDE, SIDE)).view(-1, 2, 10)

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N, 2) of the two classes, and the digit scores."""
        digit_scores = self.digit_scores(pairs)
        return self.final(digit_scores.flatten(1)), digit_scores


class PublishedAuxModel1(PublishedAuxModel):
    """The published exploration class with an auxiliary loss, 126,848 parameters."""

    units = (100, 10)


NOTEBOOK_WS = Network("NotebookWSModel", NotebookWSModel, train_model, labelled=False)
PUBLISHED = (
    Network("PublishedSimpleModel", PublishedSimpleModel, train_model, labelled=False),
    Network("PublishedWSModel", PublishedWSModel, train_model, labelled=False),
    Network("PublishedWSModel1", PublishedWSModel1, train_model, labelled=False),
    Network("PublishedAuxModel", PublishedAuxModel, train_model_AM, labelled=True),
    Network("PublishedAuxModel1", PublishedAuxModel1, train_model_AM, labelled=True),
)
