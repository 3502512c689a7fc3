"""The networks of the study, by hand; the counts of their scores; its own rounds; and the benchmark's baseline."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import benchmark
import pytest
import torch
import torch.nn.functional as F
from common import measuring, networks
from common.networks import AUX, BASE, DEEP, DEEP_AUX, MAIN, PUBLISHED, READING, REFITTED, WS
from experiments import authors
from plain import TEN
from torch import Tensor, nn

import helpers
from helpers import SIDE, load_round, nb_parameters
from models.WSharing import JointComparison, WSModel, WSModel1


def test_the_layers_of_the_published_networks() -> None:
    """Pooling before ReLU, two convolutions, and ReLU between linear layers but not after the last; as many weights."""
    features = ["Conv2d", "MaxPool2d", "ReLU", "Conv2d", "MaxPool2d", "ReLU", "Flatten"]
    for network, last, size in zip(PUBLISHED, (2, 3), (140_994, 178_028), strict=False):
        model = network.make()
        leaves = [type(layer).__name__ for layer in model.modules() if not list(layer.children())]
        assert (leaves, nb_parameters(model)) == (features + ["Linear", "ReLU"] * (last - 1) + ["Linear"], size)


def test_the_networks_of_the_authors_own_rounds() -> None:
    """WSModel as it was then computes what WSModel1 computes, and has a layer that is not used."""
    rebuilt = [authors.VARIANTS[network.name, 0.1].network for network in MAIN]
    assert [network.name for network in rebuilt] == [
        "PublishedSimpleModel",
        "NotebookWSModel",
        *(f"Published{name}" for name in ("WSModel1", "AuxModel", "AuxModel1")),
    ]
    assert [nb_parameters(network.make()) for network in rebuilt] == [140_994, 178_208, 177_198, 130_288, 126_848]
    notebook, other = networks.NotebookWSModel(), networks.PublishedWSModel1()
    other.load_state_dict({name: own for name, own in notebook.state_dict().items() if "unused" not in name})
    pairs = torch.randn(5, 2, SIDE, SIDE)
    assert torch.equal(notebook(pairs), other(pairs))
    notebook(pairs).sum().backward()
    assert notebook.unused.weight.grad is None
    assert nb_parameters(notebook) == nb_parameters(other) + 100 * 10 + 10
    for network, units in zip(rebuilt[3:], ([100, 40, 10], [100, 10]), strict=True):
        *layers, last = network.make().branch.modules()  # the digits' scores are never below 0
        assert isinstance(last, nn.ReLU)
        assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == units


def test_the_authors_loss_is_half_of_ours_at_half_the_rate() -> None:
    """0.5 of the comparison's and 1 of each digit's, with plain SGD: the same weights after each step."""
    data, rate = load_round(0, nb_train_pairs=250, nb_test_pairs=10), 0.1
    network, training = authors.VARIANTS["AuxModel1", rate].network, authors.VARIANTS["AuxModel1", rate].settings
    torch.manual_seed(0)
    theirs: Any = network.make()
    ours = network.make()
    ours.load_state_dict(theirs.state_dict())
    optimizer = torch.optim.SGD(theirs.parameters(), lr=rate)
    for _ in range(2):
        for start in (0, 100, 200):
            batch, target, classes = (
                part[start : start + 100] for part in (data.train_input, data.train_target, data.train_classes)
            )
            scores = theirs.digit_scores(batch)
            loss = 0.5 * F.cross_entropy(theirs.final(scores.flatten(1)), target)
            loss = loss + F.cross_entropy(scores[:, 0], classes[:, 0]) + F.cross_entropy(scores[:, 1], classes[:, 1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert (training["nb_epochs"], training["shuffle"]) == (25, False)
    network.train(ours, data.train_input, data.train_target, data.train_classes, **{**training, "nb_epochs": 2})
    for name, weights in ours.state_dict().items():
        assert torch.allclose(theirs.state_dict()[name], weights, atol=1e-5), name
    for plain_network in (network for network in MAIN if not network.labelled):
        wanted = {"nb_epochs": 25, "shuffle": False, "learning_rate": rate}
        assert authors.VARIANTS[plain_network.name, rate].settings == wanted


def test_untied_branches_share_no_weight() -> None:
    torch.manual_seed(0)
    untied = networks.UntiedModel()
    torch.manual_seed(0)
    tied = WSModel()
    for name, weights in tied.state_dict().items():  # the same initial weights
        assert torch.equal(weights, untied.state_dict()[name])
    assert nb_parameters(untied) == 2 * nb_parameters(tied.branch) + nb_parameters(tied.final)
    pairs = torch.randn(3, 2, SIDE, SIDE)
    assert torch.allclose(untied.digit_scores(pairs)[:, 0], tied.digit_scores(pairs)[:, 0], atol=1e-6)
    assert not torch.allclose(untied.digit_scores(pairs)[:, 1], tied.digit_scores(pairs)[:, 1])
    untied.digit_scores(pairs)[:, 1].sum().backward()
    assert not untied.branch[0].weight.grad.any()
    assert untied.second_branch[0].weight.grad.abs().sum() > 0
    untied.second_branch.load_state_dict(untied.branch.state_dict())
    assert torch.allclose(untied(pairs)[0], tied(pairs)[0], atol=1e-6)
    by_hand = 10 * 16 + (9 * 16 + 1) * 32 + (4 * 32 + 1) * 177 + (177 + 1) * 10
    assert nb_parameters(networks.UntiedModel(maps=(16, 32), hidden=177)) == 2 * by_hand + 42


def test_untied_branches_at_twice_the_rate() -> None:
    """One step: the branches' weights move twice as far as without, the last layer's as far."""
    data = load_round(0, nb_train_pairs=50, nb_test_pairs=10)
    before, usual, twice = (
        helpers.run(
            data, lambda rate=rate: networks.UntiedModel(branch_rate=rate), train, nb_epochs=1
        ).model.state_dict()
        for rate, train in ((1, lambda *_, **__: [0.0]), (1, networks.UNTIED.train), (2, networks.UNTIED.train))
    )
    for name, start in before.items():
        factor = 1 if name.startswith("final") else 2
        torch.testing.assert_close(twice[name] - start, factor * (usual[name] - start), atol=1e-7, rtol=1e-3)
        assert not torch.equal(usual[name], start)


def test_the_right_prior_by_hand() -> None:
    """One step's loss against a loop: the divergence of the digits' mean probabilities from the prior is in it."""
    data = load_round(0, nb_train_pairs=20, nb_test_pairs=10)
    prior, losses = [0.2] * 5 + [0.0] * 5, []
    for kind in (prior, [0.1] * 10):
        torch.manual_seed(0)
        model: Any = networks.PRIOR.make()
        losses += networks.PRIOR.train(model, data.train_input, data.train_target, prior=kind, nb_epochs=1)
    torch.manual_seed(0)
    model = networks.PRIOR.make().train()
    scores = model(data.train_input)[0]
    probabilities = model.digit_scores(data.train_input).softmax(-1).flatten(0, 1).tolist()
    means = [sum(column) / len(probabilities) for column in zip(*probabilities, strict=True)]
    loss = F.cross_entropy(scores, data.train_target).item()
    for kind, found in zip((prior, [0.1] * 10), losses, strict=True):
        divergence = sum(p * math.log(p / max(share, 0.001)) for p, share in zip(means, kind, strict=True))
        assert found == pytest.approx(loss + divergence, rel=1e-4)
    assert {**networks.PRIOR.training, "balance": 1.0} == WSModel1.settings
    assert "balance" not in networks.PRIOR.training


def test_the_joint_model_has_the_joint_comparison_and_is_otherwise_the_base_network() -> None:
    model, base, pairs = networks.JointModel(), WSModel(), torch.randn(2, 2, SIDE, SIDE)
    assert torch.equal(model(pairs)[0], JointComparison()(model.digit_scores(pairs).flatten(1)))
    assert [type(layer) for layer in model.branch] == [type(layer) for layer in base.branch]


def test_the_full_ablation_is_the_exploration_class_and_the_empty_one_its_base() -> None:
    torch.manual_seed(0)
    full = networks.AblatedModel()
    torch.manual_seed(0)
    genuine = WSModel1()
    pairs = torch.randn(4, 2, SIDE, SIDE)
    assert torch.equal(full(pairs)[0], genuine(pairs)[0])
    none = networks.AblatedModel(joint=False, batch_norm=False)
    base = WSModel()
    assert [type(layer) for layer in none.branch] == [type(layer) for layer in base.branch]
    assert type(none.activation) is type(base.activation)
    assert nb_parameters(none) == nb_parameters(base)
    none.load_state_dict(base.state_dict())
    assert torch.equal(none(pairs)[0], base(pairs)[0])
    only_norm = networks.AblatedModel(joint=False)
    assert sum(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in only_norm.branch) == 3


class Table(nn.Module):
    """A network whose scores, in evaluation mode, are read from tables: a pair holds its own number."""

    def __init__(self, digit_scores: Tensor, scores: Tensor) -> None:
        super().__init__()
        self.of_digits, self.of_pairs = digit_scores, scores

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        assert not self.training
        numbers = pairs[:, 0, 0, 0].long()
        return self.of_pairs[numbers], self.of_digits[numbers]


def test_the_counts_of_digit_scores_against_a_loop() -> None:
    generator, number = torch.Generator().manual_seed(0), 1200  # more than one batch
    classes = torch.randint(10, (number, 2), generator=generator)
    digit_scores = torch.randn(number, 2, 10, generator=generator)
    digit_scores += 2.5 * nn.functional.one_hot(classes, 10)
    digit_scores[..., [3, 7]] = -1.0  # dead
    own = torch.randn(number, 2, generator=generator)
    target = (classes[:, 0] <= classes[:, 1]).long()
    pairs = torch.arange(number).float().view(-1, 1, 1, 1).expand(-1, 2, SIDE, SIDE)
    data = helpers.Round(0, *[pairs, target, classes] * 2, mean=pairs.mean(), std=pairs.std())
    expected = {"digits_wrong": 0, "highest_wrong": 0, "joint_wrong": 0, "head_wrong": 0, "dead_scores": 2}
    for n in range(number):
        read = [max(TEN, key=lambda score: digit_scores[n, place, score].item()) for place in (0, 1)]
        first, second = (digit_scores[n, place].double().softmax(0).tolist() for place in (0, 1))
        lesser = sum(first[i] * second[j] for i in TEN for j in range(i, 10))
        right = classes[n].tolist()
        answer = int(right[0] <= right[1])
        expected["digits_wrong"] += (read[0] != right[0]) + (read[1] != right[1])
        expected["highest_wrong"] += int(read[0] <= read[1]) != answer
        expected["joint_wrong"] += int(lesser > 0.5) != answer
        expected["head_wrong"] += read == right and int(own[n, 1] > own[n, 0]) != answer
    assert measuring.digit_counts(Table(digit_scores, own).train(), data) == expected
    for found, wanted in zip(helpers.evaluate(Table(digit_scores, own), pairs), (own, digit_scores), strict=True):
        assert torch.equal(found, wanted)
    assert min(expected.values()) > 0


# ---- The benchmark ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [*PUBLISHED, *BASE], ids=lambda network: network.name)
def test_the_baseline_trains_as_the_published_way_does(network: networks.Network) -> None:
    data = load_round(0, nb_train_pairs=150, nb_test_pairs=150)
    torch.manual_seed(0)
    model, ours = network.make(), network.make()
    ours.load_state_dict(model.state_dict())
    accuracy = benchmark.train_baseline(network._replace(model_class=lambda: model), data, 2)
    classes = [data.train_classes] if network.labelled else []
    network.train(ours, data.train_input, data.train_target, *classes, nb_epochs=2, shuffle=False)
    for name, weights in ours.state_dict().items():
        assert torch.allclose(model.state_dict()[name], weights, atol=1e-4), name
    assert accuracy == pytest.approx(100 - 100 * helpers.nb_wrong(model, data.test_input, data.test_target) / 150)


def test_runs_that_are_compared_are_made_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And of each the median counts: of 1, 9 and 3 seconds 3, of 20, 10 and 90 seconds 20."""
    seconds, now, called = {"test.py": iter((1, 9, 3)), "benchmark.py": iter((20, 10, 90))}, [0.0], []

    def run(command: list[str], **_: Any) -> Any:
        called.append(Path(command[1]).name)
        now[0] += next(seconds[called[-1]])
        return SimpleNamespace(stdout=f"{called[-1]} {now[0]}\nan end\n")

    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(benchmark.subprocess, "run", run)
    monkeypatch.setattr(benchmark, "commit", lambda: "1234567")
    monkeypatch.setattr(benchmark, "BENCHMARK", tmp_path / "benchmark.json")
    benchmark.main()
    assert called == ["test.py", "benchmark.py"] * 3
    found = json.loads((tmp_path / "benchmark.json").read_text())
    assert found["seconds"] == {"ours": 3, "published": 20}
    assert found["printed"] == ["test.py 43.0", "an end"]  # in its last run


# ---- What the last layer is given; reading alone; four convolutions --------------------------------------------------


def test_a_refitted_last_layer() -> None:
    """The branch is AuxModel's, the layer what torch.optim makes of its ReLU; by hand, it compares one-hot digits."""
    data = load_round(2, nb_train_pairs=60, nb_test_pairs=200)
    settings: dict[str, Any] = {"nb_epochs": 20, "mini_batch_size": 20}
    classes = data.train_classes
    aux = helpers.run(data, AUX.make, AUX.train, classes, **settings).model
    for given, by_hand in (("relu", False), ("one-hot", True)):
        more = {"given": given, "by_hand": by_hand, "nb_refit_epochs": 5}
        refitted = helpers.run(data, AUX.make, REFITTED.train, classes, **settings, **more)
        for one, other in zip(aux.branch.parameters(), refitted.model.branch.parameters(), strict=True):
            assert torch.equal(one, other)
        read = aux.digit_scores(data.test_input).argmax(-1)
        compared = (read[:, 0] <= read[:, 1]) == (data.test_target == 1)
        if by_hand:
            assert refitted.nb_wrong == int((~compared).sum()) > 0
    order = helpers.generator_of("order", 2)
    for _ in range(20):
        torch.randperm(60, generator=order)  # those of AuxModel's training
    torch.manual_seed(helpers.seed_of("weights", 2))
    AUX.make()
    final = torch.nn.Linear(20, 2)  # the next draw
    features = aux.digit_scores(data.train_input).relu().flatten(1).detach()
    optimizer = torch.optim.SGD(final.parameters(), lr=0.1)
    for _ in range(5):
        for rows in torch.randperm(60, generator=order).split(100):
            optimizer.zero_grad()
            F.cross_entropy(final(features[rows]), data.train_target[rows]).backward()
            optimizer.step()
    more = {"given": "relu", "nb_refit_epochs": 5}
    refitted = helpers.run(data, AUX.make, REFITTED.train, classes, **settings, **more).model
    assert torch.allclose(refitted.final.weight, final.weight, atol=1e-6)


def test_what_a_refitted_layer_is_given_by_hand() -> None:
    """Of scores 3 and 1 and of some below 0; and of a digit with none above 0."""
    scores = torch.full((1, 2, 10), -1.0)
    scores[0, 0, 3], scores[0, 0, 4], scores[0, 1, 7] = 3, 1, -0.5
    for given, first in (("highest", {3: 3.0}), ("shares", {3: 0.75, 4: 0.25}), ("relu", {3: 3.0, 4: 1.0})):
        found = networks.GIVEN[given]()(scores)
        assert found[0].tolist() == [[first.get(n, 0.0) for n in TEN], [0.0] * 10], given
    assert networks.GIVEN["one-hot"]()(scores)[0].nonzero().tolist() == [[0, 3], [1, 7]]


def test_a_network_that_only_learns_to_read() -> None:
    """Its branch is trained with its digits' losses; its scores compare the two highest."""
    data = load_round(2, nb_train_pairs=60, nb_test_pairs=200)
    torch.manual_seed(helpers.seed_of("weights", 2))
    plain_model: Any = AUX.make()
    optimizer = torch.optim.SGD(plain_model.branch.parameters(), lr=0.1)
    order = helpers.generator_of("order", 2)
    for _ in range(3):
        for rows in torch.randperm(60, generator=order).split(20):
            scores = plain_model.digit_scores(data.train_input[rows])
            losses = [F.cross_entropy(scores[:, n], data.train_classes[rows, n]) for n in (0, 1)]
            optimizer.zero_grad()
            (0.5 * (losses[0] + losses[1])).backward()
            optimizer.step()
    found = helpers.run(data, READING.make, READING.train, data.train_classes, nb_epochs=3, mini_batch_size=20)
    for one, other in zip(plain_model.branch.parameters(), found.model.branch.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    read = plain_model.digit_scores(data.test_input).argmax(-1)
    assert found.nb_wrong == int(((read[:, 0] <= read[:, 1]) != (data.test_target == 1)).sum())


def test_how_near_to_one_hot_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A digit with ReLU scores 3 and 1, one with 2 alone, and one with none: 0.75, 1 and a tenth."""
    scores = torch.full((2, 2, 10), -1.0)
    scores[0, 0, 3], scores[0, 0, 4], scores[0, 1, 5], scores[1, 0, 6] = 3, 1, 2, 2
    monkeypatch.setattr(measuring, "evaluate", lambda *_: (None, scores))
    found = measuring.sharpness(WS.make(), load_round(0, nb_train_pairs=1, nb_test_pairs=1))  # type: ignore[arg-type]
    assert found == pytest.approx((0.75 + 1 + 1 + 0.1) / 4, abs=1e-4)


def test_the_four_convolutions() -> None:
    model: Any = DEEP.make()
    assert helpers.nb_parameters(model) == helpers.nb_parameters(DEEP_AUX.make()) == 65_426
    x, shapes = torch.zeros(2, 1, SIDE, SIDE), {}
    for layer in model.branch:
        x = layer(x)
        shapes[tuple(x.shape[1:])] = None
    assert list(shapes)[:4] == [(24, 12, 12), (24, 6, 6), (48, 6, 6), (48, 3, 3)]
