"""The training loop, the losses and the count of errors, against the same by hand."""

import inspect
import math
import re
from collections.abc import Callable
from statistics import mean
from typing import Any

import pytest
import torch
from conftest import ROOT
from torch import Tensor, nn

import helpers
from helpers import DivergenceError, Round, UserError, load_round, nb_wrong, run, train
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


POINTS = [(1.0, 2.0), (2.0, 5.0), (-1.0, 0.5), (0.5, 1.0), (3.0, 7.0)]
X, Y = (torch.tensor(column) for column in zip(*POINTS, strict=True))


def test_shuffling_sees_every_row_once_an_epoch_in_another_order_each() -> None:
    model, seen = Line(), []

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        seen.extend(zip(x.tolist(), y.tolist(), strict=True))
        return model(x).mean()

    train(model, loss_of, (X, Y), nb_epochs=3, mini_batch_size=2, generator=torch.Generator().manual_seed(0))
    epochs = [seen[:5], seen[5:10], seen[10:]]
    assert all(sorted(epoch) == sorted(POINTS) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_an_auxiliary_weight_of_0_is_weight_sharing_to_the_last_bit(data: Round) -> None:
    sharing = run(data, WSModel, train_model_WS, nb_epochs=3)
    zero = run(data, AuxModel, train_model_AM, data.train_classes, aux_weight=0, nb_epochs=3)
    some = run(data, AuxModel, train_model_AM, data.train_classes, aux_weight=0.5, nb_epochs=3)
    assert zero.losses == sharing.losses
    for (name, a), (_, b) in zip(sharing.model.named_parameters(), zero.model.named_parameters(), strict=True):
        assert torch.equal(a, b), name
    assert not torch.equal(sharing.model.final.weight, some.model.final.weight)


def test_all_networks_of_a_round_see_the_same_order(data: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    genuine = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *a, **k: orders.append(genuine(*a, **k)) or orders[-1])
    for model_class, train_function, takes_classes in ALL:
        run(data, model_class, train_function, *[data.train_classes][: int(takes_classes)], nb_epochs=2)
    run(data._replace(number=1), WSModel, train_model_WS, nb_epochs=1)
    assert len(orders) == 7
    assert torch.equal(torch.stack(orders[0:2]), torch.stack(orders[2:4]))
    assert torch.equal(torch.stack(orders[0:2]), torch.stack(orders[4:6]))
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[6])  # of another round


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
    for training in (True, False):  # each layer's mode is put back: a frozen one stays frozen
        model = nn.Sequential(FirstPixel(), nn.Identity()).train(training)
        model[1].train(not training)
        nb_wrong(model, pairs, torch.zeros(5).long())
        assert [layer.training for layer in model.modules()] == [training, training, not training]


# ---- The steps, against PyTorch's own --------------------------------------------------------------------------------


class Small(nn.Module):
    """A layer with batch normalisation, and one that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).squeeze(1)


@pytest.mark.parametrize(
    ("settings", "rate"), [({}, 0.1), ({"averaging": 0.9}, 0.1), ({"one_cycle": True, "averaging": 0.9}, 0.07)], ids=str
)
def test_training_is_pytorchs_to_the_last_bit(settings: dict[str, float], rate: float) -> None:
    """torch.optim.SGD, OneCycleLR and the moving average of torch.optim.swa_utils."""
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(20, 3, generator=generator), torch.randn(20, generator=generator)
    torch.manual_seed(0)
    model = Small()
    theirs = Small()
    theirs.load_state_dict(model.state_dict())
    arguments = {"nb_epochs": 4, "mini_batch_size": 6, "learning_rate": rate, "shuffle": False}
    found = train(model, squares(model), (x, y), **arguments, **settings)
    losses: list[list[float]] = []
    optimizer = torch.optim.SGD(theirs.parameters(), lr=rate)
    if "one_cycle" in settings:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, 16)
    average = torch.optim.swa_utils.AveragedModel(
        theirs, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9), use_buffers=True
    )
    for _ in range(4):
        losses.append([])
        for rows in torch.arange(20).split(6):
            optimizer.zero_grad()
            loss = squares(theirs)(x[rows], y[rows])
            losses[-1].append(loss.item())
            loss.backward()
            optimizer.step()
            if "one_cycle" in settings:
                scheduler.step()
            average.update_parameters(theirs)
    assert found == pytest.approx([mean(epoch) for epoch in losses], rel=1e-6)
    wanted = average.module.state_dict() if "averaging" in settings else theirs.state_dict()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, wanted[name]), name


def test_what_is_done_before_and_after_an_epoch_changes_no_training(data: Round) -> None:
    """Another mode, counting errors, drawing numbers: a network with dropout and batch norm comes out the same."""
    seen: list[tuple[int, int]] = []

    def after_epoch(model: nn.Module, losses: list[float]) -> None:
        seen.append((len(losses), nb_wrong(model, data.test_input, data.test_target)))
        torch.rand(3)
        model.eval()

    plain, watched = (
        run(data, make, train_model_WS, nb_epochs=3, **WSModel1.settings, **more)
        for make, more in ((Dropping, {}), (lambda: Dropping().eval(), {"after_epoch": after_epoch}))
    )
    assert plain.losses == watched.losses
    assert plain.nb_wrong == watched.nb_wrong
    for name, value in plain.model.state_dict().items():
        assert torch.equal(watched.model.state_dict()[name], value), name
    assert [number for number, _ in seen] == [1, 2, 3]


def test_settings_are_read_when_they_are_used(data: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set from outside, they give what the keywords give."""
    keywords = {"nb_epochs": 2, "learning_rate": 0.03, "mini_batch_size": 30}
    wanted = run(data, AuxModel, train_model_AM, data.train_classes, aux_weight=2.0, **keywords)
    for name, value in {**keywords, "aux_weight": 2.0}.items():
        monkeypatch.setattr(helpers, name.upper(), value)
    assert run(data, AuxModel, train_model_AM, data.train_classes).losses == wanted.losses
    monkeypatch.setattr(helpers, "SEED", 1)
    assert run(data, AuxModel, train_model_AM, data.train_classes).losses != wanted.losses


# ---- Divergence ------------------------------------------------------------------------------------------------------


def test_divergence_is_told_with_network_epoch_and_learning_rate() -> None:
    """A loss that grows; a weight after the last step, 1 - 1e38 x 2e30; a loss alone, while the weight is finite."""
    model = Line()
    said = r"^Line diverged in epoch \d+ of 50 \(loss (inf|nan)\)\. Lower LEARNING_RATE, now 100\.0\.$"
    with pytest.raises(DivergenceError, match=said):
        train(model, squares(model), (X, Y), learning_rate=100.0)
    model = Line()
    with pytest.raises(DivergenceError, match=r"epoch 1 of 1 \(loss 2e\+30\)"):
        train(model, lambda x: (2 * model(x)).mean(), (torch.tensor([1e30]),), nb_epochs=1, learning_rate=1e38)
    model = Line()
    with pytest.raises(DivergenceError, match=r"epoch 1 of 50 \(loss inf\)"):
        train(model, lambda x: model(x).mean() + math.inf, (X,))
    assert model.w.isfinite()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_divergence(value: float) -> None:
    pairs = torch.zeros(3, 2, 14, 14)
    pairs[2, 0, 0, 0] = value
    with pytest.raises(DivergenceError, match=r"^FirstPixel diverged: its scores are not finite"):
        nb_wrong(FirstPixel(), pairs, torch.tensor([0, 0, 0]))


# ---- Edited networks: one way through them, for training and for the test --------------------------------------------

WRONG_SHAPES = {
    "one score": lambda scores: scores[:, :1],
    "one pair": lambda scores: scores[:1],
    "a third dimension": lambda scores: scores.unsqueeze(-1),
}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("change", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_scores_of_another_shape_are_refused_in_training_and_test(data: Round, change: Callable, place: int) -> None:
    class Edited(WSModel):
        def forward(self, pairs: Tensor) -> tuple[Tensor, ...]:
            both = list(super().forward(pairs))
            both[place] = change(both[place])
            return tuple(both)

    wanted = "(100, 2)" if place == 0 else "(100, 2, 10)"
    form = "Edited.forward must return scores, or (scores, digit_scores), here of shape"
    with pytest.raises(UserError) as caught:
        run(data, Edited, train_model_WS, nb_epochs=1)
    assert str(caught.value).startswith(f"{form} {wanted}; it returned (")
    with pytest.raises(UserError, match=f"^{re.escape(form)}"):
        nb_wrong(Edited(), data.test_input, data.test_target)


@pytest.mark.parametrize("kind", ["list", "dict", "tuple", "NoneType"])
def test_what_is_no_scores_is_refused(data: Round, kind: str) -> None:
    """Three scores in a tuple, as one of them."""

    class Edited(WSModel):
        def forward(self, pairs: Tensor) -> Any:
            both = super().forward(pairs)
            return {"list": list(both), "dict": {"scores": both[0]}, "tuple": (*both, both[0]), "NoneType": None}[kind]

    said = rf"^Edited\.forward must return scores, or \(scores, digit_scores\), .*; it returned a {kind}\.$"
    with pytest.raises(UserError, match=said):
        run(data, Edited, train_model_WS, nb_epochs=1)


def test_a_network_that_gives_its_scores_alone(data: Round) -> None:
    """The same as with digit scores, where they are not needed; else one clear line."""

    class Alone(WSModel):
        def forward(self, pairs: Tensor) -> Tensor:
            return super().forward(pairs)[0]

    both, alone = (run(data, make, train_model_WS, nb_epochs=2) for make in (WSModel, Alone))
    assert (alone.losses, alone.nb_wrong) == (both.losses, both.nb_wrong)
    for train_function, settings in ((train_model_WS, {"balance": 1.0}), (train_model_AM, {})):
        classes = [data.train_classes][: int(train_function is train_model_AM)]
        with pytest.raises(UserError, match=r"^Alone\.forward must return \(scores, digit_scores\)"):
            run(data, Alone, train_function, *classes, **settings)


class Mixed(nn.Module):
    """Layers without a size, one of three dimensions, and reshape after a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.flat, self.deep = nn.Conv2d(2, 3, 3), nn.Conv3d(1, 2, (2, 5, 5))
        self.hidden, self.last = nn.LazyLinear(20), nn.Linear(20, 2)

    def forward(self, pairs: Tensor) -> Tensor:
        flat, deep = self.flat(pairs), self.deep(pairs.unsqueeze(1))
        both = torch.cat([flat.reshape(len(pairs), -1), deep.reshape(len(pairs), -1)], 1)
        return self.last(self.hidden(both).relu())


def test_frozen_weights_are_not_counted_as_trained() -> None:
    model = SimpleModel()
    model.layers[0].requires_grad_(False)
    assert helpers.nb_parameters(model) == 57_956 - 32 * 19


OPTIMIZER, LOOP = "optimizer = SGD(model.parameters(), learning_rate)", "for epoch in range(nb_epochs):"
EDITS = {  # of `train`; README names them, but for the last
    "Adam": (OPTIMIZER, "optimizer = torch.optim.Adam(model.parameters(), 0.001)"),
    "weight decay": (OPTIMIZER, "torch.optim.SGD(model.parameters(), learning_rate, weight_decay=0.001)"),
    "a schedule": (LOOP, 'optimizer.param_groups[0]["lr"] = learning_rate * 0.5 ** (epoch // 20)'),
    "PyTorch's": (OPTIMIZER, "torch.optim.SGD(model.parameters(), learning_rate)"),
}


@pytest.mark.parametrize("name", EDITS)
def test_another_optimizer_is_an_edit_of_one_line(data: Round, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """For one cycle, too, which goes on setting the rate. PyTorch's SGD gives the digits of ours, others do not."""
    text, (old, new) = inspect.getsource(train), EDITS[name]
    assert text.count(old) == 1
    if name != "PyTorch's":
        assert f"`{new}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    new = (
        f"{old}\n        {new.replace('20', '1')}" if old == LOOP else f"optimizer = {new.removeprefix('optimizer = ')}"
    )
    space = dict(vars(helpers))
    exec(text.replace(old, new), space)
    before = [run(data, *job, nb_epochs=2, **settings).losses for job, settings in CHANGED]
    for module in ("SimpleCNN", "WSharing"):
        monkeypatch.setattr(f"models.{module}.train", space["train"])
    after = [run(data, *job, nb_epochs=2, **settings).losses for job, settings in CHANGED]
    same = {"PyTorch's": [True, True], "a schedule": [False, True]}.get(name, [False, False])
    assert [old == new for old, new in zip(before, after, strict=True)] == same
    assert all(map(math.isfinite, sum(after, [])))


CHANGED: list[Any] = [((SimpleModel, train_model), {}), ((WSModel1, train_model_WS), WSModel1.settings)]


@pytest.mark.parametrize("settings", [{}, {"one_cycle": True, "averaging": 0.9}], ids=str)
def test_layers_that_students_use(data: Round, settings: dict[str, float]) -> None:
    once, again = (run(data, Mixed, train_model, nb_epochs=2, **settings) for _ in range(2))
    assert once.losses == again.losses
    assert once.losses[1] < once.losses[0]
    assert once.nb_parameters == 3 * 19 + 2 * 51 + 20 * (3 * 144 + 2 * 100 + 1) + 42
    assert once.model.flat.weight.is_contiguous(memory_format=torch.channels_last)
    assert once.model.deep.weight.is_contiguous()


# ---- Layers that draw random numbers ---------------------------------------------------------------------------------


class Dropping(WSModel1):
    """An exploration class with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.branch.insert(-1, nn.Dropout(0.3))


def warm() -> nn.Module:
    """A warm start: another network is trained first."""
    return run(load_round(0, nb_train_pairs=20, nb_test_pairs=10), Dropping, train_model_WS, nb_epochs=1).model


class Functional(WSModel):
    """Dropout as a function, which does not know of evaluation mode."""

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        scores, digit_scores = super().forward(nn.functional.dropout(pairs, 0.2))
        return scores, digit_scores


@pytest.mark.parametrize(
    ("make", "train_function", "takes_classes"),
    [*ALL, (Dropping, train_model_WS, False), (Functional, train_model_WS, False), (warm, train_model_WS, False)],
)
def test_a_result_depends_on_the_round_alone(
    data: Round, make: Callable[[], nn.Module], train_function: Callable, takes_classes: bool
) -> None:
    classes = [data.train_classes] if takes_classes else []
    once = run(data, make, train_function, *classes, nb_epochs=2)
    torch.rand(17)  # what ran before, and drew random numbers
    again = run(data, make, train_function, *classes, nb_epochs=2)
    assert (once.losses, once.nb_wrong) == (again.losses, again.nb_wrong)
    for name, value in once.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name
    other = run(data._replace(number=1), make, train_function, *classes, nb_epochs=2)
    assert other.losses != once.losses
    assert not once.model.training


def test_initial_weights_are_those_of_the_round(data: Round) -> None:
    """As they are after steps of nothing."""
    first, again, other = (
        run(data._replace(number=number), SimpleModel, train_model, nb_epochs=1, learning_rate=1e-30).model.layers[0]
        for number in (0, 0, 1)
    )
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)


def test_dropout_draws_anew_in_every_step() -> None:
    model, masks = Line(), []

    def loss_of(x: Tensor) -> Tensor:
        dropped = nn.functional.dropout(model(x), 0.5)
        masks.append(tuple((dropped > 0).tolist()))
        return dropped.mean()

    train(model, loss_of, (torch.ones(100),), nb_epochs=2, mini_batch_size=50, shuffle=False)
    assert len(set(masks)) == 4
