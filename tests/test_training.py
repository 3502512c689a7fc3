"""The training loop, the losses and the count of errors, against the same by hand."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import helpers
from helpers import Round, UserError, load_round, nb_wrong, run, train
from models.AuxLoss import AuxModel, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, train_model_WS

ALL = [(SimpleModel, train_model, False), (WSModel, train_model_WS, False), (AuxModel, train_model_AM, True)]


@pytest.fixture(scope="module")
def data() -> Round:
    return load_round(0, nb_train_pairs=120, nb_test_pairs=50)


class Line(nn.Module):
    """y = w x, with w = 1 at the start."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x


def squares(model: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, y: (model(x) - y).square().mean()


def descend(batches: list[list[tuple[float, float]]], nb_epochs: int, rate: float) -> tuple[float, list[float]]:
    """Fit y = w x by gradient descent in plain Python; return w and each epoch's mean loss."""
    w, losses = 1.0, []
    for _ in range(nb_epochs):
        batch_losses = []
        for batch in batches:
            batch_losses.append(sum((w * x - y) ** 2 for x, y in batch) / len(batch))
            w -= rate * sum(2 * (w * x - y) * x for x, y in batch) / len(batch)
        losses.append(sum(batch_losses) / len(batch_losses))
    return w, losses


POINTS = [(1.0, 2.0), (2.0, 5.0), (-1.0, 0.5), (0.5, 1.0), (3.0, 7.0)]
X, Y = (torch.tensor(column) for column in zip(*POINTS, strict=True))


@pytest.mark.parametrize("size", [1, 2, 5, 100])  # with 2, the last mini-batch is short
def test_training_against_gradient_descent_in_plain_python(size: int) -> None:
    batches = [POINTS[start : start + size] for start in range(0, 5, size)]
    w, losses = descend(batches, nb_epochs=3, rate=0.02)
    model = Line()
    found = train(model, squares(model), (X, Y), nb_epochs=3, learning_rate=0.02, mini_batch_size=size, shuffle=False)
    assert model.w.item() == pytest.approx(w, rel=1e-5)
    assert found == pytest.approx(losses, rel=1e-5)


def test_shuffling_sees_every_row_once_an_epoch_in_another_order_each() -> None:
    model, seen = Line(), []

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        seen.extend(zip(x.tolist(), y.tolist(), strict=True))
        return model(x).mean()

    train(model, loss_of, (X, Y), nb_epochs=3, mini_batch_size=2, generator=torch.Generator().manual_seed(0))
    epochs = [seen[:5], seen[5:10], seen[10:]]
    assert all(sorted(epoch) == sorted(POINTS) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_auxiliary_loss_by_hand(data: Round) -> None:
    with helpers.global_seed(0):
        model = AuxModel()
    input, target, classes = data.train_input[:7], data.train_target[:7], data.train_classes[:7]
    with torch.no_grad():
        scores, digit_scores = model(input).tolist(), model.digit_scores(input).tolist()

    def entropy(row: list[float], label: int) -> float:
        return math.log(sum(math.exp(score) for score in row)) - row[label]

    expected = sum(entropy(scores[n], target[n]) for n in range(7)) / 7
    for c in (0, 1):
        expected += 0.3 * sum(entropy(digit_scores[n][c], classes[n, c]) for n in range(7)) / 7
    losses = train_model_AM(model, input, target, classes, aux_weight=0.3, nb_epochs=1)
    assert losses == [pytest.approx(expected, rel=1e-5)]


@pytest.mark.parametrize(("model_class", "train_function"), [(SimpleModel, train_model), (WSModel, train_model_WS)])
def test_comparison_loss_by_hand(data: Round, model_class: type[nn.Module], train_function: Callable) -> None:
    with helpers.global_seed(0):
        model = model_class()
    input, target = data.train_input[:7], data.train_target[:7]
    rows = model(input).tolist()
    expected = sum(
        math.log(sum(map(math.exp, row))) - row[label] for row, label in zip(rows, target.tolist(), strict=True)
    )
    assert train_function(model, input, target, nb_epochs=1) == [pytest.approx(expected / 7, rel=1e-5)]


def test_an_auxiliary_weight_of_0_is_weight_sharing_to_the_last_bit(data: Round) -> None:
    sharing = run(data, WSModel, train_model_WS, nb_epochs=3)
    zero = run(data, AuxModel, train_model_AM, data.train_classes, aux_weight=0, nb_epochs=3)
    some = run(data, AuxModel, train_model_AM, data.train_classes, aux_weight=0.5, nb_epochs=3)
    assert zero.losses == sharing.losses
    for (name, a), (_, b) in zip(sharing.model.named_parameters(), zero.model.named_parameters(), strict=True):
        assert torch.equal(a, b), name
    assert not torch.equal(sharing.model.final.weight, some.model.final.weight)


def test_the_first_loss_is_that_of_guessing(data: Round) -> None:
    result = run(data, WSModel, train_model_WS, nb_epochs=1, mini_batch_size=1000)
    assert result.losses[0] == pytest.approx(math.log(2), abs=0.05)


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
def test_a_result_depends_on_the_round_alone(
    data: Round, model_class: type[nn.Module], train_function: Callable, takes_classes: bool
) -> None:
    classes = [data.train_classes] if takes_classes else []
    once = run(data, model_class, train_function, *classes, nb_epochs=2)
    torch.rand(17)  # what ran before, and drew random numbers
    state = torch.get_rng_state()
    again = run(data, model_class, train_function, *classes, nb_epochs=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert (once.losses, once.nb_wrong) == (again.losses, again.nb_wrong)
    other = run(data._replace(number=1), model_class, train_function, *classes, nb_epochs=2)
    assert other.losses != once.losses


def test_all_networks_of_a_round_see_the_same_order(data: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    genuine = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *a, **k: orders.append(genuine(*a, **k)) or orders[-1])
    for model_class, train_function, takes_classes in ALL:
        run(data, model_class, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=2)
    assert len(orders) == 6
    assert torch.equal(torch.stack(orders[0:2]), torch.stack(orders[2:4]))
    assert torch.equal(torch.stack(orders[0:2]), torch.stack(orders[4:6]))
    assert not torch.equal(orders[0], orders[1])


def test_another_round_has_another_order_and_other_weights(data: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    orders, weights = [], []
    genuine = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *a, **k: orders.append(genuine(*a, **k)) or orders[-1])
    for number in (0, 1):
        result = run(data._replace(number=number), SimpleModel, train_model, nb_epochs=1, learning_rate=1e-9)
        weights.append(result.model.layers[0].weight)
    assert not torch.equal(*orders)
    assert not torch.allclose(*weights, atol=1e-3)


def test_networks_side_by_side_come_out_as_in_turn(data: Round) -> None:
    jobs = [(c, f, *[data.train_classes][: int(takes)]) for c, f, takes in ALL] * 2
    in_turn = [run(data, *job, nb_epochs=3).losses for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(run, data, *job, nb_epochs=3) for job in jobs]
    assert [network.result().losses for network in running] == in_turn


class FirstPixel(nn.Module):
    """Scores the pixel at the top left of each digit; says whether it was in training mode."""

    def forward(self, pairs: Tensor) -> Tensor:
        assert not self.training
        return pairs[:, :, 0, 0]


def test_errors_are_counted_in_evaluation_mode_over_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "EVALUATION_BATCH_SIZE", 2)
    pairs = torch.zeros(5, 2, 14, 14)
    pairs[:, :, 0, 0] = torch.tensor([[1.0, 0], [0, 1], [3, 2], [2, 3], [5, 4]])  # the classes 0, 1, 0, 1, 0
    assert nb_wrong(FirstPixel().train(), pairs, torch.tensor([0, 1, 0, 1, 0])) == 0
    assert nb_wrong(FirstPixel().train(), pairs, torch.tensor([1, 1, 0, 1, 1])) == 2
    assert nb_wrong(FirstPixel().train(), pairs, torch.tensor([1, 0, 1, 0, 1])) == 5


def test_training_happens_in_training_mode(data: Round) -> None:
    model = Line().eval()

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        assert model.training
        return model(x).mean()

    train(model, loss_of, (X, Y), nb_epochs=1)


def test_a_loss_that_is_not_finite_stops_with_network_epoch_and_hint() -> None:
    model = Line()
    with pytest.raises(
        UserError, match=r"^Line: the loss is (inf|nan) in epoch \d+ of 50. Lower LEARNING_RATE, now 100"
    ):
        train(model, squares(model), (X, Y), learning_rate=100.0)


@pytest.mark.parametrize(
    "setting", [{"nb_epochs": 0}, {"nb_epochs": 2.0}, {"learning_rate": -1}, {"mini_batch_size": 0}, {"aux_weight": -1}]
)
def test_settings_of_training_that_make_no_sense(data: Round, setting: dict[str, float]) -> None:
    (name,) = setting
    with pytest.raises(UserError, match=name.upper()):
        train_model_AM(AuxModel(), data.train_input, data.train_target, data.train_classes, **setting)


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
@pytest.mark.parametrize("nb_pairs", [1, 7])
def test_few_pairs_and_large_mini_batches(
    model_class: type[nn.Module], train_function: Callable, takes_classes: bool, nb_pairs: int
) -> None:
    data = load_round(0, nb_train_pairs=nb_pairs, nb_test_pairs=1)
    result = run(data, model_class, train_function, *[data.train_classes][: int(takes_classes)], mini_batch_size=3)
    assert result.losses[-1] < result.losses[0]
    assert result.nb_wrong in (0, 1)


def test_two_threads_or_one_make_no_great_difference(data: Round) -> None:
    threads = torch.get_num_threads()
    try:
        losses = []
        for number in (1, 2):
            torch.set_num_threads(number)
            losses.append(run(data, WSModel, train_model_WS, nb_epochs=2).losses)
    finally:
        torch.set_num_threads(threads)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
