"""What the exploration classes add, against plain Python."""

import math

import pytest
import torch
from plain import TEN, softmax
from torch import Tensor

from helpers import load_round, run
from models.AuxLoss import AuxModel, train_model_AM
from models.WSharing import JointComparison, WSModel, WSModel1, disagreement, distort, imbalance, train_model_WS


def test_joint_comparison_against_a_double_loop() -> None:
    scores = 3 * torch.randn(6, 2, 10, generator=torch.Generator().manual_seed(0))
    for both, found in zip(scores.tolist(), JointComparison()(scores.flatten(1)).exp().tolist(), strict=True):
        first, second = map(softmax, both)
        at_most = sum(first[i] * second[j] for i in TEN for j in TEN if i <= j)
        assert found == pytest.approx([1 - at_most, at_most], abs=1e-6)


def test_joint_comparison_is_stable_where_probabilities_are_not() -> None:
    scores = torch.zeros(1, 2, 10, requires_grad=True)
    extreme = scores + torch.tensor([1000.0] + 9 * [-1000.0])  # e^-2000 is 0 in any precision
    loss = JointComparison()(extreme.flatten(1))[0, 0]  # log P(first > second), of two sure zeros
    assert loss.item() == pytest.approx(-2000 + math.log(9), rel=1e-4)
    loss.backward()
    assert torch.isfinite(scores.grad).all()


def affine_maps(nb_digits: int) -> tuple[Tensor, Tensor]:
    """Return the matrix (N, 2, 2) and the shift (N, 2), in pixels, of the distortion of each of N digits.

    Interpolation between pixels is exact on a ramp: a ramp of columns shows from which column each pixel was taken, a
    ramp of rows from which row. Two generators with the same seed distort both alike.
    """
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij")
    column, row = (
        distort(ramp.expand(nb_digits // 2, 2, 14, 14), torch.Generator().manual_seed(0)).flatten(0, 1)
        for ramp in (columns, rows)
    )
    taken = torch.stack([column, row], 1)[:, :, 6:8, 6:8]  # the middle of the image is the middle of these four
    right, down = taken[:, :, 0, 1] - taken[:, :, 0, 0], taken[:, :, 1, 0] - taken[:, :, 0, 0]
    return torch.stack([right, down], 2), taken.mean((2, 3)) - 6.5


def test_distortions_are_those_that_the_docstring_states() -> None:
    matrix, shift = affine_maps(4000)
    angle = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])
    width = matrix[:, :, 0].norm(dim=1)
    height = matrix[:, 1, 1] / angle.cos()
    shear = matrix[:, 0, 1] + angle.sin() * height
    drawn = {
        "angle": angle / math.radians(10),
        "width": (width - 1) / 0.1,
        "height": (height - 1) / 0.1,
        "shear": shear / 0.1,
        "right": shift[:, 0],
        "down": shift[:, 1],
    }
    for name, values in drawn.items():  # uniform from -1 to 1
        assert 0.99 < values.max() < 1.001, name
        assert -1.001 < values.min() < -0.99, name
        assert values.mean().abs() < 0.05, name
        assert values.square().mean().item() == pytest.approx(1 / 3, abs=0.03), name
    independent = torch.corrcoef(torch.stack(list(drawn.values()))) - torch.eye(6)
    assert independent.abs().max() < 0.1


def test_distorting_leaves_a_plain_background_alone() -> None:
    pairs = torch.full((3, 2, 14, 14), -0.4)
    torch.testing.assert_close(distort(pairs, None), pairs)


def cross_entropy(scores: list[float], label: int, smoothing: float = 0.0) -> float:
    """Return the cross-entropy with a label that is itself with 1 - smoothing, and any label with the rest."""
    logs = [math.log(probability) for probability in softmax(scores)]
    return -(1 - smoothing) * logs[label] - smoothing * sum(logs) / len(logs)


def regularisers(digit_scores: list[list[list[float]]]) -> tuple[float, float]:
    """Return imbalance and disagreement of two views of N pairs, in plain Python."""
    probabilities = [[softmax(scores) for scores in pair] for pair in digit_scores]
    digits = sum(probabilities, [])
    mean = [sum(column) / len(digits) for column in zip(*digits, strict=True)]
    imbalance = sum(p * math.log(10 * p) for p in mean)
    half = len(probabilities) // 2
    first, second = sum(probabilities[:half], []), sum(probabilities[half:], [])
    distances = [
        sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)) / 2
        for p, q in zip(first, second, strict=True)
    ]
    return imbalance, sum(distances) / len(distances)


def test_the_regularisers_against_plain_python() -> None:
    scores = 2 * torch.randn(6, 2, 10, generator=torch.Generator().manual_seed(0))  # 3 pairs, twice
    found = imbalance(scores).item(), disagreement(scores).item()
    assert found == pytest.approx(regularisers(scores.tolist()), rel=1e-4)
    sure = torch.tensor([100.0] + 9 * [-100.0]).repeat(4, 2, 1).requires_grad_()  # one of ten alone: the others are 0
    loss = imbalance(sure)
    assert loss.item() == pytest.approx(math.log(10), rel=1e-6)
    loss.backward()
    assert sure.grad is not None
    assert sure.grad.isfinite().all()


@pytest.mark.parametrize("consistency", [0.0, 30.0])
@pytest.mark.parametrize(
    ("model_class", "weights"),
    [
        (WSModel, {"balance": 0.0}),
        (WSModel, {"balance": 0.7}),
        (AuxModel, {"aux_weight": 0.3, "label_smoothing": 0.0}),
        (AuxModel, {"aux_weight": 0.3, "label_smoothing": 0.2}),
    ],
    ids=str,
)
def test_the_whole_loss_by_hand(model_class: type[WSModel], weights: dict[str, float], consistency: float) -> None:
    """A consistency compares two views, which are drawn if nobody asked for them."""
    data = load_round(0, nb_train_pairs=6, nb_test_pairs=1)
    torch.manual_seed(0)
    model = model_class()
    views = distort(data.train_input.repeat(2, 1, 1, 1), torch.Generator().manual_seed(5))
    with torch.no_grad():
        scores, digit_scores = (both.tolist() for both in model(views))
    target, classes = data.train_target.tolist() * 2, data.train_classes.tolist() * 2
    imbalance, disagreement = regularisers(digit_scores)
    assert min(0.7 * imbalance, 30 * disagreement) > 1e-4  # not lost in rounding
    expected = sum(cross_entropy(scores[n], target[n]) for n in range(12)) / 12 + consistency * disagreement
    settings = {**weights, "consistency": consistency, "two_views": not consistency, "shuffle": False, "nb_epochs": 1}
    settings["generator"] = torch.Generator().manual_seed(5)
    pairs = (data.train_input, data.train_target)
    if model_class is WSModel:
        expected += weights["balance"] * imbalance
        losses = train_model_WS(model, *pairs, **settings)
    else:
        for c in (0, 1):
            of_digit = [cross_entropy(digit_scores[n][c], classes[n][c], weights["label_smoothing"]) for n in range(12)]
            expected += weights["aux_weight"] * sum(of_digit) / 12
        losses = train_model_AM(model, *pairs, data.train_classes, **settings)
    assert losses == [pytest.approx(expected, abs=1e-6)]


def test_wsmodel1_never_sees_the_classes() -> None:
    """Other digits with the same targets give the same network, to the last bit."""
    data = load_round(0, nb_train_pairs=51, nb_test_pairs=10)  # the last mini-batch is of one pair
    hidden = data._replace(train_classes=torch.full_like(data.train_classes, -1))
    once, again = (run(each, WSModel1, train_model_WS, nb_epochs=1, **WSModel1.settings) for each in (data, hidden))
    for (name, a), (_, b) in zip(once.model.state_dict().items(), again.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
        assert a.isfinite().all(), name
