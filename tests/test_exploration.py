"""What the exploration classes add, against plain Python."""

import math

import pytest
import torch
from torch import Tensor, nn

from helpers import UserError, distort, load_round, nb_parameters, run, train
from models.AuxLoss import AuxModel1, train_model_AM
from models.WSharing import JointComparison, WSModel1, disagreement, imbalance, train_model_WS


def softmax(scores: list[float]) -> list[float]:
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def test_joint_comparison_against_a_double_loop() -> None:
    scores = 3 * torch.randn(6, 2, 10, generator=torch.Generator().manual_seed(0))
    found = JointComparison()(scores.log_softmax(-1).flatten(1))
    assert found.shape == (6, 2)
    for n in range(6):
        first, second = softmax(scores[n, 0].tolist()), softmax(scores[n, 1].tolist())
        lesser = greater = 0.0
        for i in range(10):
            for j in range(10):
                if i <= j:
                    lesser += first[i] * second[j]
                else:
                    greater += first[i] * second[j]
        assert found[n].exp().tolist() == pytest.approx([greater, lesser], abs=1e-6)
        assert greater + lesser == pytest.approx(1)


def test_joint_comparison_of_sure_digits() -> None:
    for first in range(10):
        for second in range(10):
            scores = torch.zeros(1, 2, 10)
            scores[0, 0, first] = scores[0, 1, second] = 50.0
            found = JointComparison()(scores.log_softmax(-1).flatten(1))
            assert found.argmax(1).item() == (1 if first <= second else 0)


def test_joint_comparison_is_stable_where_probabilities_are_not() -> None:
    scores = torch.zeros(1, 2, 10, requires_grad=True)
    extreme = scores + torch.tensor([1000.0] + 9 * [-1000.0])  # e^-2000 is 0 in any precision
    loss = JointComparison()(extreme.log_softmax(-1).flatten(1))[0, 0]  # log P(first > second), of two sure zeros
    assert loss.item() == pytest.approx(-2000 + math.log(9), rel=1e-4)
    loss.backward()
    assert torch.isfinite(scores.grad).all()


def test_imbalance_by_hand() -> None:
    sure = torch.full((10, 2, 10), -100.0)
    for n in range(10):
        sure[n, :, n] = 100.0  # every digit sure, all ten equally often
    assert imbalance(sure).item() == pytest.approx(0, abs=1e-6)
    assert imbalance(torch.zeros(4, 2, 10)).item() == pytest.approx(0, abs=1e-6)
    assert imbalance(sure[3:4]).item() == pytest.approx(math.log(10), rel=1e-6)
    # two of ten, one thrice as often: log 10 + 3/4 log 3/4 + 1/4 log 1/4
    assert imbalance(sure[[0, 0, 0, 1]]).item() == pytest.approx(
        math.log(10) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25), rel=1e-6
    )


def test_disagreement_against_a_plain_loop() -> None:
    scores = torch.randn(6, 2, 10, generator=torch.Generator().manual_seed(0))  # 3 pairs, twice
    total = 0.0
    for n in range(3):
        for c in (0, 1):
            p, q = softmax(scores[n, c].tolist()), softmax(scores[n + 3, c].tolist())
            total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 2
            total += sum(b * math.log(b / a) for a, b in zip(p, q, strict=True)) / 2
    assert disagreement(scores).item() == pytest.approx(total / 6, rel=1e-5)
    assert disagreement(torch.cat([scores[:3], scores[:3]])).item() == 0


class Recorder(nn.Module):
    """Takes part in training without doing anything, and keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.inputs: list[Tensor] = []

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        self.inputs.append(x)
        assert len(x) == len(y)
        return self.weight.sum()


def test_two_views_are_two_distorted_copies_in_turn() -> None:
    data, recorder = load_round(0, nb_train_pairs=4, nb_test_pairs=1), Recorder()
    generator = torch.Generator().manual_seed(0)
    train_set = (data.train_input, data.train_target)
    train(recorder, recorder.loss, train_set, nb_epochs=1, shuffle=False, nb_views=2, generator=generator)
    first, second = recorder.inputs[0].chunk(2)
    assert first.shape == data.train_input.shape
    for n in range(4):
        for view in (first, second):  # nearer to its own pair than to any other
            distances = (data.train_input - view[n]).square().sum((1, 2, 3))
            assert distances.argmin() == n
            assert distances[n] > 0
    assert not torch.equal(first, second)
    train(recorder, recorder.loss, train_set, nb_epochs=1, shuffle=False)
    assert torch.equal(recorder.inputs[1], data.train_input)


def test_distortions_are_as_small_as_they_are_said_to_be() -> None:
    """A bright dot in the middle moves by the shift alone; one 5 pixels from it, by what all of them allow."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij")

    def moves(row: int, column: int) -> Tensor:
        pairs = torch.zeros(500, 2, 14, 14)
        pairs[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1
        after = distort(pairs, generator).flatten(0, 1)
        mass = after.sum((1, 2))
        return torch.stack([(after * rows).sum((1, 2)) / mass - row, (after * columns).sum((1, 2)) / mass - column])

    # the middle of 14 pixels is 6.5: half a pixel from this dot
    middle = moves(6, 6)
    assert middle.abs().max() < 1.5
    assert middle.abs().max() > 0.9
    assert middle.mean(1).abs().max() < 0.1
    below = moves(11, 6)
    assert below.abs().max() < 1.1 + 5 * (0.11 + math.tan(math.radians(10)) + 0.1)
    assert below.abs().max() > 1.5


def test_distorting_leaves_a_plain_background_alone() -> None:
    pairs = torch.full((3, 2, 14, 14), -0.4)
    torch.testing.assert_close(distort(pairs, None), pairs)


def test_averaging_by_hand() -> None:
    class Line(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor(1.0))

    model = Line()
    # loss w: the gradient is 1, so w falls by the learning rate each step: 0.9, 0.8, 0.7
    x = torch.zeros(3)
    train(model, lambda x: model.w + x.sum(), (x,), nb_epochs=1, mini_batch_size=1, learning_rate=0.1, averaging=0.75)
    average = 0.9  # the average begins with the first weights after a step
    for w in (0.8, 0.7):
        average = 0.75 * average + 0.25 * w
    assert model.w.item() == pytest.approx(average, rel=1e-6)


def test_one_cycle_by_hand() -> None:
    """Rates and momentum of the cycle that PyTorch documents, on a gradient that is always 1."""
    model, seen = nn.Linear(1, 1, bias=False), []
    nn.init.zeros_(model.weight)

    def loss_of(x: Tensor) -> Tensor:
        seen.append(model.weight.item())
        return model.weight.sum() + 0 * x.sum()

    train(model, loss_of, (torch.zeros(10),), nb_epochs=1, mini_batch_size=1, learning_rate=1.0, one_cycle=True)

    def between(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    w, velocity = 0.0, 0.0
    for step in range(10):  # up to step 0.3 * 10 - 1 = 2, down to step 9
        assert seen[step] == pytest.approx(w, rel=1e-5)
        if step <= 2:
            rate, momentum = between(1 / 25, 1, step / 2), between(0.95, 0.85, step / 2)
        else:
            rate, momentum = between(1, 1 / 25e4, (step - 2) / 7), between(0.85, 0.95, (step - 2) / 7)
        velocity = momentum * velocity + 1
        w -= rate * velocity
    assert model.weight.item() == pytest.approx(w, rel=1e-5)


def test_consistency_needs_two_views() -> None:
    data = load_round(0, nb_train_pairs=4, nb_test_pairs=1)
    with pytest.raises(UserError, match=r"consistency = 1\.0.* nb_views=2"):
        run(data, WSModel1, train_model_WS, consistency=1.0)
    with pytest.raises(UserError, match=r"consistency = 0\.5.* nb_views=2"):
        run(data, AuxModel1, train_model_AM, data.train_classes, consistency=0.5, nb_views=1)


@pytest.mark.parametrize("nb_pairs", [1, 51])  # 51: a last mini-batch of one pair
def test_few_pairs(nb_pairs: int) -> None:
    data = load_round(0, nb_train_pairs=nb_pairs, nb_test_pairs=1)
    assert run(data, WSModel1, train_model_WS, nb_epochs=2, **WSModel1.training).nb_wrong in (0, 1)
    result = run(data, AuxModel1, train_model_AM, data.train_classes, nb_epochs=1, **AuxModel1.training)
    assert result.nb_wrong in (0, 1)


@pytest.mark.parametrize("model_class", [WSModel1, AuxModel1])
def test_budget(model_class: type[nn.Module]) -> None:
    assert nb_parameters(model_class()) <= 70_000


@pytest.mark.parametrize("model_class", [WSModel1, AuxModel1])
def test_a_result_depends_on_the_round_alone(model_class: type[nn.Module]) -> None:
    data = load_round(0, nb_train_pairs=100, nb_test_pairs=100)

    def losses() -> tuple[list[float], int]:
        if model_class is WSModel1:
            result = run(data, WSModel1, train_model_WS, nb_epochs=2, **WSModel1.training)
        else:
            result = run(data, AuxModel1, train_model_AM, data.train_classes, nb_epochs=2, **AuxModel1.training)
        return result.losses, result.nb_wrong

    once = losses()
    torch.rand(3)
    assert losses() == once


def test_wsmodel1_never_sees_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other digits with the same targets give the same network, to the last bit."""
    data = load_round(0, nb_train_pairs=50, nb_test_pairs=10)
    once = run(data, WSModel1, train_model_WS, nb_epochs=1, **WSModel1.training)
    hidden = data._replace(train_classes=torch.full_like(data.train_classes, -1))
    again = run(hidden, WSModel1, train_model_WS, nb_epochs=1, **WSModel1.training)
    for (name, a), (_, b) in zip(once.model.state_dict().items(), again.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
