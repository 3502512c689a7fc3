"""What the three networks share: settings, pairs of digits, training loop, accuracy, printing, figure.

A round r is one complete repetition of the experiment. Its training pairs, test pairs, initial weights and order of
mini-batches are each drawn from a generator of their own, seeded by (SEED, r) and the purpose, so that all networks of
a round see the same pairs in the same order, whichever of them are run.
"""

import hashlib
import logging
import math
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from filelock import FileLock
from torch import Tensor, nn
from torchvision.datasets import MNIST

# ---------------------------------------------------------------------------------------------------------------------
# Settings

# training
NB_EPOCHS = 50  # passes over the training pairs; lower it for a quick run
LEARNING_RATE = 0.1
MINI_BATCH_SIZE = 100  # pairs
AUX_WEIGHT = 0.5  # weight of the two digits' losses beside the comparison's weight of 1

# pairs
NB_TRAIN_PAIRS = 1000
NB_TEST_PAIRS = 1000
SEED = 0  # another seed: other pairs, other initial weights, another order

# ---------------------------------------------------------------------------------------------------------------------

HERE = Path(__file__).resolve().parent
EVALUATION_BATCH_SIZE = 1000  # pairs
SIDE = 14  # pixels, height and width of a digit
EXTRACTED_MD5 = {  # of the extracted files; torchvision knows the sums of the .gz files only
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

# One thread per network, and the networks side by side. Several threads on layers this small wait for each other, and
# very long when another process is busy, and how they round depends on how many they are.
torch.set_num_threads(1)
SEEDING = threading.Lock()


class UserError(Exception):
    """Something that the user can mend; the text says what is wrong, with the value, and what to do."""


# ---------------------------------------------------------------------------------------------------------------------
# Checks of settings


def check_whole(name: str, value: Any, lowest: int, highest: int | None = None) -> None:
    """Raise UserError unless `value` is an int from `lowest` to `highest`."""
    if type(value) is not int or value < lowest or (highest is not None and value > highest):
        wanted = f"from {lowest} to {highest}" if highest is not None else f"of at least {lowest}"
        raise UserError(f"{name} = {value!r}: it must be a whole number {wanted}.")


def check_real(name: str, value: Any, *, zero_allowed: bool) -> None:
    """Raise UserError unless `value` is a finite number above 0, or 0 where that is allowed."""
    number = type(value) in (int, float) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero_allowed):
        wanted = "of at least 0" if zero_allowed else "above 0"
        raise UserError(f"{name} = {value!r}: it must be a finite number {wanted}.")


def check_settings() -> None:
    """Raise UserError, naming the setting, its value and the allowed range, if a setting above makes no sense."""
    check_whole("NB_EPOCHS", NB_EPOCHS, 1)
    check_real("LEARNING_RATE", LEARNING_RATE, zero_allowed=False)
    check_whole("MINI_BATCH_SIZE", MINI_BATCH_SIZE, 1)
    check_real("AUX_WEIGHT", AUX_WEIGHT, zero_allowed=True)
    check_whole("NB_TRAIN_PAIRS", NB_TRAIN_PAIRS, 1, 30000)
    check_whole("NB_TEST_PAIRS", NB_TEST_PAIRS, 1, 5000)
    check_whole("SEED", SEED, 0)


# ---------------------------------------------------------------------------------------------------------------------
# MNIST


def data_folder() -> Path:
    """Return the folder that holds MNIST/raw: $PYTORCH_DATA_DIR, the course's variable, or data/ beside this file."""
    return Path(os.environ.get("PYTORCH_DATA_DIR") or HERE / "data")


def md5_of(file: Path) -> str:
    """Return the md5 sum of a file as 32 hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def extracted_files_are_intact(raw: Path) -> bool:
    """Say whether the four extracted files are in folder `raw`, each with its known md5 sum."""
    return all((raw / name).is_file() and md5_of(raw / name) == md5 for name, md5 in EXTRACTED_MD5.items())


def prepare_mnist(folder: Path) -> None:
    """Make sure that the four extracted files of MNIST are intact in `folder`/MNIST/raw.

    torchvision checks the .gz files and extracts them, but takes any extracted file that exists for a good one. So
    they are checked here, and rebuilt in a temporary folder, from which they are renamed when complete. A lock lets
    several first runs start at the same time. A .gz that `folder` lacks is taken from data/ beside this file, and
    downloaded by torchvision if it is not there either.

    Raises UserError if a .gz is damaged, cannot be had, or `folder` cannot be written.
    """
    raw = folder / "MNIST" / "raw"
    if extracted_files_are_intact(raw):
        return
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with FileLock(raw / ".lock"), tempfile.TemporaryDirectory(dir=raw) as temporary:
            if extracted_files_are_intact(raw):  # another process was first
                return
            staging = Path(temporary) / "MNIST" / "raw"
            staging.mkdir(parents=True)
            for name, md5 in MNIST.resources:
                for gz in (raw / name, HERE / "data" / "MNIST" / "raw" / name):
                    if gz.is_file():
                        if md5_of(gz) != md5:
                            raise UserError(
                                f"{gz} is damaged: its md5 is {md5_of(gz)}, it should be {md5}.\n"
                                "Restore it (in a git checkout: git checkout -- data/MNIST/raw), or delete it and run"
                                " again with a network, and it is downloaded."
                            )
                        shutil.copy(gz, staging)
                        break
            extract_mnist(Path(temporary))
            for file in staging.iterdir():
                if file.suffix != ".gz" or not (raw / file.name).exists():
                    file.replace(raw / file.name)
    except OSError as error:
        raise UserError(
            f"MNIST's files cannot be written to {raw}: {error}.\n"
            "Set the environment variable PYTORCH_DATA_DIR to a folder that can be written, and run again."
        ) from error


def extract_mnist(root: Path) -> None:
    """Let torchvision download the .gz files that `root` lacks and extract all four; UserError if it cannot."""
    try:
        MNIST(root, download=True)
    except (RuntimeError, OSError) as error:
        lacking = [name for name, _ in MNIST.resources if not (root / "MNIST" / "raw" / name).is_file()]
        raise UserError(
            f"MNIST could not be downloaded or extracted (missing: {', '.join(lacking) or 'nothing'}): {error}\n"
            f"Put the missing files into {data_folder() / 'MNIST' / 'raw'}, or run again with a network."
        ) from error


@cache
def load_mnist(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Read MNIST once: training images and labels, test images and labels.

    Images are uint8 (60000 or 10000, 28, 28), labels int64 (60000 or 10000,). Raises UserError as prepare_mnist does.
    """
    prepare_mnist(folder)
    train, test = MNIST(folder, train=True), MNIST(folder, train=False)
    return train.data, train.targets, test.data, test.targets


# ---------------------------------------------------------------------------------------------------------------------
# Rounds and pairs


def seed_of(purpose: str, nb_round: int) -> int:
    """Return the 63-bit seed of one of the round's generators, a hash of SEED, round and purpose."""
    digest = hashlib.sha256(f"{SEED} {nb_round} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator_of(purpose: str, nb_round: int) -> torch.Generator:
    """Return the round's own generator for one purpose: "train pairs", "test pairs" or "order"."""
    return torch.Generator().manual_seed(seed_of(purpose, nb_round))


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generator for the body of a with statement, and put its state back afterwards.

    For what takes no generator of its own: the initial weights of layers. One thread at a time.
    """
    with SEEDING, torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


class Pairs(NamedTuple):
    """N pairs of digits: input float32 (N, 2, 14, 14), target int64 (N,) and classes int64 (N, 2).

    The target is 1 if the first digit is lesser than or equal to the second, else 0; the classes are the digits 0-9.
    """

    input: Tensor
    target: Tensor
    classes: Tensor


def make_pairs(images: Tensor, labels: Tensor, indices: Tensor) -> Pairs:
    """Pair the images that `indices`, int64 (2 N,), names two by two, averaged 2x2 from 28x28 to 14x14.

    Pixels are 0 to 255. Raises AssertionError if an image is named twice.
    """
    assert indices.unique().numel() == indices.numel(), "an image is drawn twice"
    pooled = F.avg_pool2d(images[indices].float(), 2)
    classes = labels[indices].view(-1, 2)
    target = (classes[:, 0] <= classes[:, 1]).long()
    return Pairs(pooled.view(-1, 2, SIDE, SIDE), target, classes)


class Round(NamedTuple):
    """The pairs of one round, both sets normalised with the mean and deviation of the training pairs' pixels."""

    number: int
    train_input: Tensor
    train_target: Tensor
    train_classes: Tensor
    test_input: Tensor
    test_target: Tensor
    test_classes: Tensor


def load_round(
    nb_round: int = 0,
    *,
    nb_train_pairs: int = NB_TRAIN_PAIRS,
    nb_test_pairs: int = NB_TEST_PAIRS,
    validation: bool = False,
) -> Round:
    """Draw the training and the test pairs of a round, without replacement, on the device that trains.

    Training pairs come from MNIST's 60,000 training images, test pairs from its 10,000 test images. With
    `validation`, the "test" pairs are drawn from the training images that the training pairs leave: settings are
    chosen on those. The pairs of a small set are the first ones of a large set of the same round.

    Raises UserError if there are not enough images, and as prepare_mnist does.
    """
    check_whole("NB_TRAIN_PAIRS", nb_train_pairs, 1, 30000)
    check_whole("NB_TEST_PAIRS", nb_test_pairs, 1, 30000 - nb_train_pairs if validation else 5000)
    train_images, train_labels, test_images, test_labels = load_mnist(data_folder())
    shuffled = torch.randperm(len(train_images), generator=generator_of("train pairs", nb_round))
    train = make_pairs(train_images, train_labels, shuffled[: 2 * nb_train_pairs])
    if validation:
        test = make_pairs(train_images, train_labels, shuffled[2 * nb_train_pairs :][: 2 * nb_test_pairs])
    else:
        shuffled = torch.randperm(len(test_images), generator=generator_of("test pairs", nb_round))
        test = make_pairs(test_images, test_labels, shuffled[: 2 * nb_test_pairs])
    mean, deviation = train.input.mean(), train.input.std()
    train, test = (pairs._replace(input=(pairs.input - mean) / deviation) for pairs in (train, test))
    return Round(nb_round, *(tensor.to(device()) for tensor in (*train, *test)))


def device() -> torch.device:
    """Return CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


# ---------------------------------------------------------------------------------------------------------------------
# Networks


def check_pairs(pairs: Tensor) -> None:
    """Raise ValueError unless `pairs` has the shape (N, 2, 14, 14)."""
    if pairs.dim() != 4 or pairs.shape[1:] != (2, SIDE, SIDE):
        raise ValueError(f"expected pairs of shape (N, 2, {SIDE}, {SIDE}), got {tuple(pairs.shape)}")


def nb_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def distort(pairs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the pairs (N, 2, 14, 14) with each digit rotated, scaled, sheared and shifted a little, at random.

    Up to 10 degrees, 10 % in width and in height, 0.1 of the height sideways, and 1 pixel in each direction, all
    uniform. What comes in from outside the image continues its border, which is background but for rare strokes.
    """
    digits = pairs.reshape(-1, 1, SIDE, SIDE)
    angle, width, height, shear, right, down = (
        2 * torch.rand(6, len(digits), generator=generator).to(pairs.device) - 1  # -1 to 1
    )
    angle, width, height = math.radians(10) * angle, 1 + 0.1 * width, 1 + 0.1 * height
    first_row = torch.stack([angle.cos() * width, -angle.sin() * height + 0.1 * shear, right * 2 / SIDE], 1)
    second_row = torch.stack([angle.sin() * width, angle.cos() * height, down * 2 / SIDE], 1)  # the image is 2 wide
    grid = F.affine_grid(torch.stack([first_row, second_row], 1), list(digits.shape), align_corners=False)
    return F.grid_sample(digits, grid, padding_mode="border", align_corners=False).view_as(pairs)


# ---------------------------------------------------------------------------------------------------------------------
# Training and accuracy


def train(
    model: nn.Module,
    loss_of: Callable[..., Tensor],
    train_set: tuple[Tensor, ...],
    *,
    generator: torch.Generator | None = None,
    nb_epochs: int = NB_EPOCHS,
    learning_rate: float = LEARNING_RATE,
    mini_batch_size: int = MINI_BATCH_SIZE,
    shuffle: bool = True,
    one_cycle: bool = False,
    nb_views: int = 0,
    averaging: float = 0.0,
) -> list[float]:
    """Train `model` in place by stochastic gradient descent and return each epoch's loss.

    `train_set` holds tensors of N rows, the input first. `loss_of` is called with the same rows of each of them, a
    mini-batch, and returns its mean loss, a scalar. With `shuffle`, mini-batches are drawn anew each epoch by
    `generator` (PyTorch's global one if None); the last one may be short. An epoch's loss is the mean over its
    mini-batches' losses, each taken before its step.

    The last three settings leave plain training as it is by default. `one_cycle` raises the learning rate from a 25th
    of `learning_rate` to it and lowers it to nearly nothing, and has a momentum that goes from 0.95 to 0.85 and back;
    with `nb_views`, a mini-batch of n pairs holds, instead of the pairs, that many differently distorted copies: n
    first views, n second views, ...; `averaging` is the decay, a step, of an exponential moving average of the weights,
    which the model gets at the end.

    Raises UserError for a setting that makes no sense, and when a loss is not finite.
    """
    check_whole("NB_EPOCHS", nb_epochs, 1)
    check_real("LEARNING_RATE", learning_rate, zero_allowed=False)
    check_whole("MINI_BATCH_SIZE", mini_batch_size, 1)
    check_whole("nb_views", nb_views, 0)
    nb_rows = len(train_set[0])
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    if one_cycle:
        nb_steps = nb_epochs * math.ceil(nb_rows / mini_batch_size)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, nb_steps)
    if averaging:
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(averaging)
        averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    losses = []
    model.train()
    for epoch in range(nb_epochs):
        batch_losses = []
        order = torch.randperm(nb_rows, generator=generator) if shuffle else torch.arange(nb_rows)
        for rows in order.to(train_set[0].device).split(mini_batch_size):
            batch_input, *batch_rest = (tensor[rows.repeat(max(nb_views, 1))] for tensor in train_set)
            if nb_views:
                batch_input = distort(batch_input, generator)
            loss = loss_of(batch_input, *batch_rest)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if one_cycle:
                scheduler.step()
            if averaging:
                averaged.update_parameters(model)
            batch_losses.append(loss.detach())
        losses.append(torch.stack(batch_losses).mean().item())
        if not math.isfinite(losses[-1]):
            raise UserError(
                f"{type(model).__name__}: the loss is {losses[-1]} in epoch {epoch + 1} of {nb_epochs}. "
                f"Lower LEARNING_RATE, now {learning_rate}, and run again."
            )
    if averaging:
        model.load_state_dict(averaged.module.state_dict())
    return losses


@torch.no_grad()
def nb_wrong(model: nn.Module, input: Tensor, target: Tensor) -> int:
    """Count the pairs of `input` for which the class with the higher score, in evaluation mode, is not `target`."""
    model.eval()
    batches = zip(input.split(EVALUATION_BATCH_SIZE), target.split(EVALUATION_BATCH_SIZE), strict=True)
    return sum(int((model(pairs).argmax(1) != wanted).sum()) for pairs, wanted in batches)


class Result(NamedTuple):
    """What one network gave in one round."""

    name: str
    nb_parameters: int
    losses: list[float]  # of each epoch
    nb_wrong: int  # of the test pairs
    nb_test_pairs: int
    seconds: float  # training and test, without loading data
    model: nn.Module


def run(
    data: Round,
    model_class: Callable[[], nn.Module],
    train_function: Callable[..., list[float]],
    *train_classes: Tensor,
    **settings: Any,
) -> Result:
    """Make a network with the round's initial weights, train it with the round's order, and test it, once, at the end.

    `train_classes` is data.train_classes for a training function that takes it, else nothing; `settings` are the
    training function's. Raises UserError as `train` does.
    """
    start = time.perf_counter()
    with global_seed(seed_of("weights", data.number)):
        model = model_class()
    model.to(data.train_input.device, memory_format=torch.channels_last)
    order = generator_of("order", data.number)
    losses = train_function(model, data.train_input, data.train_target, *train_classes, generator=order, **settings)
    wrong = nb_wrong(model, data.test_input, data.test_target)
    seconds = time.perf_counter() - start
    return Result(type(model).__name__, nb_parameters(model), losses, wrong, len(data.test_target), seconds, model)


# ---------------------------------------------------------------------------------------------------------------------
# Printing and the figure


def print_result(result: Result) -> None:
    """Print one network's result, in a fixed format."""
    accuracy = 100 * (1 - result.nb_wrong / result.nb_test_pairs)
    print(f"{result.name}: {result.nb_parameters:,} parameters")
    print(f"  loss at the first epoch  {result.losses[0]:.4f}")
    print(f"  loss at the last epoch   {result.losses[-1]:.4f}")
    print(f"  test accuracy            {accuracy:.1f} % ({result.nb_wrong} of {result.nb_test_pairs} wrong)")
    print(f"  seconds                  {result.seconds:.1f}\n", flush=True)


def print_summary(results: list[Result]) -> None:
    """Print the results side by side, a line each."""
    print("network      parameters  first loss  last loss  test accuracy  wrong  seconds")
    for name, size, losses, wrong, total, seconds, _ in results:
        figures = (
            f"{losses[0]:10.4f}  {losses[-1]:9.4f}  {100 * (1 - wrong / total):11.1f} %  {wrong:5}  {seconds:7.1f}"
        )
        print(f"{name:11}  {size:10,}  {figures}")


def plot_losses(results: list[Result], file: Path = HERE / "losses.png") -> None:
    """Draw each network's loss over the epochs to `file`, print its path, and show it in a window if there is a screen.

    Ends the program with a message if `file` cannot be written.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no warning where matplotlib can keep no cache
    import matplotlib
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for result, style in zip(results, ("-", "--", ":", "-.", (0, (5, 1))), strict=False):
        axes.plot(range(1, len(result.losses) + 1), result.losses, linestyle=style, marker=".", label=result.name)
    axes.set(xlabel="epoch", ylabel="training loss, mean over mini-batches", yscale="log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("Each network's own loss: an auxiliary loss is part of it", fontsize="medium")
    axes.legend()
    partial = file.with_suffix(".partial.png")
    try:
        figure.savefig(partial, dpi=150)
        partial.replace(file)
    except OSError as error:
        raise SystemExit(f"error: the figure cannot be written to {file}: {error}.") from error
    print(f"figure: {file}")
    if matplotlib.get_backend().lower() in backend_registry.list_builtin(BackendFilter.INTERACTIVE):
        plt.show()
