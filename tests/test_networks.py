"""The networks, against sizes counted by hand and against the branch run twice."""

import math

import pytest
import torch
import torch.nn.functional as F
from common.networks import WS
from plain import softmax
from torch import nn

from helpers import nb_parameters
from models.AuxLoss import AuxModel, AuxModel1
from models.SimpleCNN import SimpleModel
from models.WSharing import WSModel, WSModel1

ALL = [SimpleModel, WSModel, AuxModel]


def conv(maps_in: int, maps_out: int) -> int:
    """Count the parameters of a 3x3 convolution by hand."""
    return maps_out * (9 * maps_in + 1)


def linear(units_in: int, units_out: int) -> int:
    """Count the parameters of a fully connected layer by hand."""
    return units_out * (units_in + 1)


def test_parameters_counted_by_hand() -> None:
    simple = conv(2, 32) + conv(32, 64) + linear(256, 100) + linear(100, 2)
    sharing = conv(1, 32) + conv(32, 64) + linear(256, 100) + linear(100, 10) + linear(20, 2)
    assert nb_parameters(SimpleModel(maps=(64, 128), hidden=128)) == 140_994  # as published: 512-128-2
    assert nb_parameters(SimpleModel((32, 64), 100)) == simple == 45_006
    assert nb_parameters(WSModel((32, 64), 100)) == nb_parameters(AuxModel((32, 64), 100)) == sharing == 45_568


@pytest.mark.parametrize("model_class", [WSModel1, AuxModel1])
def test_parameters_of_the_exploration_classes_counted_by_hand(model_class: type[WSModel]) -> None:
    normalisation = 2 * (32 + 64 + 150)
    counted = conv(1, 32) + conv(32, 64) + linear(256, 150) + linear(150, 10) + normalisation
    assert nb_parameters(model_class()) == counted == 59_368


def test_budget() -> None:
    simple, sharing, auxiliary = (nb_parameters(model()) for model in ALL)
    assert max(simple, sharing, nb_parameters(WSModel1())) <= 70_000
    assert abs(simple - sharing) <= 0.05 * sharing
    assert auxiliary == sharing


@pytest.mark.parametrize(("layers", "digits"), [("layers", 1), ("branch", 2)])
def test_sizes_of_the_feature_maps(layers: str, digits: int) -> None:
    model = {"layers": SimpleModel, "branch": WSModel}[layers](maps=(5, 7), hidden=11)
    shapes = [
        (layer, x.shape) for layer, x in walk(getattr(model, layers), torch.zeros(3 * digits, 3 - digits, 14, 14))
    ]
    sides = [tuple(shape[1:]) for layer, shape in shapes if isinstance(layer, nn.Conv2d | nn.MaxPool2d)]
    assert sides == [(5, 12, 12), (5, 6, 6), (7, 4, 4), (7, 2, 2)]
    assert shapes[-1][1] == (3 * digits, 10 if digits == 2 else 2)


def walk(layers: nn.Sequential, x: torch.Tensor) -> list[tuple[nn.Module, torch.Tensor]]:
    """Run the layers one by one; return each with its output."""
    outputs = []
    for layer in layers:
        x = layer(x)
        outputs.append((layer, x))
    return outputs


def test_the_layers_are_those_that_the_replicated_work_describes() -> None:
    """The exploration classes normalise before each ReLU."""
    for layers in (SimpleModel().layers, WSModel().branch):
        one_round = ["Conv2d", "MaxPool2d", "ReLU"]
        assert [type(layer).__name__ for layer in layers] == [*one_round * 2, "Flatten", "Linear", "ReLU", "Linear"]
    for layers in (WSModel1().branch, AuxModel1().branch):
        one_round = ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU"]
        kinds = [*one_round * 2, "Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"]
        assert [type(layer).__name__ for layer in layers] == kinds


@pytest.mark.parametrize("model_class", [WSModel, AuxModel])
def test_sharing_is_the_branch_run_twice(model_class: type[WSModel]) -> None:
    torch.manual_seed(0)
    model, pairs = model_class(), torch.randn(5, 2, 14, 14)
    first, second = model.branch(pairs[:, 0:1]), model.branch(pairs[:, 1:2])
    assert first.shape == (5, 10)
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


@pytest.mark.parametrize("activation", PLAIN)
def test_activations_of_the_ten_scores_against_plain_python(activation: str) -> None:
    """Those of the study, by the names that they have in its rows; ReLU unless told."""
    torch.manual_seed(0)
    model, scores = WS.make(**({} if activation == "relu" else {"activation": activation})), torch.randn(2, 10)
    model.digit_scores = lambda pairs: scores.unsqueeze(0)
    merged = sum((PLAIN[activation](digit) for digit in scores.tolist()), [])
    expected = [
        sum(weight * value for weight, value in zip(row, merged, strict=True)) + bias
        for row, bias in zip(model.final.weight.tolist(), model.final.bias.tolist(), strict=True)
    ]
    assert model(torch.zeros(1, 2, 14, 14))[0][0].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_shared_weight_gets_the_gradients_of_both_digits() -> None:
    torch.manual_seed(0)
    model, pairs = WSModel(), torch.randn(4, 2, 14, 14)
    weight = model.branch[0].weight

    def gradient(detached: int | None) -> torch.Tensor:
        scores = [model.branch(pairs[:, c : c + 1]) for c in (0, 1)]
        if detached is not None:
            scores[detached] = scores[detached].detach()
        merged = torch.cat(scores, 1).relu() @ model.final.weight.T + model.final.bias
        return torch.autograd.grad(F.cross_entropy(merged, torch.tensor([0, 1, 1, 0])), weight)[0]

    both = torch.autograd.grad(F.cross_entropy(model(pairs)[0], torch.tensor([0, 1, 1, 0])), weight)[0]
    torch.testing.assert_close(both, gradient(1) + gradient(0))
    assert not torch.allclose(both, gradient(1))


def test_sharing_swaps_the_digits_scores_with_the_digits() -> None:
    torch.manual_seed(0)
    model, pairs = WSModel(), torch.randn(3, 2, 14, 14)
    torch.testing.assert_close(model.digit_scores(pairs.flip(1)), model.digit_scores(pairs).flip(1))
