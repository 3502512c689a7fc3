"""The training loop, the losses and the count of errors, against the same by hand."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import helpers
from helpers import STOP, DivergenceError, Round, UserError, load_round, nb_wrong, run, train
from models.AuxLoss import AuxModel, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, WSModel1, train_model_WS

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
        if torch.is_grad_enabled():  # not where train finds out whether the loss draws random numbers
            seen.extend(zip(x.tolist(), y.tolist(), strict=True))
        return model(x).mean()

    train(model, loss_of, (X, Y), nb_epochs=3, mini_batch_size=2, generator=torch.Generator().manual_seed(0))
    epochs = [seen[:5], seen[5:10], seen[10:]]
    assert all(sorted(epoch) == sorted(POINTS) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_auxiliary_loss_by_hand(data: Round) -> None:
    with helpers.global_seed(0):
        model = AuxModel()
    pairs, target, classes = data.train_input[:7], data.train_target[:7], data.train_classes[:7]
    with torch.no_grad():
        scores, digit_scores = model(pairs).tolist(), model.digit_scores(pairs).tolist()

    def entropy(row: list[float], label: int) -> float:
        return math.log(sum(math.exp(score) for score in row)) - row[label]

    expected = sum(entropy(scores[n], target[n]) for n in range(7)) / 7
    for c in (0, 1):
        expected += 0.3 * sum(entropy(digit_scores[n][c], classes[n, c]) for n in range(7)) / 7
    losses = train_model_AM(model, pairs, target, classes, aux_weight=0.3, nb_epochs=1)
    assert losses == [pytest.approx(expected, rel=1e-5)]


@pytest.mark.parametrize(("model_class", "train_function"), [(SimpleModel, train_model), (WSModel, train_model_WS)])
def test_comparison_loss_by_hand(data: Round, model_class: type[nn.Module], train_function: Callable) -> None:
    with helpers.global_seed(0):
        model = model_class()
    pairs, target = data.train_input[:7], data.train_target[:7]
    rows = model(pairs).tolist()
    expected = sum(
        math.log(sum(map(math.exp, row))) - row[label] for row, label in zip(rows, target.tolist(), strict=True)
    )
    assert train_function(model, pairs, target, nb_epochs=1) == [pytest.approx(expected / 7, rel=1e-5)]


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


# ---------------------------------------------------------------------------------------------------------------------
# Divergence, and the end of a training


def test_divergence_is_told_with_network_epoch_and_learning_rate() -> None:
    model = Line()
    said = r"^Line diverged in epoch \d+ of 50 \(loss (inf|nan)\).* Lower LEARNING_RATE, now 100\.0"
    with pytest.raises(DivergenceError, match=said):
        train(model, squares(model), (X, Y), learning_rate=100.0)


def test_a_weight_that_is_not_finite_after_the_last_step_is_divergence() -> None:
    """The one loss, 2 x 1e30 x w, is finite; the step takes w to 1 - 1e38 x 2e30."""
    model = Line()
    with pytest.raises(DivergenceError, match=r"epoch 1 of 1 \(loss 2e\+30\)"):
        train(model, lambda x: (2 * model(x)).mean(), (torch.tensor([1e30]),), nb_epochs=1, learning_rate=1e38)


def test_a_loss_that_is_not_finite_is_divergence_even_if_the_weights_are_finite() -> None:
    model = Line()
    with pytest.raises(DivergenceError, match=r"epoch 1 of 50 \(loss inf\)"):
        train(model, lambda x: model(x).mean() + math.inf, (X,))
    assert model.w.isfinite()


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
def test_a_first_step_that_is_too_large_is_divergence(
    data: Round, model_class: type[nn.Module], train_function: Callable, takes_classes: bool
) -> None:
    classes = [data.train_classes][: int(takes_classes)]
    settings = {"nb_epochs": 1, "learning_rate": 1e38, "mini_batch_size": 1000}
    with pytest.raises(DivergenceError, match=rf"^{model_class.__name__} diverged"):
        run(data, model_class, train_function, *classes, **settings)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_divergence(value: float) -> None:
    pairs = torch.zeros(3, 2, 14, 14)
    pairs[2, 0, 0, 0] = value
    with pytest.raises(DivergenceError, match=r"^FirstPixel diverged: its scores are not finite"):
        nb_wrong(FirstPixel(), pairs, torch.tensor([0, 0, 0]))


def test_divergence_is_not_an_error_of_the_user() -> None:
    assert not issubclass(DivergenceError, UserError)
    assert not issubclass(UserError, DivergenceError)


def test_stop_ends_a_training_with_its_mini_batch() -> None:
    model, seen = Line(), []

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        seen.append(x)
        if len(seen) == 3:
            STOP.set()
        return model(x).mean()

    try:
        with pytest.raises(KeyboardInterrupt):
            train(model, loss_of, (X, Y), mini_batch_size=2)
    finally:
        STOP.clear()
    assert len(seen) == 3


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nb_epochs", 0),
        ("nb_epochs", 2.0),
        ("nb_epochs", True),
        ("learning_rate", 0),
        ("learning_rate", -1),
        ("learning_rate", "0.1"),
        ("learning_rate", math.inf),
        ("mini_batch_size", 0),
        ("mini_batch_size", 2.5),
        ("shuffle", 1),
        ("one_cycle", None),
        ("two_views", 2),
        ("averaging", 1.0),
        ("averaging", -0.1),
        ("averaging", None),
    ],
)
@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
def test_an_invalid_setting_of_every_training_function(
    data: Round,
    model_class: type[nn.Module],
    train_function: Callable,
    takes_classes: bool,
    name: str,
    value: object,
) -> None:
    classes = [data.train_classes][: int(takes_classes)]
    with pytest.raises(UserError, match=rf"(?i)^{name} = {value!r}: it must be "):
        train_function(model_class(), data.train_input, data.train_target, *classes, **{name: value})


@pytest.mark.parametrize(
    ("train_function", "name", "value"),
    [
        (train_model_WS, "balance", -100),
        (train_model_WS, "balance", None),
        (train_model_WS, "consistency", -1),
        (train_model_WS, "consistency", True),
        (train_model_AM, "consistency", -1),
        (train_model_AM, "consistency", "1"),
        (train_model_AM, "aux_weight", -1),
        (train_model_AM, "aux_weight", math.nan),
        (train_model_AM, "label_smoothing", 1.0),
        (train_model_AM, "label_smoothing", -0.1),
        (train_model_AM, "label_smoothing", True),
    ],
)
def test_an_invalid_setting_of_one_training_function(
    data: Round, train_function: Callable, name: str, value: object
) -> None:
    classes = [data.train_classes][: int(train_function is train_model_AM)]
    with pytest.raises(UserError, match=rf"(?i)^{name} = {value!r}: it must be "):
        train_function(WSModel(), data.train_input, data.train_target, *classes, two_views=True, **{name: value})


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
@pytest.mark.parametrize("shape", [(120, 1), (1, 120), (119,), (1,)])
def test_a_target_of_another_shape(
    data: Round, model_class: type[nn.Module], train_function: Callable, takes_classes: bool, shape: tuple[int, ...]
) -> None:
    classes = [data.train_classes][: int(takes_classes)]
    with pytest.raises(UserError) as caught:
        train_function(model_class(), data.train_input, torch.zeros(shape).long(), *classes)
    assert str(caught.value) == f"train_target has the shape {shape}: for 120 pairs it must be (120,)."


@pytest.mark.parametrize("shape", [(120,), (120, 1), (240,), (2, 120), (119, 2)])
def test_classes_of_another_shape(data: Round, shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError) as caught:
        train_model_AM(AuxModel(), data.train_input, data.train_target, torch.zeros(shape).long())
    assert str(caught.value) == f"train_classes has the shape {shape}: for 120 pairs it must be (120, 2)."


@pytest.mark.parametrize("shape", [(5, 1), (4,), (1,)])
def test_errors_are_not_counted_against_a_target_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="the target has the shape"):
        nb_wrong(FirstPixel(), torch.zeros(5, 2, 14, 14), torch.zeros(shape).long())


# ---------------------------------------------------------------------------------------------------------------------
# Edited networks: what is evaluated is what is trained

WRONG_SHAPES = {
    "one score": lambda scores: scores[:, :1],
    "three scores": lambda scores: torch.cat([scores, scores[:, :1]], 1),
    "one pair": lambda scores: scores[:1],
    "a third dimension": lambda scores: scores.unsqueeze(-1),
}


def edited(base: type[nn.Module], method: str, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """Return a network of a class Edited, in which what one method of `base` returns is changed."""
    genuine = getattr(base, method)
    return type("Edited", (base,), {method: lambda self, x: change(genuine(self, x))})()


@pytest.mark.parametrize("change", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
def test_a_forward_that_gives_another_shape(
    data: Round, model_class: type[nn.Module], train_function: Callable, takes_classes: bool, change: Callable
) -> None:
    classes = [data.train_classes][: int(takes_classes)]
    model = edited(model_class, "forward", change)
    with pytest.raises(UserError, match=r"^what Edited\.forward returned has the shape \("):
        train_function(model, data.train_input, data.train_target, *classes, nb_epochs=1)
    with pytest.raises(UserError, match=r"^what Edited\.forward returned has the shape .* it must be \(50, 2\)\.$"):
        nb_wrong(model, data.test_input, data.test_target)


SHARING = [(WSModel, train_model_WS, False), (AuxModel, train_model_AM, True)]


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), SHARING)
def test_a_layer_in_forward_alone(
    data: Round, model_class: type[WSModel], train_function: Callable, takes_classes: bool
) -> None:
    class Edited(model_class):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(2, 2)

        def forward(self, pairs: Tensor) -> Tensor:
            return self.head(super().forward(pairs))

    with pytest.raises(UserError, match=r"^Edited\.forward returned other scores .* into digit_scores or compare\.$"):
        run(data, Edited, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=1)


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), SHARING)
def test_a_layer_in_compare_is_trained(
    data: Round, model_class: type[WSModel], train_function: Callable, takes_classes: bool
) -> None:
    class Edited(model_class):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(2, 2)
            nn.init.eye_(self.head.weight)

        def compare(self, digit_scores: Tensor) -> Tensor:
            return self.head(super().compare(digit_scores))

    result = run(data, Edited, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=1)
    assert not torch.equal(result.model.head.weight, torch.eye(2))


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), SHARING)
@pytest.mark.parametrize("viewed", [10, 20])
def test_20_scores_of_a_digit(
    data: Round, model_class: type[WSModel], train_function: Callable, takes_classes: bool, viewed: int
) -> None:
    """Seen as ten scores of twice as many digits, or as they are."""

    class Edited(model_class):
        def __init__(self) -> None:
            super().__init__()
            self.branch[-1] = nn.Linear(150, 20)
            self.final = nn.Linear(2 * viewed, 2)

        def digit_scores(self, pairs: Tensor) -> Tensor:
            return self.branch(pairs.reshape(-1, 1, 14, 14)).view(-1, 2, viewed)

    with pytest.raises(UserError, match=r"^what Edited\.(digit_scores|forward) returned has the shape"):
        run(data, Edited, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=1)


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), SHARING)
@pytest.mark.parametrize("method", ["compare", "digit_scores"])
def test_another_shape_in_training_alone(
    data: Round, model_class: type[WSModel], train_function: Callable, takes_classes: bool, method: str
) -> None:
    genuine = getattr(model_class, method)

    def wrong(model: nn.Module, x: Tensor) -> Tensor:
        scores = genuine(model, x)
        return torch.cat([scores, scores[..., :1]], -1) if model.training and torch.is_grad_enabled() else scores

    model_class = type("Edited", (model_class,), {method: wrong})
    with pytest.raises(UserError, match=rf"^what Edited\.{method} returned has the shape"):
        run(data, model_class, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=1)


# ---------------------------------------------------------------------------------------------------------------------
# Layers that draw random numbers


class Dropping(WSModel1):
    """An exploration class with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.branch.insert(-1, nn.Dropout(0.3))


DROPPING = (Dropping, train_model_WS)


def test_dropout_gives_the_same_twice_and_leaves_the_global_generator_alone(data: Round) -> None:
    settings = {**WSModel1.settings, "nb_epochs": 2}
    once = run(data, *DROPPING, **settings)
    torch.rand(17)  # what ran before, and drew random numbers
    state = torch.get_rng_state()
    again = run(data, *DROPPING, **settings)
    assert torch.equal(torch.get_rng_state(), state)
    assert (once.losses, once.nb_wrong) == (again.losses, again.nb_wrong)
    for name, value in once.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name
    assert run(data, WSModel1, train_model_WS, **settings).losses != once.losses


def test_dropout_gives_the_same_side_by_side(data: Round) -> None:
    jobs = [DROPPING, (WSModel, train_model_WS), DROPPING, (SimpleModel, train_model)] * 2
    in_turn = [run(data, *job, nb_epochs=3).losses for job in jobs[:4]] * 2
    state = torch.get_rng_state()
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(run, data, *job, nb_epochs=3) for job in jobs]
    assert [network.result().losses for network in running] == in_turn
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_draws_anew_in_every_step_and_for_every_order() -> None:
    def masks(seed: int) -> list[Tensor]:
        model, seen = Line(), []

        def loss_of(x: Tensor) -> Tensor:
            seen.append(nn.functional.dropout(model(x), 0.5))
            return seen[-1].mean()

        settings = {"nb_epochs": 2, "mini_batch_size": 50, "learning_rate": 1e-9, "shuffle": False}
        train(model, loss_of, (torch.ones(100),), generator=torch.Generator().manual_seed(seed), **settings)
        return [mask.detach() > 0 for mask in seen[-4:]]

    first = masks(0)
    for step, mask in enumerate(first):
        assert 10 < mask.sum() < 40
        assert not any(torch.equal(mask, other) for other in first[:step])
    assert all(torch.equal(*both) for both in zip(first, masks(0), strict=True))
    assert not any(torch.equal(*both) for both in zip(first, masks(1), strict=True))


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_only_networks_with_dropout_are_trained_one_by_one(rate: float) -> None:
    model, alone = Line(), set()

    def loss_of(x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            alone.add(helpers.SEEDING.locked())
        return nn.functional.dropout(model(x), rate).mean() if rate else model(x).mean()

    train(model, loss_of, (X,), generator=torch.Generator().manual_seed(0), nb_epochs=1)
    assert alone == {rate > 0}


def test_batch_normalisation_counts_the_training_steps_alone() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(1)

    model = Normed()
    x = torch.tensor([[1.0], [3.0], [10.0], [20.0]])
    settings = {"nb_epochs": 1, "mini_batch_size": 2, "shuffle": False}
    train(model, lambda rows: model.norm(rows).mean(), (x,), generator=torch.Generator().manual_seed(0), **settings)
    assert model.norm.num_batches_tracked.item() == 2
    assert model.norm.running_mean.item() == pytest.approx(0.9 * 0.1 * 2 + 0.1 * 15)  # the batches' means are 2 and 15


# ---------------------------------------------------------------------------------------------------------------------
# Extremes


@pytest.mark.parametrize(("model_class", "train_function", "takes_classes"), ALL)
@pytest.mark.parametrize("nb_pairs", [1, 7])
def test_few_pairs_are_learnt_by_heart(
    model_class: type[nn.Module], train_function: Callable, takes_classes: bool, nb_pairs: int
) -> None:
    data = load_round(0, nb_train_pairs=nb_pairs, nb_test_pairs=20)
    classes = [data.train_classes][: int(takes_classes)]
    result = run(data, model_class, train_function, *classes, nb_epochs=30, mini_batch_size=3)
    assert len(result.losses) == 30
    assert result.losses[-1] < 0.1 < result.losses[0]
    assert nb_wrong(result.model, data.train_input, data.train_target) == 0
    predicted = [int(second >= first) for first, second in result.model(data.test_input).tolist()]
    assert result.nb_wrong == sum(p != t for p, t in zip(predicted, data.test_target.tolist(), strict=True))
    assert result.nb_test_pairs == 20


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
