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
from typing import Any

import plain
import pytest
import torch
from common import sampling
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


ROUNDS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "validation pairs": {"validation": True},
    "digits 0 to 7 only": {"shares": [1.0] * 8 + [0.0] * 2},
    "digits 5 to 9 less frequent": {"shares": [1.0] * 5 + [1 / 3] * 5},
}


@pytest.mark.parametrize("kind", ROUNDS)
def test_the_pairs_of_a_round_against_a_loop(kind: str) -> None:
    """Images in the round's own order, averaged 2x2; those for validation come after those for training.

    Of digits that are not equally frequent, each image is kept or not by a number drawn for it.
    """
    validation, shares = "validation" in ROUNDS[kind], ROUNDS[kind].get("shares", [1.0] * 10)
    data, means = sampling.load(3, **ROUNDS[kind]), dict[str, float]()
    for part, name in (("train", "train"), ("test", "train" if validation else "t10k")):
        purpose = "train pairs" if name == "train" else "test pairs"
        labels, images = plain.mnist(f"{name}-labels-idx1-ubyte"), plain.mnist(f"{name}-images-idx3-ubyte")
        order = torch.randperm(len(labels), generator=plain.generator(purpose, 3)).tolist()
        drawn = torch.rand(len(labels), generator=plain.generator(f"kept {purpose}", 3)).tolist()
        kept = [n for n in order if drawn[n] < shares[labels[n]]]
        kept = kept[2000:4000] if validation and part == "test" else kept[:2000]
        classes = [[int(labels[kept[n]]), int(labels[kept[n + 1]])] for n in range(0, 2000, 2)]
        pooled = images[kept].double().view(-1, 14, 2, 14, 2).mean((2, 4)).view(1000, 2, 14, 14)
        means = means or {"mean": pooled.mean().item(), "std": pooled.std().item()}
        found = {each: getattr(data, f"{part}_{each}") for each in ("input", "target", "classes")}
        assert [tensor.dtype for tensor in found.values()] == [torch.float32, torch.int64, torch.int64]
        assert found["classes"].tolist() == classes
        assert found["target"].tolist() == [int(first <= second) for first, second in classes]
        assert torch.allclose(found["input"].double(), (pooled - means["mean"]) / means["std"], atol=1e-4)
        often = [sum(pair.count(digit) for pair in classes) / 2000 for digit in range(10)]
        assert often == pytest.approx([share / sum(shares) for share in shares], abs=0.04)
        assert [number == 0 for number in often] == [share == 0 for share in shares]
    assert [data.mean.item(), data.std.item()] == pytest.approx([means["mean"], means["std"]], rel=1e-5)
    assert data.number == 3


def test_images_drawn_twice_or_too_few_are_refused() -> None:
    with pytest.raises(AssertionError, match="drawn twice"):
        make_pairs(torch.zeros(4, 28, 28), torch.zeros(4), torch.tensor([0, 1, 2, 1]), 2)
    with pytest.raises(UserError, match=r"^3 pairs, but only 4 images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS\.$"):
        make_pairs(torch.zeros(4, 28, 28), torch.zeros(4), torch.tensor([0, 1, 2, 3]), 3)


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
