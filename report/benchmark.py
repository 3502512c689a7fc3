"""How fast the main job is, against a straightforward version of the published script.

    python report/benchmark.py

The baseline is the same job with the published sizes: one network after the other, one pass of a network per digit,
PyTorch's optimizer, memory layout, threads and instructions, errors on the training pairs counted one by one after each
epoch, as in the published script. Nothing else should run beside it. The two are run in turn, and the ratio of the
medians counts. The results are written to results/benchmark.json; README and test.py show what a default run printed.
"""

import json
import os
import platform
import subprocess
import sys
import time
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from common.networks import PUBLISHED, Network
from common.provenance import ROOT, commit, processor
from common.rows import write_atomically
from experiments.cost import BENCHMARK
from torch import Tensor, nn

import helpers

NETWORKS = (PUBLISHED[0], PUBLISHED[1], PUBLISHED[3])
NB_RUNS = 3
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


def baseline() -> None:
    """Do the whole job in the baseline's way."""
    torch.set_num_threads(NB_CORES)  # PyTorch's default
    data = helpers.load_round(0)
    for network in NETWORKS:
        print(f"{network.name}: {train_baseline(network, data, helpers.NB_EPOCHS):.1f} %", flush=True)


# ---- The comparison -------------------------------------------------------------------------------------------------


def timed(*arguments: str, **environment: str) -> tuple[float, str]:
    """Return how many seconds Python takes for a file of the project, in a process of its own, and what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in helpers.SAME_DIGITS}
    start = time.perf_counter()
    command = [sys.executable, *arguments]
    options: Any = {"check": True, "stdout": subprocess.PIPE, "text": True, "env": {**clean, **environment}}
    done = subprocess.run(command, cwd=ROOT, **options)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Run both in turn, and save and print the median seconds of each, and what a default run prints."""
    runs = [(timed("test.py"), timed(__file__, "baseline", **NO_LIMIT)) for _ in range(NB_RUNS)]
    ours, published = (round(median(seconds for seconds, _ in side), 3) for side in zip(*runs, strict=True))
    (_, printed), _ = runs[-1]
    machine = f"{NB_CORES} cores, {processor()}, {platform.system()}"
    results: dict[str, Any] = {"machine": machine, "torch": torch.__version__, "commit": commit()}
    results |= {"seconds": {"ours": ours, "published": published}, "printed": printed.splitlines()}
    print(results)
    write_atomically(BENCHMARK, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    baseline() if sys.argv[1:] else main()
