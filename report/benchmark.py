"""How fast the main job is, against the obvious way to write it and against the machine's own speed.

    python report/benchmark.py

The obvious way is the yardstick: the published sizes, one network after the other, one pass of a network per digit,
PyTorch's default memory layout and threads, errors counted one by one in Python. Nothing else should run beside it. Two
things are compared in alternating runs, and the ratio of their medians counts. The results are written to
results/benchmark.json.
"""

import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from networks import fully_connected
from rows import NETWORKS, RESULTS, ROOT, Job, complete, write_whole
from torch import Tensor, nn

import helpers
from models.AuxLoss import AuxModel, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, train_model_WS

PUBLISHED_MAPS = (64, 128)
TARGETS = {"whole job": 5, "training at the published maps": 2.8, "share of the matrix product's speed": 0.45}
NB_CORES = os.cpu_count() or 1


# ---------------------------------------------------------------------------------------------------------------------
# The obvious way


def features(channels: int) -> nn.Sequential:
    """Return the published convolutions, with ReLU before the pooling."""
    return nn.Sequential(
        *(nn.Conv2d(channels, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
    )


class ObviousSimple(nn.Module):
    """The published plain network, 140,994 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(features(2), fully_connected(512, 128, 2))

    def forward(self, pairs: Tensor) -> tuple[Tensor]:
        return (self.layers(pairs),)


class ObviousWS(nn.Module):
    """The published network with weight sharing, 178,028 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.final = features(1), fully_connected(1024, 100, 10, 2)

    def forward(self, pairs: Tensor) -> tuple[Tensor]:
        first, second = self.features(pairs[:, 0:1]), self.features(pairs[:, 1:2])
        return (self.final(torch.cat([first, second], 1)),)


class ObviousAux(nn.Module):
    """The published network with weight sharing and an auxiliary loss, 130,288 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(features(1), fully_connected(512, 100, 40, 10), nn.ReLU())
        self.final = nn.Linear(20, 2)

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first, second = self.branch(pairs[:, 0:1]), self.branch(pairs[:, 1:2])
        return self.final(torch.cat([first, second], 1)), first, second


def train_obviously(model_class: type[nn.Module], data: helpers.Round, nb_epochs: int) -> float:
    """Train and test one published network the obvious way; return its test accuracy in %."""
    model = model_class()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(nb_epochs):
        for start in range(0, len(data.train_input), 100):
            target, classes = data.train_target[start : start + 100], data.train_classes[start : start + 100]
            comparison, *digits = model(data.train_input[start : start + 100])
            loss = F.cross_entropy(comparison, target)
            for channel, scores in enumerate(digits):
                loss = loss + 0.5 * F.cross_entropy(scores, classes[:, channel])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    errors = 0
    for start in range(0, len(data.test_input), 100):
        predicted = model(data.test_input[start : start + 100])[0].argmax(1)
        for n in range(len(predicted)):
            if data.test_target[start + n] != predicted[n]:
                errors += 1
    return 100 * (1 - errors / len(data.test_input))


def obvious_job(nb_epochs: int) -> None:
    """Do the whole job, or `nb_epochs` of it, the obvious way."""
    data = helpers.load_round(0)
    with threads(NB_CORES):  # PyTorch's default
        for model_class in (ObviousSimple, ObviousWS, ObviousAux):
            print(f"{model_class.__name__}: {train_obviously(model_class, data, nb_epochs):.1f} %")


# ---------------------------------------------------------------------------------------------------------------------
# Our way, and the machine


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let PyTorch use so many threads in the body of a with statement, and one afterwards, as helpers has it."""
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(1)


def our_networks(data: helpers.Round, nb_epochs: int, **sizes: tuple[int, int]) -> list[Callable[[], helpers.Result]]:
    """Return what trains each of our three networks, at other sizes if given."""
    start = partial(partial, helpers.run, data)
    return [
        start(partial(SimpleModel, **sizes), train_model, nb_epochs=nb_epochs),
        start(partial(WSModel, **sizes), train_model_WS, nb_epochs=nb_epochs),
        start(partial(AuxModel, **sizes), train_model_AM, data.train_classes, nb_epochs=nb_epochs),
    ]


def our_training(data: helpers.Round, nb_epochs: int, **sizes: tuple[int, int]) -> None:
    """Train our three networks side by side, as test.py does."""
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(network) for network in our_networks(data, nb_epochs, **sizes)]
    for network in running:
        network.result()


def operations(layers: nn.Sequential, channels: int) -> int:
    """Count the multiplications and additions of one forward pass of one image, layer by layer."""
    count, x = 0, torch.zeros(1, channels, 14, 14)
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            count += 2 * x.numel() * layer.in_channels * 9
        elif isinstance(layer, nn.Linear):
            count += 2 * x.numel() * layer.in_features
    return count


def operations_of_our_epoch() -> int:
    """Count those of one epoch of our three networks: a backward pass costs two forward passes."""
    simple = operations(SimpleModel().layers, 2)
    sharing = 2 * operations(WSModel().branch, 1)
    return 3 * helpers.NB_TRAIN_PAIRS * (simple + 2 * sharing)


def seconds(function: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(nb_runs: int, *functions: Callable[[], object]) -> list[float]:
    """Return the median seconds of each function, called in turn `nb_runs` times."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(nb_runs):
        for own, function in zip(times, functions, strict=True):
            own.append(seconds(function))
    return [median(own) for own in times]


def python(*arguments: str) -> None:
    """Run Python on a file of the project, in a process of its own."""
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def study_of(workers: int) -> None:
    """Run a small study, of two dozen short runs."""
    jobs = [Job("benchmark", "AuxModel", nb_round, training={"nb_epochs": 10}) for nb_round in range(2000, 2024)]
    with tempfile.TemporaryDirectory() as folder:
        complete(Path(folder) / "rows.csv", jobs, workers=workers)


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Let another process train the obvious way, on all cores, during the body of a with statement."""
    command = [sys.executable, str(ROOT / "report" / "benchmark.py"), "neighbour"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(5)  # it starts and reads MNIST
        try:
            yield
        finally:
            process.kill()


def main() -> None:
    """Measure, print and save."""
    results: dict[str, object] = {
        "machine": f"{NB_CORES} cores, {platform.machine()}, {platform.system()}",
        "torch": torch.__version__,
    }

    def note(name: str, **figures: float) -> None:
        results[name] = {key: round(value, 3) for key, value in figures.items()}
        print(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in figures.items()), flush=True)

    def product() -> Tensor:
        with threads(NB_CORES):
            return square @ square

    data, square, epochs = helpers.load_round(0), torch.randn(4096, 4096), 5
    our_training(data, 1)  # warm up

    def obvious_epochs() -> None:
        with redirect_stdout(io.StringIO()):
            obvious_job(epochs)

    obvious, ours = alternate(5, obvious_epochs, lambda: our_training(data, epochs, maps=PUBLISHED_MAPS))
    note("training at the published maps", obvious=obvious, ours=ours, ratio=obvious / ours)

    whole, training = alternate(7, product, lambda: our_training(data, epochs))
    speeds = 2 * 4096**3 / whole / 1e9, operations_of_our_epoch() * epochs / training / 1e9
    note("share of the matrix product's speed", product=speeds[0], training=speeds[1], ratio=speeds[1] / speeds[0])

    def in_turn() -> None:
        with threads(NB_CORES):
            for network in our_networks(data, epochs):
                network()

    def side_by_side() -> None:
        our_training(data, epochs)

    alone = alternate(5, side_by_side, in_turn)
    with busy_neighbour():
        beside = alternate(5, side_by_side, in_turn)
    for name, own, other in zip(("side by side", "in turn, a thread per core"), alone, beside, strict=True):
        note(name, alone=own, beside=other, ratio=other / own)

    def exploration(name: str, **changes: int) -> None:
        network, train_function, takes_classes = NETWORKS[name]
        classes = [data.train_classes] if takes_classes else []
        helpers.run(data, network, train_function, *classes, **{**network.training, **changes})

    aux, ws, undistorted = alternate(
        3,
        lambda: exploration("AuxModel1"),
        lambda: exploration("WSModel1"),
        lambda: exploration("WSModel1", nb_views=0, consistency=0),
    )
    note("a run on one core", WSModel1=ws, AuxModel1=aux, undistorted=undistorted, ratio=ws / undistorted)

    one_worker, all_workers = alternate(3, lambda: study_of(1), lambda: study_of(NB_CORES))
    note("workers", one=one_worker, a_core_each=all_workers, ratio=one_worker / all_workers)

    def start() -> None:
        python("-c", "import helpers; helpers.load_round(0)")

    (starting,) = alternate(5, start)
    note("start", seconds=starting)

    obvious, ours = alternate(3, lambda: python("report/benchmark.py", "obvious"), lambda: python("test.py"))
    note("whole job", obvious=obvious, ours=ours, ratio=obvious / ours)

    for name, target in TARGETS.items():
        ratio = results[name]["ratio"]
        print(f"{name}: {ratio:.2f}, target {target}: {'reached' if ratio >= target else 'missed'}")
    file = RESULTS / "benchmark.json"
    every = json.loads(file.read_text()) if file.exists() else {}
    every[torch.backends.cpu.get_cpu_capability()] = results  # another kind of processor has results of its own
    write_whole(file, json.dumps(every, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["obvious"]:
        obvious_job(50)
    elif sys.argv[1:] == ["neighbour"]:
        obvious_job(1_000_000)  # until it is killed
    else:
        main()
