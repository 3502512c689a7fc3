"""What the three networks share: settings, pairs of digits, training loop, accuracy, printing, figure.

A round r is one complete repetition of the experiment. Its training pairs, test pairs, initial weights and order of
mini-batches are each drawn from a generator of their own, seeded by (SEED, r) and the purpose, so that all networks of
a round see the same pairs in the same order, whichever of them are run.
"""

import contextlib
import copy
import gzip
import hashlib
import logging
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.datasets import MNIST
from torchvision.datasets.utils import download_url

# ---- Settings --------------------------------------------------------------------------------------------------------

# training
NB_EPOCHS = 50  # passes over the training pairs; lower it for a quick run
LEARNING_RATE = 0.1
MINI_BATCH_SIZE = 100  # pairs
AUX_WEIGHT = 0.5  # weight of the two digits' losses beside the comparison's weight of 1

# pairs
NB_TRAIN_PAIRS = 1000
NB_TEST_PAIRS = 1000
SEED = 0  # another seed: other pairs, other initial weights, another order

# ----------------------------------------------------------------------------------------------------------------------

HERE = Path(__file__).resolve().parent
RAW = HERE / "data" / "MNIST" / "raw"
EVALUATION_BATCH_SIZE = 1000  # pairs
SIDE = 14  # pixels, height and width of a digit

# PyTorch, oneDNN and MKL pick their instructions by the processor, and round differently with each. These settings give
# the same digits on all x86-64 processors with AVX2, at about a tenth more time on those with AVX-512.
SAME_DIGITS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
if torch.cpu.get_capabilities().get("avx2"):  # False or missing on other processors
    for variable, value in SAME_DIGITS.items():
        os.environ.setdefault(variable, value)

# One thread per network, and the networks side by side. Several threads on layers this small wait for each other, and
# very long when another process is busy, and how they round depends on how many they are.
torch.set_num_threads(1)
STOP = threading.Event()  # set: every training ends with its mini-batch


class UserError(Exception):
    """An error that the user can fix; the message gives the value and the remedy."""


class DivergenceError(Exception):
    """A training whose loss, weights or scores are no longer finite; the message names the network and the remedy."""


# ---- Checks: of settings, and of what a network is given and gives ---------------------------------------------------


def check(name: str, value: Any, valid: bool, wanted: str) -> None:
    """Raise UserError, naming the setting, its value and what is allowed, unless it is valid."""
    if not valid:
        raise UserError(f"{name} = {value!r}: it must be {wanted}.")


def check_whole(name: str, value: Any, lowest: int, highest: int | None = None) -> None:
    """Raise UserError unless `value` is an int from `lowest` to `highest`."""
    valid = type(value) is int and lowest <= value and (highest is None or value <= highest)
    wanted = f"from {lowest} to {highest}" if highest is not None else f"of at least {lowest}"
    check(name, value, valid, f"a whole number {wanted}")


def check_real(name: str, value: Any, *, positive: bool = False, below: float = math.inf) -> None:
    """Raise UserError unless `value` is a finite number of at least 0, not 0 if `positive`, and below `below`."""
    valid = type(value) in (int, float) and math.isfinite(value) and 0 <= value < below and not (positive and not value)
    wanted = ("above 0" if positive else "of at least 0") + (f" and below {below:g}" if below < math.inf else "")
    check(name, value, valid, f"a finite number {wanted}")


def check_settings() -> None:
    """Raise UserError, naming the setting, its value and the allowed range, if a setting above is invalid."""
    check_whole("NB_EPOCHS", NB_EPOCHS, 1)
    check_real("LEARNING_RATE", LEARNING_RATE, positive=True)
    check_whole("MINI_BATCH_SIZE", MINI_BATCH_SIZE, 1)
    check_real("AUX_WEIGHT", AUX_WEIGHT)
    check_whole("NB_TRAIN_PAIRS", NB_TRAIN_PAIRS, 1, 30000)
    check_whole("NB_TEST_PAIRS", NB_TEST_PAIRS, 1, 5000)
    check_whole("SEED", SEED, 0)


def check_pairs(pairs: Tensor) -> None:
    """Raise ValueError unless `pairs` has the shape (N, 2, 14, 14)."""
    if pairs.dim() != 4 or pairs.shape[1:] != (2, SIDE, SIDE):
        raise ValueError(f"expected pairs of shape (N, 2, {SIDE}, {SIDE}), got {tuple(pairs.shape)}")


def check_shape(what: str, tensor: Tensor, *shape: int) -> None:
    """Raise UserError unless `tensor` has this shape: another one could broadcast in silence."""
    if tensor.shape != shape:
        raise UserError(f"{what} has the shape {tuple(tensor.shape)}: for {shape[0]} pairs it must be {shape}.")


# ---- MNIST -----------------------------------------------------------------------------------------------------------


def download(file: Path, md5: str) -> None:
    """Let torchvision download one of MNIST's .gz files, and put it in place whole; UserError if it cannot be had."""
    error: Exception | None = None
    for mirror in MNIST.mirrors:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=file.parent) as folder:
                download_url(mirror + file.name, folder, file.name, md5)
                (Path(folder) / file.name).replace(file)
            return
        except (OSError, RuntimeError) as failure:
            error = failure
    raise UserError(f"{file} is missing and cannot be downloaded ({error}). Restore it, or run again online.")


def read_mnist(name: str, md5: str) -> Tensor:
    """Read one of MNIST's .gz files: uint8 images (N, 28, 28) or labels (N,). UserError if its md5 sum is wrong."""
    file = RAW / name
    if not file.exists():
        download(file, md5)
    try:
        packed = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    if (found := hashlib.md5(packed, usedforsecurity=False).hexdigest()) != md5:
        raise UserError(
            f"{file} is damaged: its md5 is {found}, it should be {md5}. Restore it (git checkout -- data/MNIST/raw), "
            "or delete it and run again online to download it."
        )
    # the format, on MNIST's page: two zeros, a type, the number of dimensions, 4 bytes for each, and the values
    values = torch.frombuffer(bytearray(gzip.decompress(packed)), dtype=torch.uint8)
    return values[16:].view(-1, 28, 28) if values[3] == 3 else values[8:]


@cache
def load_mnist() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Read MNIST once: training images, uint8 (60000, 28, 28), and labels, int64 (60000,), then 10000 for testing."""
    train_images, train_labels, test_images, test_labels = (read_mnist(*resource) for resource in MNIST.resources)
    return train_images, train_labels.long(), test_images, test_labels.long()


# ---- Rounds and pairs ------------------------------------------------------------------------------------------------


def seed_of(purpose: str, nb_round: int) -> int:
    """Return the 63-bit seed of one of the round's generators, a hash of SEED, round and purpose."""
    digest = hashlib.sha256(f"{SEED} {nb_round} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator_of(purpose: str, nb_round: int) -> torch.Generator:
    """Return the round's own generator for one purpose: "train pairs", "test pairs" or "order"."""
    return torch.Generator().manual_seed(seed_of(purpose, nb_round))


SEEDING = threading.Lock()


@contextlib.contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generator for the body of a with statement, and put its state back afterwards.

    For what takes no generator of its own: the initial weights of layers, and dropout. One thread at a time.
    """
    with SEEDING, torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


class Pairs(NamedTuple):
    """N pairs of digits: input float32 (N, 2, 14, 14), target int64 (N,) and classes int64 (N, 2).

    The target is 1 if the first digit is less than or equal to the second, else 0; the classes are the digits 0-9.
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
    """The pairs of one round, both sets normalised with the training pixels' mean and standard deviation."""

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

    Training pairs come from MNIST's 60,000 training images, test pairs from its 10,000 test images; with `validation`,
    which settings are chosen on, from the training images not used in the training pairs. A small set is the beginning
    of a large one of the same round. UserError for an invalid value, or more pairs than images, and as read_mnist does.
    """
    check_whole("nb_round", nb_round, 0)
    check("validation", validation, type(validation) is bool, "True or False")
    check_whole("NB_TRAIN_PAIRS", nb_train_pairs, 1, 30000)
    check_whole("NB_TEST_PAIRS", nb_test_pairs, 1, 30000 - nb_train_pairs if validation else 5000)
    train_images, train_labels, test_images, test_labels = load_mnist()
    shuffled = torch.randperm(len(train_images), generator=generator_of("train pairs", nb_round))
    train = make_pairs(train_images, train_labels, shuffled[: 2 * nb_train_pairs])
    if validation:
        test = make_pairs(train_images, train_labels, shuffled[2 * nb_train_pairs :][: 2 * nb_test_pairs])
    else:
        shuffled = torch.randperm(len(test_images), generator=generator_of("test pairs", nb_round))
        test = make_pairs(test_images, test_labels, shuffled[: 2 * nb_test_pairs])
    mean, std = train.input.mean(), train.input.std()
    train, test = (pairs._replace(input=(pairs.input - mean) / std) for pairs in (train, test))
    return Round(nb_round, *(tensor.to(device()) for tensor in (*train, *test)))


def device() -> torch.device:
    """Return CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def distort(pairs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the pairs (N, 2, 14, 14) with each digit rotated, scaled, sheared and shifted a little, at random.

    Up to 10 degrees, 10 % in width and in height, 0.1 of the height sideways, and 1 pixel in each direction, all
    uniform. Pixels from outside repeat the border, which is nearly always background.
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


# ---- Training and accuracy -------------------------------------------------------------------------------------------


def nb_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def draws_random_numbers(model: nn.Module, loss_of: Callable[..., Tensor], batch: list[Tensor]) -> bool:
    """Say whether the loss of a mini-batch draws from PyTorch's global generator, as dropout does."""
    before = copy.deepcopy(model.state_dict())  # batch normalisation changes its averages
    rng_state = torch.cuda.get_rng_state if batch[0].is_cuda else torch.get_rng_state
    with global_seed(0):
        start = rng_state()
        loss_of(*batch)
        drawn = not torch.equal(rng_state(), start)
    model.load_state_dict(before)
    return drawn


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
    two_views: bool = False,
    averaging: float = 0.0,
) -> list[float]:
    """Train `model` in place by stochastic gradient descent and return each epoch's loss.

    `train_set` holds tensors of N rows, the input first; `loss_of` is called with the same rows of each, a mini-batch,
    and returns its mean loss, a scalar. With `shuffle`, `generator` (PyTorch's global one if None) draws the
    mini-batches anew each epoch; the last may be short. Layers that draw random numbers, such as dropout, get a seed
    from it: the same numbers in every run. An epoch's loss is the mean over its mini-batches, each computed before
    the weight update.

    `one_cycle` raises the learning rate from a 25th of `learning_rate` to it and lowers it to nearly nothing, with a
    momentum that goes from 0.95 to 0.85 and back; with `two_views`, a mini-batch of n pairs is n distorted views of
    them, then n others; `averaging` is the per-step decay of a moving average of the weights, which the model gets at
    the end. Raises UserError for an invalid setting, DivergenceError if a loss or a weight is not finite.
    """
    check_whole("NB_EPOCHS", nb_epochs, 1)
    check_real("LEARNING_RATE", learning_rate, positive=True)
    check_whole("MINI_BATCH_SIZE", mini_batch_size, 1)
    for name, flag in (("shuffle", shuffle), ("one_cycle", one_cycle), ("two_views", two_views)):
        check(name, flag, type(flag) is bool, "True or False")
    check_real("averaging", averaging, below=1)
    nb_rows, nb_views = len(train_set[0]), 2 if two_views else 1
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    if one_cycle:
        nb_steps = nb_epochs * math.ceil(nb_rows / mini_batch_size)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, nb_steps)
    if averaging:
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(averaging)
        averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    losses = []
    model.train()
    with contextlib.ExitStack() as own_noise:
        probe = [torch.cat([tensor[:mini_batch_size]] * nb_views) for tensor in train_set]
        if generator is not None and draws_random_numbers(model, loss_of, probe):
            own_noise.enter_context(global_seed(generator.initial_seed() ^ 1))  # such networks train one by one
        for epoch in range(nb_epochs):
            batch_losses = []
            order = torch.randperm(nb_rows, generator=generator) if shuffle else torch.arange(nb_rows)
            for rows in order.to(train_set[0].device).split(mini_batch_size):
                if STOP.is_set():
                    raise KeyboardInterrupt
                batch_input, *batch_rest = (tensor[rows.repeat(nb_views)] for tensor in train_set)
                if two_views:
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
            if not (math.isfinite(losses[-1]) and all(weight.isfinite().all() for weight in model.parameters())):
                raise DivergenceError(
                    f"{type(model).__name__} diverged in epoch {epoch + 1} of {nb_epochs} (loss {losses[-1]:.4g}): a "
                    f"loss or a weight is not finite. Lower LEARNING_RATE, now {learning_rate}, and run again."
                )
    if averaging:
        model.load_state_dict(averaged.module.state_dict())
    return losses


@torch.no_grad()
def nb_wrong(model: nn.Module, pairs: Tensor, target: Tensor) -> int:
    """Count misclassified pairs, float32 (N, 2, 14, 14), by their target, int64 (N,), in evaluation mode.

    Raises UserError for scores of another shape than (N, 2), DivergenceError for scores that are not finite.
    """
    check_shape("the target", target, len(pairs))
    model.eval()
    wrong, name = 0, type(model).__name__
    for batch, batch_target in zip(
        pairs.split(EVALUATION_BATCH_SIZE), target.split(EVALUATION_BATCH_SIZE), strict=True
    ):
        scores = model(batch)
        check_shape(f"what {name}.forward returned", scores, len(batch), 2)
        if not scores.isfinite().all():
            raise DivergenceError(f"{name} diverged: its scores are not finite. Lower LEARNING_RATE and run again.")
        wrong += int((scores.argmax(1) != batch_target).sum())
    return wrong


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
    make: Callable[[], nn.Module],
    train_function: Callable[..., list[float]],
    *train_classes: Tensor,
    **settings: Any,
) -> Result:
    """Make a network with the round's initial weights, train it with the round's order, and test it, once, at the end.

    `train_classes` is data.train_classes for a training function that takes it, else nothing; `settings` are the
    training function's. Raises UserError and DivergenceError as `train` and `nb_wrong` do.
    """
    start = time.perf_counter()
    with global_seed(seed_of("weights", data.number)):
        model = make()
    model.to(data.train_input.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    order = generator_of("order", data.number)
    losses = train_function(model, data.train_input, data.train_target, *train_classes, generator=order, **settings)
    wrong = nb_wrong(model, data.test_input, data.test_target)
    seconds = time.perf_counter() - start
    return Result(type(model).__name__, nb_parameters(model), losses, wrong, len(data.test_target), seconds, model)


# ---- Printing and the figure -----------------------------------------------------------------------------------------


def print_head() -> None:
    """Print the head of the table of results."""
    print("network      parameters  first loss  last loss  test accuracy  wrong  seconds", flush=True)


def print_result(result: Result) -> None:
    """Print one network's line of the table of results."""
    first, last, accuracy = result.losses[0], result.losses[-1], 100 * (1 - result.nb_wrong / result.nb_test_pairs)
    line = f"{result.name:11}  {result.nb_parameters:10,}  {first:10.4f}  {last:9.4f}  {accuracy:11.1f} %"
    print(f"{line}  {result.nb_wrong:5}  {result.seconds:7.1f}", flush=True)


def print_nothing_more() -> None:
    """Drop what is printed from here on, and what Python flushes at the end: standard output cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plot_losses(results: list[Result], file: Path = HERE / "losses.png") -> None:
    """Draw each network's loss over the epochs to `file`, print its path, and show it in a window if there is a screen.

    Ends the program with a message if `file` cannot be written.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no warning where matplotlib can keep no cache
    if os.environ.get("MPLBACKEND", "").startswith("module://"):  # a notebook's, which a script may not have
        os.environ["MPLBACKEND"] = "agg"
    import matplotlib
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    plt.style.use("tableau-colorblind10")
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for result, style in zip(results, ("-", "--", ":", "-.", (0, (5, 1))), strict=False):
        axes.plot(range(1, len(result.losses) + 1), result.losses, linestyle=style, marker=".", label=result.name)
    axes.set(xlabel="epoch", ylabel="training loss, mean over mini-batches", yscale="log")
    axes.locator_params(axis="x", integer=True)
    axes.set_title("Training loss (AuxModel's includes the digit losses)", fontsize="medium")
    axes.legend()
    partial = file.with_suffix(".partial.png")
    try:
        figure.savefig(partial, dpi=150)
        partial.replace(file)
    except OSError as error:
        raise SystemExit(f"error: the figure cannot be written to {file}: {error}.") from error
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        print(f"figure: {file}".encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError:  # the reader of a pipe is gone
        print_nothing_more()
    if matplotlib.get_backend().lower() in backend_registry.list_builtin(BackendFilter.INTERACTIVE):
        with contextlib.suppress(KeyboardInterrupt):
            plt.show()
