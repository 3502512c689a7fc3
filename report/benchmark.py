"""How fast the main job is, against a baseline.

    python report/benchmark.py

The baseline is the same job at the published sizes, written straightforwardly: one network after the other, one pass of
a network per digit, PyTorch's default memory layout, threads and instructions, errors on the training pairs counted one
by one after each epoch, as in the published script. Nothing else should run beside it. Two things are compared in
alternating runs, and the ratio of their medians counts. The results are written to results/benchmark.json.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from common.networks import AUX1, BASE, PUBLISHED, WS1, Network
from common.provenance import ROOT, processor
from common.rows import seal, write_atomically
from experiments.cost import BENCHMARK
from torch import Tensor, nn

import helpers

PUBLISHED_MAPS = (64, 128)
TARGETS = {"whole job": 5, "training at the published maps": 2.8}
NB_CORES = os.cpu_count() or 1
BEST = "avx512" if torch.cpu.get_capabilities().get("avx512_f") else "avx2"
NO_LIMIT = {"ATEN_CPU_CAPABILITY": BEST, "ONEDNN_MAX_CPU_ISA": "ALL", "MKL_CBWR": "OFF"}  # every instruction there is

# ---- The baseline ---------------------------------------------------------------------------------------------------


def outputs(model: Any, pairs: Tensor) -> tuple[Tensor, ...]:
    """Return a published network's scores of the comparison and, if it has them, of each digit: a pass per digit."""
    if hasattr(model, "layers"):
        return (model(pairs),)
    branch = model.branch if hasattr(model, "branch") else model.features
    first, second = branch(pairs[:, 0:1]), branch(pairs[:, 1:2])
    scores = model.final(torch.cat([first, second], 1))
    return (scores, first, second) if hasattr(model, "branch") else (scores,)


def nb_errors(model: nn.Module, pairs: Tensor, target: Tensor) -> int:
    """Count errors one by one."""
    errors = 0
    for start in range(0, len(pairs), 100):
        predicted = outputs(model, pairs[start : start + 100])[0].argmax(1)
        for n in range(len(predicted)):
            if target[start + n] != predicted[n]:
                errors += 1
    return errors


def train_baseline(network: Network, data: helpers.Round, nb_epochs: int, count: bool = True) -> float:
    """Train and test one published network; return its test accuracy in %."""
    model = network.make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(nb_epochs):
        for start in range(0, len(data.train_input), 100):
            target, classes = data.train_target[start : start + 100], data.train_classes[start : start + 100]
            comparison, *digits = outputs(model, data.train_input[start : start + 100])
            loss = F.cross_entropy(comparison, target)
            for channel, scores in enumerate(digits):
                loss = loss + 0.5 * F.cross_entropy(scores, classes[:, channel])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if count:
            nb_errors(model, data.train_input, data.train_target)
    return 100 * (1 - nb_errors(model, data.test_input, data.test_target) / len(data.test_input))


def baseline(nb_epochs: int, count: bool = True) -> None:
    """Do the whole job, or `nb_epochs` of it, in the baseline's way."""
    data = helpers.load_round(0)
    published = {network.name.removeprefix("Published"): network for network in PUBLISHED}
    with threads(NB_CORES):  # PyTorch's default
        for network in BASE:
            found = train_baseline(published[network.name], data, nb_epochs, count)
            print(f"{network.name}: {found:.1f} %", flush=True)


# ---- Our way ---------------------------------------------------------------------------------------


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let PyTorch use so many threads in the body of a with statement, and one afterwards, as helpers has it."""
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(1)


def train_one(network: Network, data: helpers.Round, model: dict[str, Any] | None = None, **settings: Any) -> None:
    """Train and test one of our networks, with its own settings and others."""
    classes = [data.train_classes] if network.labelled else []
    settings = {**getattr(network.make, "settings", {}), **settings}
    helpers.run(data, lambda: network.make(**(model or {})), network.train, *classes, **settings)


def side_by_side(data: helpers.Round, nb_epochs: int, model: dict[str, Any] | None = None) -> None:
    """Train the base networks side by side, as test.py does."""
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(train_one, network, data, model, nb_epochs=nb_epochs) for network in BASE]
    for each in running:
        each.result()


def alternate(nb_runs: int, *functions: Callable[[], object]) -> list[float]:
    """Return the median seconds of each function, called in turn `nb_runs` times."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(nb_runs):
        for own, function in zip(times, functions, strict=True):
            start = time.perf_counter()
            function()
            own.append(time.perf_counter() - start)
    return [median(own) for own in times]


def python(*arguments: str, **environment: str) -> None:
    """Run Python on a file of the project, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in helpers.SAME_DIGITS}
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env={**clean, **environment})


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Let another process train the baseline, on all cores, during the body of a with statement."""
    command = [sys.executable, __file__, "neighbour"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(5)  # it starts and reads MNIST
        try:
            yield
        finally:
            process.kill()


def main() -> None:
    """Measure, print and save."""
    machine = f"{NB_CORES} cores, {processor()}, {platform.system()}"
    results: dict[str, Any] = {"machine": machine, "torch": torch.__version__}

    def note(name: str, **figures: float) -> None:
        results[name] = {key: round(value, 3) for key, value in figures.items()}
        print(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in figures.items()), flush=True)

    def in_turn() -> None:
        with threads(NB_CORES):
            for network in BASE:
                train_one(network, data, nb_epochs=epochs)

    data, epochs = helpers.load_round(0), 5
    side_by_side(data, 1)  # warm up
    theirs, ours = alternate(
        5, lambda: baseline(epochs, count=False), lambda: side_by_side(data, epochs, {"maps": PUBLISHED_MAPS})
    )
    note("training at the published maps", baseline=theirs, ours=ours, ratio=theirs / ours)

    alone = alternate(5, lambda: side_by_side(data, epochs), in_turn)
    with busy_neighbour():
        beside = alternate(5, lambda: side_by_side(data, epochs), in_turn)
    for name, own, other in zip(("side by side", "in turn, a thread per core"), alone, beside, strict=True):
        note(name, alone=own, beside=other, ratio=other / own)

    ws, aux, plain = alternate(
        3,
        lambda: train_one(WS1, data),
        lambda: train_one(AUX1, data),
        lambda: train_one(WS1, data, two_views=False, consistency=0),
    )
    note("a run on one core", WSModel1=ws, AuxModel1=aux, undistorted=plain, ratio=ws / plain)

    (starting,) = alternate(5, lambda: python("-c", "import helpers; helpers.load_round(0)"))
    note("start", seconds=starting)

    theirs, ours, free = alternate(
        3,
        lambda: python(__file__, "baseline", **NO_LIMIT),
        lambda: python("test.py"),
        lambda: python("test.py", **NO_LIMIT),
    )
    note("whole job", baseline=theirs, ours=ours, ratio=theirs / ours, without_limit=free, cost_of_limit=ours / free)

    for name, target in TARGETS.items():
        ratio = results[name]["ratio"]
        print(f"{name}: {ratio:.2f}, target {target}: {'reached' if ratio >= target else 'missed'}")
    write_atomically(BENCHMARK, json.dumps(seal(results), indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["baseline"]:
        baseline(helpers.NB_EPOCHS)
    elif sys.argv[1:] == ["neighbour"]:
        baseline(1_000_000)  # until it is killed
    else:
        main()
