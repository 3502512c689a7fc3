"""How fast the main job is, against a baseline.

    python report/benchmark.py

The baseline is the same job written straightforwardly: one network after the other, one pass of a network per digit,
PyTorch's optimizer, memory layout, threads and instructions, errors on the training pairs counted one by one after each
epoch, as in the published script; of the published sizes, and of ours. Nothing else should run beside it. What is
compared is run in turn, and the ratio of the medians counts. The results are written to results/benchmark.json.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from common.networks import BASE, PUBLISHED, Network
from common.provenance import ROOT, commit, processor
from common.rows import write_atomically
from experiments.cost import BENCHMARK
from torch import Tensor, nn

import helpers

NETWORKS = {"published": (PUBLISHED[0], PUBLISHED[1], PUBLISHED[3]), "ours": BASE}
NB_CORES = os.cpu_count() or 1
BEST = "avx512" if torch.cpu.get_capabilities().get("avx512_f") else "avx2"
NO_LIMIT = {"ATEN_CPU_CAPABILITY": BEST, "ONEDNN_MAX_CPU_ISA": "ALL", "MKL_CBWR": "OFF"}  # every instruction there is

# ---- The baseline ---------------------------------------------------------------------------------------------------


def scores_of(model: Any, pairs: Tensor) -> tuple[Tensor, ...]:
    """Return a network's scores of the comparison and, if the digits are split, of each digit: a pass per digit."""
    if hasattr(model, "layers"):
        return (model(pairs),)
    branch = model.branch if hasattr(model, "branch") else model.features
    first, second = branch(pairs[:, 0:1]), branch(pairs[:, 1:2])
    merged = torch.cat([first, second], 1)
    return model.final(model.activation(merged) if hasattr(model, "activation") else merged), first, second


def nb_errors(model: nn.Module, pairs: Tensor, target: Tensor) -> int:
    """Count errors one by one."""
    errors = 0
    for start in range(0, len(pairs), 100):
        predicted = scores_of(model, pairs[start : start + 100])[0].argmax(1)
        for n in range(len(predicted)):
            if target[start + n] != predicted[n]:
                errors += 1
    return errors


def train_baseline(network: Network, data: helpers.Round, nb_epochs: int) -> float:
    """Train and test one network; return its test accuracy in %."""
    model = network.make().to(data.train_input.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(nb_epochs):
        for start in range(0, len(data.train_input), 100):
            target, classes = data.train_target[start : start + 100], data.train_classes[start : start + 100]
            comparison, *digits = scores_of(model, data.train_input[start : start + 100])
            loss = F.cross_entropy(comparison, target)
            for channel, scores in enumerate(digits if network.labelled else ()):
                loss = loss + 0.5 * F.cross_entropy(scores, classes[:, channel])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        nb_errors(model, data.train_input, data.train_target)
    return 100 * (1 - nb_errors(model, data.test_input, data.test_target) / len(data.test_input))


def baseline(sizes: str) -> None:
    """Do the whole job in the baseline's way, with the networks of these sizes."""
    torch.set_num_threads(NB_CORES)  # PyTorch's default
    data = helpers.load_round(0)
    for network in NETWORKS[sizes]:
        print(f"{network.name}: {train_baseline(network, data, helpers.NB_EPOCHS):.1f} %", flush=True)


# ---- The comparison -------------------------------------------------------------------------------------------------


def alternate(nb_runs: int, *functions: Callable[[], object]) -> list[float]:
    """Return the median seconds of each function, called in turn `nb_runs` times."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(nb_runs):
        for seconds, function in zip(times, functions, strict=True):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return [median(seconds) for seconds in times]


def python(*arguments: str, **environment: str) -> None:
    """Run Python on a file of the project, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in helpers.SAME_DIGITS}
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env={**clean, **environment})


JOBS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {  # arguments of Python, and its environment
    "ours": (("test.py",), {}),
    "published": ((__file__, "published"), NO_LIMIT),
    "same": ((__file__, "ours"), NO_LIMIT),
    "without_limit": (("test.py",), NO_LIMIT),
}


def main() -> None:
    """Run the jobs in turn, three times, print the median seconds of each, and save them."""
    functions = [partial(python, *arguments, **environment) for arguments, environment in JOBS.values()]
    seconds = {name: round(value, 3) for name, value in zip(JOBS, alternate(3, *functions), strict=True)}
    machine = f"{NB_CORES} cores, {processor()}, {platform.system()}"
    results = {"machine": machine, "torch": torch.__version__, "commit": commit(), "seconds": seconds}
    print(results)
    write_atomically(BENCHMARK, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    baseline(sys.argv[1]) if sys.argv[1:] else main()
