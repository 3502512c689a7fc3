"""MNIST as it lies in the checkout, and the pairs, against plain Python loops and published facts."""

import gzip
import hashlib
import http.server
import shutil
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import plain
import pytest
import torch
from conftest import ROOT

import helpers
from helpers import MNIST, UserError, load_round, make_pairs, read_mnist

RAW = ROOT / "data" / "MNIST" / "raw"
LABELS, MD5 = "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"  # the smallest file


def test_mnist_is_the_published_one() -> None:
    train_images, train_labels, test_images, test_labels = map(read_mnist, MNIST)
    assert (train_images.shape, test_images.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert train_images.dtype == test_images.dtype == torch.uint8
    assert train_labels.dtype == test_labels.dtype == torch.int64
    # counts of the ten digits, as in the literature on MNIST
    assert train_labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test_labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(("name", "number"), [("train", 60000), ("t10k", 10000)])
def test_images_and_labels_are_those_of_the_gz_files(name: str, number: int) -> None:
    """The format is on MNIST's page: big-endian numbers, then bytes."""
    for part, head in (("images-idx3", (2051, number, 28, 28)), ("labels-idx1", (2049, number))):
        with gzip.open(RAW / f"{name}-{part}-ubyte.gz") as file:
            assert struct.unpack(f">{len(head)}i", file.read(4 * len(head))) == head
        assert torch.equal(read_mnist(f"{name}-{part}-ubyte.gz"), plain.mnist(f"{name}-{part}-ubyte"))


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for MNIST of which nothing is there."""
    folder = tmp_path / "data" / "MNIST" / "raw"
    monkeypatch.setattr(helpers, "RAW", folder)
    read_mnist.cache_clear()
    yield folder
    read_mnist.cache_clear()


@pytest.mark.parametrize("end", [b"", b"\1"])
def test_a_damaged_gz_is_told_with_both_sums_and_left_alone(raw: Path, end: bytes) -> None:
    """Its last byte is gone, or another."""
    raw.mkdir(parents=True)
    (raw / LABELS).write_bytes(bad := (RAW / LABELS).read_bytes()[:-1] + end)
    with pytest.raises(UserError, match="is damaged") as caught:
        read_mnist(LABELS)
    for part in (str(raw / LABELS), hashlib.md5(bad).hexdigest(), MD5, "git checkout"):
        assert part in str(caught.value)
    assert [file.read_bytes() for file in raw.iterdir()] == [bad]


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with MNIST's files from which torchvision downloads, after an address at which nothing listens."""
    folder = tmp_path / "mirror"
    shutil.copytree(RAW, folder)
    answer = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()  # seconds till shutdown is seen
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        addresses = [f"http://127.0.0.1:{port}/" for port in (9, server.server_port)]
        monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", addresses)
        yield folder
        server.shutdown()


def test_all_missing_files_come_with_one_download(raw: Path, mirror: Path) -> None:
    """From the first of torchvision's mirrors that has them; a file that is there stays, whatever it holds."""
    raw.mkdir(parents=True)
    (raw / LABELS.replace("labels", "images").replace("idx1", "idx3")).write_bytes(b"kept")
    labels = read_mnist(LABELS)
    assert {file.name for file in raw.iterdir()} == set(MNIST)
    for name in MNIST:
        kept = name.startswith("t10k-images")
        assert (raw / name).read_bytes() == (b"kept" if kept else (RAW / name).read_bytes())
        (mirror / name).unlink()
    read_mnist.cache_clear()
    assert torch.equal(read_mnist(LABELS), labels)


@pytest.mark.parametrize("size", [None, 2000])
def test_what_cannot_be_downloaded_whole_leaves_nothing(raw: Path, mirror: Path, size: int | None) -> None:
    """A file that is not there, and one cut short."""
    content = (mirror / LABELS).read_bytes()
    (mirror / LABELS).unlink()
    if size is not None:
        (mirror / LABELS).write_bytes(content[:size])
    with pytest.raises(UserError, match="is missing and cannot be downloaded") as caught:
        read_mnist(LABELS)
    assert str(raw / LABELS) in str(caught.value)
    assert list(raw.iterdir()) == []


def test_the_files_and_their_md5_sums_are_torchvisions_and_in_data_readme() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    from torchvision import datasets

    assert list(helpers.MNIST.items()) == datasets.MNIST.resources
    for name, md5 in helpers.MNIST.items():
        assert f"| {name} | {md5} |" in text


def test_make_pairs_against_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (6, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.tensor([3, 3, 8, 2, 0, 9])
    pixels, target, classes = make_pairs(images, labels, torch.tensor([5, 4, 0, 1, 3, 2]), 2)
    assert classes.tolist() == [[9, 0], [3, 3]]
    assert target.tolist() == [0, 1]
    assert (pixels.dtype, target.dtype, classes.dtype) == (torch.float32, torch.int64, torch.int64)
    for n, pair in enumerate([(5, 4), (0, 1)]):
        for channel, index in enumerate(pair):
            image = images[index].tolist()
            for y in range(14):
                for x in range(14):
                    block = [image[2 * y + dy][2 * x + dx] for dy in (0, 1) for dx in (0, 1)]
                    assert pixels[n, channel, y, x].item() == sum(block) / 4


def test_images_drawn_twice_or_too_few_are_refused() -> None:
    with pytest.raises(AssertionError, match="drawn twice"):
        make_pairs(torch.zeros(4, 28, 28), torch.zeros(4), torch.tensor([0, 1, 2, 1]), 2)
    with pytest.raises(UserError, match=r"^3 pairs of 4 images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS\.$"):
        make_pairs(torch.zeros(4, 28, 28), torch.zeros(4), torch.tensor([0, 1, 2, 3]), 3)


@pytest.mark.parametrize("validation", [False, True])
def test_the_images_that_a_round_draws_from(monkeypatch: pytest.MonkeyPatch, validation: bool) -> None:
    """As many pairs as the settings say when it is drawn; those for validation share no image with those trained on."""
    drawn: list[tuple[int, list[int]]] = []
    genuine = helpers.make_pairs

    def spy(images: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor, nb_pairs: int) -> helpers.Pairs:
        drawn.append((len(images), indices[: 2 * nb_pairs].tolist()))
        return genuine(images, labels, indices, nb_pairs)

    for name, value in {"make_pairs": spy, "NB_TRAIN_PAIRS": 20_000, "NB_TEST_PAIRS": 5000}.items():
        monkeypatch.setattr(helpers, name, value)
    load_round(3, validation=validation)
    (nb_train, train), (nb_test, test) = drawn
    assert (nb_train, nb_test) == (60_000, 60_000 if validation else 10_000)
    assert (len(set(train)), len(set(test))) == (40_000, 10_000)
    assert not (validation and set(train) & set(test))


def test_what_the_pairs_of_a_round_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed and the round; a small set is the beginning of a large one."""
    once, again, other = load_round(5), load_round(5), load_round(6)
    small = load_round(5, nb_train_pairs=10)
    monkeypatch.setattr(helpers, "SEED", 1)
    for a, b in zip(once[1:], again[1:], strict=True):
        assert torch.equal(a, b)
    for different in (other, load_round(5)):
        assert not torch.equal(once.train_classes, different.train_classes)
        assert not torch.equal(once.test_classes, different.test_classes)
    assert torch.equal(small.train_classes, once.train_classes[:10])
    assert torch.equal(small.test_classes, once.test_classes)
    purposes = ("train pairs", "test pairs", "weights", "order")
    seeds = {helpers.generator_of(purpose, r).initial_seed() for purpose in purposes for r in range(100)}
    assert len(seeds) == 400
