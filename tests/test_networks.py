"""The networks, against sizes counted by hand and against the branch run twice."""

import math

import pytest
import torch
from common.networks import ACTIVATIONS
from plain import softmax

from helpers import nb_parameters
from models.AuxLoss import AuxModel, AuxModel1
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel, WSModel1


def test_parameters_counted_by_hand() -> None:
    """Of each 3x3 convolution and each linear layer: outputs x (inputs + 1)."""
    simple = 32 * (9 * 2 + 1) + 64 * (9 * 32 + 1) + 100 * (256 + 1) + 2 * (100 + 1)
    sharing = 32 * (9 * 1 + 1) + 64 * (9 * 32 + 1) + 100 * (256 + 1) + 10 * (100 + 1) + 2 * (20 + 1)
    assert nb_parameters(SimpleModel((32, 64), 100)) == simple == 45_006
    assert nb_parameters(WSModel((32, 64), 100)) == nb_parameters(AuxModel((32, 64), 100)) == sharing == 45_568


def test_the_layers_are_those_that_the_replicated_work_describes() -> None:
    """The exploration classes normalise before each ReLU."""
    for layers in (SimpleModel().layers, WSModel().branch):
        one_round = ["Conv2d", "MaxPool2d", "ReLU"]
        assert [type(layer).__name__ for layer in layers] == [*one_round * 2, "Flatten", "Linear", "ReLU", "Linear"]
    for layers in (WSModel1().branch, AuxModel1().branch):
        one_round = ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU"]
        kinds = [*one_round * 2, "Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"]
        assert [type(layer).__name__ for layer in layers] == kinds


def test_sharing_is_the_branch_run_twice() -> None:
    torch.manual_seed(0)
    model, pairs = WSModel(), torch.randn(5, 2, 14, 14)
    first, second = model.branch(pairs[:, 0:1]), model.branch(pairs[:, 1:2])
    torch.testing.assert_close(model.digit_scores(pairs), torch.stack([first, second], 1))
    merged = torch.cat([first.clamp_min(0), second.clamp_min(0)], 1)  # ReLU
    scores, digit_scores = model(pairs)
    torch.testing.assert_close(digit_scores, model.digit_scores(pairs))
    torch.testing.assert_close(scores, merged @ model.final.weight.T + model.final.bias)


PLAIN = {
    "none": lambda scores: scores,
    "relu": lambda scores: [max(score, 0) for score in scores],
    "tanh": lambda scores: [math.tanh(score) for score in scores],
    "sigmoid": lambda scores: [1 / (1 + math.exp(-score)) for score in scores],
    "softmax": softmax,
    "log-softmax": lambda scores: [math.log(probability) for probability in softmax(scores)],
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_the_ten_scores_against_plain_python(activation: str) -> None:
    """Those of the study, by the names that they have in its rows."""
    scores = torch.randn(1, 2, 10, generator=torch.Generator().manual_seed(0))
    expected = torch.tensor([[PLAIN[activation](digit) for digit in scores[0].tolist()]])
    torch.testing.assert_close(ACTIVATIONS[activation]()(scores), expected)
