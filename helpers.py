"""What the three networks share: settings, pairs of digits, the training loop, the test.

A round is one repetition of the experiment. Its training pairs, test pairs, initial weights and order of mini-batches
are each drawn by a generator of their own: all networks of a round see the same pairs, the base networks in the same
order. (The exploration classes draw their distortions from the order's generator, too.)
"""

import gzip
import hashlib
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# ---- Settings --------------------------------------------------------------------------------------------------------

NB_ROUNDS = 1  # repetitions, each with pairs, initial weights and an order of its own
NB_EPOCHS = 50  # passes over the training pairs; lower it for a quick run

# training
LEARNING_RATE = 0.1
MINI_BATCH_SIZE = 100  # pairs; WSModel1 and AuxModel1 have their own in models/, and AuxModel1 an AUX_WEIGHT
AUX_WEIGHT = 0.5  # weight of the two digits' losses beside the comparison's weight of 1

# pairs
NB_TRAIN_PAIRS = 1000
NB_TEST_PAIRS = 1000
SEED = 0  # another seed: other pairs, other initial weights, another order

RANGES: dict[str, tuple[type, float, float]] = {  # the kind of number, the lowest and the highest
    "NB_ROUNDS": (int, 1, 1000),
    "NB_EPOCHS": (int, 1, 100_000),
    "LEARNING_RATE": (float, 1e-9, 10**9),
    "MINI_BATCH_SIZE": (int, 1, 30_000),
    "AUX_WEIGHT": (float, 0, 1000),
    "NB_TRAIN_PAIRS": (int, 1, 30_000),
    "NB_TEST_PAIRS": (int, 1, 5000),
    "SEED": (int, 0, 2**63),
}

RAW = Path(__file__).resolve().parent / "data" / "MNIST" / "raw"
MNIST = {  # the files as published, with their md5 sums
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
RESTORE = "Restore it (git checkout -- data/MNIST/raw), or delete it and run again online to download it"
SIDE = 14  # pixels, height and width of a digit
EVALUATION_BATCH_SIZE = 1000  # pairs

# PyTorch, oneDNN and MKL pick their instructions by the processor, and round differently with each. These settings give
# the same digits on all x86-64 processors with AVX2, at a little more time on those with AVX-512.
SAME_DIGITS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
if hasattr(torch.cpu, "get_capabilities") and torch.cpu.get_capabilities().get("avx2"):  # False on other processors
    for variable, value in SAME_DIGITS.items():
        os.environ.setdefault(variable, value)
# Several threads on layers this small wait for each other, and their number changes the rounding.
torch.set_num_threads(1)

# On a GPU: deterministic algorithms, where PyTorch has them.
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if DEVICE.type == "cuda":
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.set_deterministic_debug_mode("warn")


class UserError(Exception):
    """An error that the user can fix; the message gives the value and the remedy."""


class DivergenceError(Exception):
    """A training whose loss, weights or scores are no longer finite; the message names the network and the remedy."""


def check_settings() -> None:
    """Raise UserError, with its name, its value and what is allowed, if a setting is not in RANGES."""
    for name, (kind, lowest, highest) in RANGES.items():
        value = globals()[name]
        if type(value) not in (int, kind) or not lowest <= value <= highest:
            number = "whole number" if kind is int else "number"
            shown = repr(value) if type(value) is not int or abs(value) < 10**20 else "a huge number"
            raise UserError(f"{name} = {shown}: it must be a {number} from {lowest:,} to {highest:,}.")


# ---- Pairs -----------------------------------------------------------------------------------------------------------


@cache
def read_mnist(name: str) -> Tensor:
    """Read one of MNIST's files: images, uint8 (N, 28, 28), or labels, int64 (N,).

    If it is missing, torchvision downloads the data set, and all that is missing is put in its place. UserError if that
    fails, or if its md5 sum is wrong.
    """
    file = RAW / name
    if not file.exists():
        from torchvision import datasets  # here, since it takes a second to load

        try:
            RAW.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=RAW) as folder:
                datasets.MNIST(folder, download=True)
                for missing in (each for each in MNIST if not (RAW / each).exists()):
                    (Path(folder) / "MNIST" / "raw" / missing).replace(RAW / missing)
        except (OSError, RuntimeError) as error:
            raise UserError(f"{file} is missing and cannot be downloaded ({error}). {RESTORE}.") from error
    packed = file.read_bytes()
    if (md5 := hashlib.md5(packed, usedforsecurity=False).hexdigest()) != MNIST[name]:
        raise UserError(f"{file} is damaged: its md5 is {md5}, it should be {MNIST[name]}. {RESTORE}.")
    # the format, on MNIST's page: two zeros, a type, the number of dimensions, 4 bytes for each, and the values
    values = torch.frombuffer(bytearray(gzip.decompress(packed)), dtype=torch.uint8)
    return values[16:].view(-1, 28, 28) if values[3] == 3 else values[8:].long()


def seed_of(purpose: str, nb_round: int) -> int:
    """Return the round's own seed for one purpose: "train pairs", "test pairs", "weights" or "order"."""
    digest = hashlib.sha256(f"{SEED} {nb_round} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator_of(purpose: str, nb_round: int) -> torch.Generator:
    """Return the round's own generator for one purpose: see `seed_of`."""
    return torch.Generator().manual_seed(seed_of(purpose, nb_round))


class Round(NamedTuple):
    """The pairs of one round, on the device that trains: N for training, M for the test.

    The target is 1 if the first digit is less than or equal to the second, else 0; the classes are the digits 0-9.
    Both inputs are (pixel - mean) / std, with the training pixels' mean and standard deviation.
    """

    number: int
    train_input: Tensor  # float32 (N, 2, 14, 14)
    train_target: Tensor  # int64 (N,)
    train_classes: Tensor  # int64 (N, 2)
    test_input: Tensor  # as for training, with M
    test_target: Tensor
    test_classes: Tensor
    mean: Tensor  # of pixels from 0 to 255
    std: Tensor


Pairs = tuple[Tensor, Tensor, Tensor]  # input, target and classes


def make_pairs(images: Tensor, labels: Tensor, indices: Tensor, nb_pairs: int) -> Pairs:
    """Pair up the first 2 nb_pairs images in `indices`, averaged 2x2 from 28x28 down to 14x14.

    `images` are uint8 (N, 28, 28), `labels` int64 (N,). UserError if there are too few.
    """
    if len(indices) < 2 * nb_pairs:
        raise UserError(f"{nb_pairs} pairs, but only {len(indices)} images: lower NB_TRAIN_PAIRS or NB_TEST_PAIRS.")
    indices = indices[: 2 * nb_pairs]
    assert len(indices.unique()) == len(indices), "an image is drawn twice"
    pooled = F.avg_pool2d(images[indices].float(), 2)
    classes = labels[indices].view(-1, 2)
    return pooled.view(-1, 2, SIDE, SIDE), (classes[:, 0] <= classes[:, 1]).long(), classes


def make_round(number: int, train: Pairs, test: Pairs) -> Round:
    """Normalise both sets of pairs and return them as a round."""
    (train_input, *train_labels), (test_input, *test_labels) = train, test
    mean, std = train_input.mean(), train_input.std()
    tensors = [(train_input - mean) / std, *train_labels, (test_input - mean) / std, *test_labels, mean, std]
    return Round(number, *[tensor.to(DEVICE) for tensor in tensors])


def load_round(
    nb_round: int = 0, *, nb_train_pairs: int | None = None, nb_test_pairs: int | None = None, validation: bool = False
) -> Round:
    """Draw the training and the test pairs of a round, without replacement (default: as many as the settings say).

    Training pairs come from MNIST's 60,000 training images, test pairs from its 10,000 test images or, to choose
    settings on, with `validation`, from the training images not used in the training pairs. A small set is the
    beginning of a large one of the same round.
    """
    nb_train_pairs = NB_TRAIN_PAIRS if nb_train_pairs is None else nb_train_pairs
    nb_test_pairs = NB_TEST_PAIRS if nb_test_pairs is None else nb_test_pairs
    train_images, train_labels, test_images, test_labels = map(read_mnist, MNIST)
    shuffled = torch.randperm(len(train_images), generator=generator_of("train pairs", nb_round))
    train = make_pairs(train_images, train_labels, shuffled, nb_train_pairs)
    if validation:
        test = make_pairs(train_images, train_labels, shuffled[2 * nb_train_pairs :], nb_test_pairs)
    else:
        shuffled = torch.randperm(len(test_images), generator=generator_of("test pairs", nb_round))
        test = make_pairs(test_images, test_labels, shuffled, nb_test_pairs)
    return make_round(nb_round, train, test)


# ---- Training and test -----------------------------------------------------------------------------------------------


def outputs(model: nn.Module, pairs: Tensor, digits: bool = False) -> tuple[Tensor, Any]:
    """Return a network's scores (N, 2) of the two classes for N pairs, and its digit scores (N, 2, 10) or None.

    UserError if it gives no digit scores and `digits` asks for them, if it gives anything else, or if a shape is wrong,
    which might broadcast silently.
    """
    name, returned = type(model).__name__, model(pairs)
    scores, digit_scores = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, None)
    if digits and digit_scores is None:
        raise UserError(f"{name}.forward must return (scores, digit_scores) for this training.")
    wanted = [(scores, (len(pairs), 2)), (digit_scores, (len(pairs), 2, 10))]
    for tensor, shape in wanted if digit_scores is not None else wanted[:1]:
        found = tuple(tensor.shape) if isinstance(tensor, Tensor) else f"a {type(tensor).__name__}"
        if found != shape:
            form = "scores, or (scores, digit_scores)"
            raise UserError(f"{name}.forward must return {form}, here of shape {shape}; it returned {found}.")
    return scores, digit_scores


def one_cycle_at(step: int, nb_steps: int, learning_rate: float) -> tuple[float, float]:
    """Return the learning rate and the momentum at a step of one cycle, as PyTorch's OneCycleLR has them.

    The rate rises from a 25th of `learning_rate` to it in the first 30 % of the steps, then falls to nearly nothing,
    along half a cosine each; the momentum falls from 0.95 to 0.85, and rises again.
    """

    def between(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    top = 0.3 * nb_steps - 1
    if step <= top:
        return between(learning_rate / 25, learning_rate, step / top), between(0.95, 0.85, step / top)
    share = (step - top) / (nb_steps - 1 - top)
    return between(learning_rate, learning_rate / 25 / 1e4, share), between(0.85, 0.95, share)


class SGD:
    """Stochastic gradient descent, with the names, the meaning and the digits of torch.optim.SGD.

    It is here since PyTorch's own takes a second when it is first used. It knows no weight decay, and no scheduler of
    PyTorch's; any optimizer of torch.optim can take its place in `train`.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.0) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(params), "lr": lr, "momentum": momentum}]
        self.velocities: dict[nn.Parameter, Tensor] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Move each weight that has a gradient; a layer that is not used has none."""
        group = self.param_groups[0]
        for weight in group["params"]:
            if weight.grad is not None:
                if weight not in self.velocities:  # only now: a lazy layer gets its weights in the first forward pass
                    self.velocities[weight] = torch.zeros_like(weight)
                weight.sub_(self.velocities[weight].mul_(group["momentum"]).add_(weight.grad), alpha=group["lr"])


def train(
    model: nn.Module,
    loss_of: Callable[..., Tensor],
    train_set: tuple[Tensor, ...],
    *,
    generator: torch.Generator | None = None,
    nb_epochs: int | None = None,
    learning_rate: float | None = None,
    mini_batch_size: int | None = None,
    shuffle: bool = True,
    transform: Callable[[list[Tensor], torch.Generator | None], list[Tensor]] | None = None,
    one_cycle: bool = False,
    averaging: float = 0.0,
    after_epoch: Callable[[nn.Module, list[float]], object] | None = None,
) -> list[float]:
    """Train `model` in place by stochastic gradient descent and return each epoch's loss, the mean over its batches.

    `train_set` holds tensors of N rows, the input first; `loss_of` returns the mean loss of a mini-batch, the same rows
    of each, or of what `transform` makes of them with `generator`. Epochs, rate and size default to the settings. With
    `shuffle` the mini-batches are drawn anew each epoch. With `one_cycle` learning rate and momentum follow
    `one_cycle_at`. `averaging` is the per-step decay of a moving average of weights and statistics, which the model
    gets at the end. `after_epoch` is called with the model and the losses so far; what it draws, and the mode that it
    leaves, change nothing. DivergenceError if a loss or a weight is not finite, UserError where `loss_of` raises it.
    """
    nb_epochs = NB_EPOCHS if nb_epochs is None else nb_epochs
    learning_rate = LEARNING_RATE if learning_rate is None else learning_rate
    mini_batch_size = MINI_BATCH_SIZE if mini_batch_size is None else mini_batch_size
    nb_rows = len(train_set[0])
    nb_steps, step = nb_epochs * math.ceil(nb_rows / mini_batch_size), 0
    optimizer = SGD(model.parameters(), learning_rate)
    averages: dict[str, Tensor] = {}
    losses: list[float] = []
    for epoch in range(nb_epochs):
        model.train()
        batch_losses = []
        order = torch.randperm(nb_rows, generator=generator) if shuffle else torch.arange(nb_rows)
        for rows in order.to(train_set[0].device).split(mini_batch_size):
            batch = [tensor[rows] for tensor in train_set]
            loss = loss_of(*(transform(batch, generator) if transform else batch))
            if one_cycle:
                rate, momentum = one_cycle_at(step, nb_steps, learning_rate)
                optimizer.param_groups[0].update(lr=rate, momentum=momentum)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            batch_losses.append(loss.detach())
            for name, value in model.state_dict().items() if averaging else ():
                if value.is_floating_point():
                    averages.setdefault(name, value.clone()).lerp_(value, 1 - averaging)
        losses.append(torch.stack(batch_losses).mean().item())
        if not (math.isfinite(losses[-1]) and all(weight.isfinite().all() for weight in model.parameters())):
            name, where = type(model).__name__, f"epoch {epoch + 1} of {nb_epochs} (loss {losses[-1]:.4g})"
            raise DivergenceError(f"{name} diverged in {where}. Lower LEARNING_RATE, now {learning_rate}.")
        if after_epoch is not None:
            with torch.random.fork_rng(range(torch.cuda.device_count())):
                after_epoch(model, losses)
    model.load_state_dict(averages, strict=False)
    return losses


@torch.no_grad()
def evaluate(model: nn.Module, pairs: Tensor) -> tuple[Tensor, Any]:
    """Return `outputs` for any number of pairs, in evaluation mode; DivergenceError if a score is not finite.

    The mode of each layer is put back.
    """
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    scores, digit_scores = zip(*(outputs(model, batch) for batch in pairs.split(EVALUATION_BATCH_SIZE)), strict=True)
    for layer, training in modes:
        layer.training = training
    if not torch.cat(scores).isfinite().all():
        raise DivergenceError(f"{type(model).__name__} diverged: its scores are not finite. Lower LEARNING_RATE.")
    return torch.cat(scores), None if digit_scores[0] is None else torch.cat(digit_scores)


def nb_wrong(model: nn.Module, pairs: Tensor, target: Tensor) -> int:
    """Count the pairs, float32 (N, 2, 14, 14), whose class is not their target, int64 (N,); see `evaluate`."""
    scores, _ = evaluate(model, pairs)
    return int((scores.argmax(1) != target).sum())


def nb_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters: those that are not frozen."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


class Result(NamedTuple):
    """What one network gave in one round."""

    classes: tuple[str, ...]  # names of its class and that one's base classes
    nb_round: int
    nb_parameters: int
    losses: list[float]  # of each epoch
    nb_wrong: int  # of the test pairs
    nb_test_pairs: int
    seconds: float  # of training and test: the processor's time, on a GPU the clock's
    model: Any  # trained, in evaluation mode; None if it was not kept

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.classes[0]

    @property
    def accuracy(self) -> float:
        """The test accuracy in %."""
        return 100 * (1 - self.nb_wrong / self.nb_test_pairs)


def run(
    data: Round,
    make: Callable[[], nn.Module],
    train_function: Callable[..., list[float]],
    *train_classes: Tensor,
    **settings: Any,
) -> Result:
    """Make a network with the round's initial weights, train it with the round's order, and test it, once, at the end.

    `train_classes` is data.train_classes for a training function that takes it, else nothing; `settings` are the
    training function's. PyTorch's global generator is seeded anew. Raises what `train` and `evaluate` do.
    """
    clock = time.process_time if data.train_input.device.type == "cpu" else time.perf_counter
    start = clock()
    torch.manual_seed(seed_of("weights", data.number))  # seeds whatever takes no generator: initial weights, dropout
    model = make().to(data.train_input.device)
    for layer in model.modules():
        if type(layer) is nn.Conv2d:  # 1.55 times as fast, but `view` fails on what comes out; not for all layers
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    order = generator_of("order", data.number)
    losses = train_function(model, data.train_input, data.train_target, *train_classes, generator=order, **settings)
    model.eval()
    wrong = nb_wrong(model, data.test_input, data.test_target)
    seconds, size = clock() - start, nb_parameters(model)
    classes = tuple(each.__name__ for each in type(model).__mro__)
    return Result(classes, data.number, size, losses, wrong, len(data.test_target), seconds, model)
