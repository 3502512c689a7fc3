"""The pairs, against plain Python loops and published facts about MNIST."""

import gzip
import struct
from pathlib import Path

import pytest
import torch
from torchvision.datasets import MNIST

import helpers
from helpers import UserError, check_real, check_whole, data_folder, load_mnist, load_round, make_pairs

RAW = Path(__file__).resolve().parent.parent / "data" / "MNIST" / "raw"


def test_mnist_is_the_published_one() -> None:
    train_images, train_labels, test_images, test_labels = load_mnist(data_folder())
    assert train_images.shape == (60000, 28, 28)
    assert test_images.shape == (10000, 28, 28)
    # counts of the ten digits, as in the literature on MNIST
    assert train_labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test_labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_images_are_those_of_the_gz_file() -> None:
    with gzip.open(RAW / "t10k-images-idx3-ubyte.gz") as file:  # the format is on MNIST's page: 16 bytes, then pixels
        assert struct.unpack(">4i", file.read(16)) == (2051, 10000, 28, 28)
        first = list(file.read(28 * 28))
    assert load_mnist(data_folder())[2][0].flatten().tolist() == first


def test_the_md5_sums_in_data_readme_are_torchvisions() -> None:
    text = (RAW.parent.parent / "README.md").read_text()
    for name, md5 in MNIST.resources:
        assert f"| {name} | {md5} |" in text


def test_make_pairs_against_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (6, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.tensor([3, 3, 8, 2, 0, 9])
    pairs = make_pairs(images, labels, torch.tensor([5, 4, 0, 1, 3, 2]))
    assert pairs.classes.tolist() == [[9, 0], [3, 3], [2, 8]]
    assert pairs.target.tolist() == [0, 1, 1]
    assert (pairs.input.dtype, pairs.target.dtype, pairs.classes.dtype) == (torch.float32, torch.int64, torch.int64)
    for n, pair in enumerate([(5, 4), (0, 1), (3, 2)]):
        for channel, index in enumerate(pair):
            image = images[index].tolist()
            for y in range(14):
                for x in range(14):
                    block = [image[2 * y + dy][2 * x + dx] for dy in (0, 1) for dx in (0, 1)]
                    assert pairs.input[n, channel, y, x].item() == sum(block) / 4


def test_an_image_drawn_twice_is_refused() -> None:
    with pytest.raises(AssertionError, match="drawn twice"):
        make_pairs(torch.zeros(4, 28, 28), torch.zeros(4), torch.tensor([0, 1, 2, 1]))


def indices_of(monkeypatch: pytest.MonkeyPatch, **options: bool) -> list[tuple[int, list[int]]]:
    """Return, for both sets that load_round draws, how many images it draws from and which."""
    drawn = []
    genuine = helpers.make_pairs

    def spy(images: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor) -> helpers.Pairs:
        drawn.append((len(images), indices.tolist()))
        return genuine(images, labels, indices)

    monkeypatch.setattr(helpers, "make_pairs", spy)
    load_round(3, nb_train_pairs=20000, nb_test_pairs=5000, **options)
    return drawn


def test_validation_pairs_share_no_image_with_training_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    (nb_train, train), (nb_validation, validation) = indices_of(monkeypatch, validation=True)
    assert nb_train == nb_validation == 60000
    assert len(set(train)) == 40000
    assert len(set(validation)) == 10000
    assert not set(train) & set(validation)


def test_test_pairs_come_from_the_test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    (nb_train, train), (nb_test, test) = indices_of(monkeypatch)
    assert (nb_train, nb_test) == (60000, 10000)
    assert len(set(train)) == 40000
    assert sorted(test) == list(range(10000))


def test_no_test_image_of_a_round_is_among_its_training_images() -> None:
    data = load_round(0)
    train, test = ({digit.numpy().tobytes() for digit in pairs.flatten(0, 1)} for pairs in (data[1], data[4]))
    assert len(train) == len(test) == 2000
    assert not train & test


def test_both_sets_are_normalised_with_the_training_pixels() -> None:
    data = load_round(0)
    assert data.train_input.shape == data.test_input.shape == (1000, 2, 14, 14)
    assert data.train_input.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train_input.std().item() == pytest.approx(1, abs=1e-5)
    # black is 0 before: the same value in both sets means the same shift and scale
    assert data.train_input.min() == data.test_input.min()
    assert data.test_input.mean().abs() > 1e-4


def test_target_is_lesser_or_equal() -> None:
    data = load_round(0)
    for target, (first, second) in zip(data.test_target.tolist(), data.test_classes.tolist(), strict=True):
        assert target == (1 if first <= second else 0)


def test_a_round_is_drawn_the_same_again_and_another_round_is_not() -> None:
    once, again, other = load_round(5), load_round(5), load_round(6)
    for a, b in zip(once[1:], again[1:], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(once.train_classes, other.train_classes)
    assert not torch.equal(once.test_classes, other.test_classes)


def test_a_small_set_is_the_beginning_of_a_large_one() -> None:
    small, large = load_round(0, nb_train_pairs=10), load_round(0, nb_train_pairs=500)
    assert torch.equal(small.train_classes, large.train_classes[:10])
    assert torch.equal(small.test_classes, large.test_classes)


def test_another_seed_draws_other_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_round(0)
    monkeypatch.setattr(helpers, "SEED", 1)
    after = load_round(0)
    assert not torch.equal(before.train_classes, after.train_classes)


def test_generators_of_different_purposes_and_rounds_differ() -> None:
    seeds = {helpers.seed_of(purpose, r) for purpose in ("train pairs", "test pairs", "order") for r in range(100)}
    assert len(seeds) == 300


@pytest.mark.parametrize("value", [0, -1, 2.5, "50", True, None, 30001])
def test_a_whole_number_that_makes_no_sense(value: object) -> None:
    with pytest.raises(UserError, match=r"from 1 to 30000") as caught:
        check_whole("NB_TRAIN_PAIRS", value, 1, 30000)
    assert f"NB_TRAIN_PAIRS = {value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [0, -0.1, "0.1", float("nan"), float("inf"), True, None])
def test_a_real_number_that_makes_no_sense(value: object) -> None:
    with pytest.raises(UserError, match=r"above 0") as caught:
        check_real("LEARNING_RATE", value, zero_allowed=False)
    assert f"LEARNING_RATE = {value!r}" in str(caught.value)


def test_numbers_that_make_sense() -> None:
    check_whole("NB_TRAIN_PAIRS", 1, 1, 30000)
    check_whole("NB_TRAIN_PAIRS", 30000, 1, 30000)
    check_whole("SEED", 10**12, 0)
    check_real("LEARNING_RATE", 1, zero_allowed=False)
    check_real("AUX_WEIGHT", 0, zero_allowed=True)


def test_more_pairs_than_there_are_images() -> None:
    with pytest.raises(UserError, match="NB_TRAIN_PAIRS = 30001"):
        load_round(0, nb_train_pairs=30001)
    with pytest.raises(UserError, match="NB_TEST_PAIRS = 5001"):
        load_round(0, nb_test_pairs=5001)
    with pytest.raises(UserError, match="NB_TEST_PAIRS = 1001.* from 1 to 1000"):
        load_round(0, nb_train_pairs=29000, nb_test_pairs=1001, validation=True)
