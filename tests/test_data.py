"""MNIST as it lies in the checkout, and the pairs, against plain Python loops and published facts."""

import gzip
import hashlib
import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
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
    """The format is on MNIST's page: 16 bytes, then pixels; 8 bytes, then labels."""
    images, labels = (read_mnist(f"{name}-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    with gzip.open(RAW / f"{name}-images-idx3-ubyte.gz") as file:
        assert struct.unpack(">4i", file.read(16)) == (2051, number, 28, 28)
        assert images[0].flatten().tolist() == list(file.read(28 * 28))
        file.seek(16 + (number - 1) * 28 * 28)
        assert images[-1].flatten().tolist() == list(file.read())
    with gzip.open(RAW / f"{name}-labels-idx1-ubyte.gz") as file:
        assert struct.unpack(">2i", file.read(8)) == (2049, number)
        assert labels.tolist() == list(file.read())


def test_mnist_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load_round(0)
    monkeypatch.setattr(helpers, "RAW", tmp_path)  # where nothing can be read
    assert len(load_round(1).train_target) == 1000


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for MNIST of which nothing is there."""
    folder = tmp_path / "data" / "MNIST" / "raw"
    monkeypatch.setattr(helpers, "RAW", folder)
    read_mnist.cache_clear()
    yield folder
    read_mnist.cache_clear()


@pytest.mark.parametrize("damage", ["another text", "cut short", "a bit changed", "empty"])
def test_a_damaged_gz_is_told_with_both_sums_and_left_alone(raw: Path, damage: str) -> None:
    good = (RAW / LABELS).read_bytes()
    bad = {
        "another text": b"not what was published",
        "cut short": good[:-1],
        "a bit changed": good[:1000] + bytes([good[1000] ^ 1]) + good[1001:],
        "empty": b"",
    }[damage]
    raw.mkdir(parents=True)
    (raw / LABELS).write_bytes(bad)
    with pytest.raises(UserError, match="is damaged") as caught:
        read_mnist(LABELS)
    found = {  # as `md5sum` gives them
        "another text": "a7bbfc26f084ba5ee3bc3bfaf2d6d735",
        "empty": "d41d8cd98f00b204e9800998ecf8427e",
    }.get(damage, hashlib.md5(bad).hexdigest())
    for part in (str(raw / LABELS), found, MD5, "git checkout"):
        assert part in str(caught.value)
    assert [file.read_bytes() for file in raw.iterdir()] == [bad]


class Mirror(http.server.ThreadingHTTPServer):
    """A web server that has MNIST's files, but for one that is changed."""

    def __init__(self, **changed: bytes) -> None:
        self.changed, self.asked = changed, []
        super().__init__(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()  # seconds till shutdown is seen


class Answer(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = Path(self.path).name
        genuine = (RAW / name).read_bytes()
        self.server.asked.append(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(genuine)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.server.changed.get(name.partition("-")[0], genuine))

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Mirror]]:
    """A mirror of MNIST, one with another file, and one whose connection breaks in the middle."""
    servers = {
        "good": Mirror(),
        "wrong": Mirror(t10k=gzip.compress(b"other labels")),
        "broken": Mirror(t10k=(RAW / LABELS).read_bytes()[:2000]),
    }
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield servers
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_a_missing_file_is_downloaded_once_and_put_in_place(
    raw: Path, mirrors: dict[str, Mirror], nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first of torchvision's mirrors that has it whole."""
    bad = [nobody, mirrors["wrong"].address]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [*bad, mirrors["good"].address])
    labels = read_mnist(LABELS)
    assert labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert [file.name for file in raw.iterdir()] == [LABELS]
    assert (raw / LABELS).read_bytes() == (RAW / LABELS).read_bytes()
    asked = len(mirrors["good"].asked)
    assert asked > 0
    read_mnist.cache_clear()
    assert torch.equal(read_mnist(LABELS), labels)
    assert len(mirrors["good"].asked) == asked


@pytest.mark.parametrize("kind", ["wrong", "broken", "none"])
def test_what_cannot_be_downloaded_whole_leaves_nothing(
    raw: Path, mirrors: dict[str, Mirror], nobody: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mirror = nobody if kind == "none" else mirrors[kind].address
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror])
    with pytest.raises(UserError, match="is missing and cannot be downloaded") as caught:
        read_mnist(LABELS)
    assert str(raw / LABELS) in str(caught.value)
    assert list(raw.iterdir()) == []


def test_the_files_and_their_md5_sums_are_torchvisions_and_in_data_readme() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert list(helpers.MNIST.items()) == torchvision.datasets.MNIST.resources
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


def indices_of(monkeypatch: pytest.MonkeyPatch, **options: bool) -> list[tuple[int, list[int]]]:
    """Return, for both sets that load_round draws, how many images it draws from and which."""
    drawn = []
    genuine = helpers.make_pairs

    def spy(images: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor, nb_pairs: int) -> helpers.Pairs:
        drawn.append((len(images), indices[: 2 * nb_pairs].tolist()))
        return genuine(images, labels, indices, nb_pairs)

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


def test_a_round_has_what_a_new_pair_is_normalised_with() -> None:
    """A training pair, averaged from its images by hand, is read as the round has it."""
    data = load_round(4, nb_train_pairs=300)
    order = torch.randperm(60000, generator=helpers.generator_of("train pairs", 4))[:600]
    pixels = (
        read_mnist("train-images-idx3-ubyte.gz")[order]
        .double()
        .view(600, 14, 2, 14, 2)
        .mean((2, 4))
        .view(300, 2, 14, 14)
    )
    assert data.mean.item() == pytest.approx(pixels.mean().item(), rel=1e-5)
    assert data.std.item() == pytest.approx(pixels.std().item(), rel=1e-5)
    torch.testing.assert_close((pixels.float() - data.mean) / data.std, data.train_input)
    assert load_round(4, nb_train_pairs=300, validation=True).mean == data.mean
    assert data.train_input.std().item() == pytest.approx(1, abs=1e-5)
    assert data.train_input.min() == data.test_input.min()  # black, 0 before: the same shift and scale
    assert data.test_input.mean().abs() > 1e-4


def test_the_settings_say_how_many_pairs_when_a_round_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "NB_TRAIN_PAIRS", 7)
    monkeypatch.setattr(helpers, "NB_TEST_PAIRS", 9)
    for validation in (False, True):
        data = load_round(0, validation=validation)
        assert (len(data.train_target), len(data.test_target)) == (7, 9)


def test_the_target_is_1_if_the_first_digit_is_less_than_or_equal_to_the_second() -> None:
    data = load_round(0)
    for target, (first, second) in zip(data.test_target.tolist(), data.test_classes.tolist(), strict=True):
        assert target == (1 if first <= second else 0)


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
