"""The networks of the study that are not in models/: controls, and the published ones exactly as they were."""

import torch
from rows import NETWORKS, Network
from torch import Tensor, nn

from helpers import SIDE, check_pairs
from models.AuxLoss import train_model_AM
from models.SimpleCNN import train_model
from models.WSharing import JointComparison, WSModel, train_model_WS


class UntiedModel(WSModel):
    """WSModel with a branch of its own for each digit: the digits are split, but no weight is shared.

    The first branch and the final layer have the same initial weights as those of WSModel in the same round.
    """

    def __init__(self) -> None:
        super().__init__()
        self.second_branch = WSModel().branch

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten scores of each digit, (N, 2, 10), for float32 (N, 2, 14, 14); ValueError if not."""
        check_pairs(pairs)
        return torch.stack([self.branch(pairs[:, :1]), self.second_branch(pairs[:, 1:])], 1)


class JointModel(WSModel):
    """WSModel with the last layer of the exploration classes and nothing else of theirs."""

    def __init__(self) -> None:
        super().__init__(merge=nn.LogSoftmax(dim=-1))
        self.final = JointComparison()


# ---------------------------------------------------------------------------------------------------------------------
# The published networks: facts from the published code, none of which is used


def features(channels: int) -> nn.Sequential:
    """Return the published convolutions: 64 and 128 maps, and 512 numbers at the end."""
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

    units = (1024, 100, 10, 2)

    def __init__(self) -> None:
        super().__init__()
        self.features, self.final = features(1), fully_connected(*self.units)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes."""
        return self.final(self.features(pairs.reshape(-1, 1, SIDE, SIDE)).view(len(pairs), -1))


class PublishedWSModel1(PublishedWSModel):
    """The published exploration class with weight sharing."""

    units = (1024, 100, 2)


class PublishedAuxModel(nn.Module):
    """The published network with an auxiliary loss, 130,288 parameters; its digits' scores go through ReLU."""

    units = (512, 100, 40, 10)

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(features(1), fully_connected(*self.units), nn.ReLU())
        self.final = nn.Linear(20, 2)

    def digit_scores(self, pairs: Tensor) -> Tensor:
        """Return the ten scores of each digit, none below 0, (N, 2, 10)."""
        return self.branch(pairs.reshape(-1, 1, SIDE, SIDE)).view(-1, 2, 10)

    def compare(self, digit_scores: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes from (N, 2, 10)."""
        return self.final(digit_scores.flatten(1))

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the scores (N, 2) of the two classes."""
        return self.compare(self.digit_scores(pairs))


class PublishedAuxModel1(PublishedAuxModel):
    """The published exploration class with an auxiliary loss, 126,848 parameters."""

    units = (512, 100, 10)


ALL_NETWORKS: dict[str, Network] = {
    **NETWORKS,
    "UntiedModel": (UntiedModel, train_model_WS, False),
    "UntiedAuxModel": (UntiedModel, train_model_AM, True),
    "JointModel": (JointModel, train_model_WS, False),
    "JointAuxModel": (JointModel, train_model_AM, True),
    "PublishedSimpleModel": (PublishedSimpleModel, train_model, False),
    "PublishedWSModel": (PublishedWSModel, train_model, False),
    "PublishedWSModel1": (PublishedWSModel1, train_model, False),
    "PublishedAuxModel": (PublishedAuxModel, train_model_AM, True),
    "PublishedAuxModel1": (PublishedAuxModel1, train_model_AM, True),
}
