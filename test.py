"""The main job: train the three networks on the pairs of round 0, and print what each reaches.

    python test.py

Lower NB_EPOCHS in helpers.py for a quick run, raise NB_ROUNDS to repeat it. Uncomment a line of `networks` to run an
exploration class beside its base class, and the last line of this file to draw the losses. An epoch's loss is the mean
over its mini-batches. A default run prints this; all but the seconds should be the same on x86-64 with AVX2:

    network      parameters  first loss  last loss  test accuracy  wrong  seconds
    SimpleModel      57,956      0.6848     0.0034         80.6 %    194      5.8
    WSModel          58,918      0.6859     0.0017         82.4 %    176      8.4
    AuxModel         58,918      2.9382     0.0325         89.4 %    106      8.4
"""

import itertools
import math
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

if __name__ in ("__main__", "__mp_main__"):  # the latter in a process that is spawned
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

import helpers
from helpers import DivergenceError, Result, UserError, check_settings, load_round, run
from models.AuxLoss import AuxModel, AuxModel1, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, WSModel1, train_model_WS

HEAD = "network      parameters  first loss  last loss  test accuracy  wrong  seconds"
COMPARED_WITH = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
COLOURS = {"SimpleModel": "#404040", "WSModel": "#e69f00", "AuxModel": "#0072b2"}  # those of the report
COLOURS |= {"WSModel1": "#d55e00", "AuxModel1": "#56b4e9"}
MARKERS = {"SimpleModel": "o", "WSModel": "s", "AuxModel": "^", "WSModel1": "D", "AuxModel1": "v"}
HERE = Path(__file__).resolve().parent
START_METHOD = "fork" if sys.platform == "linux" else "spawn"
Outcome = Result | DivergenceError


def networks(nb_round: int) -> list[partial[Result]]:
    """Return what trains and tests each network; only those that are given them see the digits' classes."""
    data = load_round(nb_round)  # while tuning: load_round(1000 + nb_round, validation=True)
    return [
        partial(run, data, SimpleModel, train_model),
        partial(run, data, WSModel, train_model_WS),
        # partial(run, data, WSModel1, train_model_WS, **WSModel1.settings),
        partial(run, data, AuxModel, train_model_AM, data.train_classes),
        # partial(run, data, AuxModel1, train_model_AM, data.train_classes, **AuxModel1.settings),
    ]


# ---- Processes -------------------------------------------------------------------------------------------------------


def outcome_of(nb_round: int, place: int) -> Outcome:
    """Train and test one of the networks in a round."""
    try:
        return networks(nb_round)[place]()
    except DivergenceError as error:
        return error


def set_up(settings: dict[str, Any]) -> None:
    """Give a process the settings of the one that started it, and let it end with that."""
    vars(helpers).update(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent: Any = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def work(folder: str, nb_round: int, place: int) -> None:
    """Save an outcome, with the weights of the network in its place: its class cannot always be pickled.

    To a file, since the pool waits for ever for a process that is killed while it passes on more than a few bytes.
    """
    outcome = outcome_of(nb_round, place)
    if isinstance(outcome, Result):
        weights: Any = outcome.model.state_dict()
        outcome = outcome._replace(model=weights)
    Path(folder, f"{nb_round} {place}").write_bytes(pickle.dumps(outcome))


def outcomes_of(jobs: list[partial[Result]]) -> Iterator[Outcome]:
    """Yield what each network gives in each round, in order, each as soon as it is there.

    Each has a process to itself. In this one are trained: one alone; those on a GPU; and those of a session without a
    file, where processes are spawned. UserError if a process is killed.
    """
    tasks = list(itertools.product(range(helpers.NB_ROUNDS), range(len(jobs))))
    no_file = START_METHOD == "spawn" and not hasattr(sys.modules["__main__"], "__file__")
    if len(tasks) == 1 or helpers.DEVICE.type == "cuda" or no_file:
        yield from itertools.starmap(outcome_of, tasks)
        return
    settings = {name: getattr(helpers, name) for name in helpers.RANGES}
    nb_processes = min(len(tasks), max(len(jobs), os.cpu_count() or 1))
    context = multiprocessing.get_context(START_METHOD)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(nb_processes, context, set_up, (settings,)) as pool,
    ):
        try:
            done = pool.map(partial(work, folder), *zip(*tasks, strict=True))
            for (nb_round, place), _ in zip(tasks, done, strict=True):
                file = Path(folder, f"{nb_round} {place}")
                outcome = pickle.loads(file.read_bytes())
                file.unlink()
                if isinstance(outcome, Result):
                    model = jobs[place].args[1]().eval()
                    model.load_state_dict(outcome.model, assign=True)
                    outcome = outcome._replace(model=model)
                yield outcome
        except BrokenProcessPool as error:
            raise UserError("a process was killed, most often because memory ran out. Close other programs.") from error
        finally:
            for process in multiprocessing.active_children():
                process.kill()


# ---- Printing and the figure -----------------------------------------------------------------------------------------


def line_of(outcome: Outcome) -> str:
    """Return one network's line of the table of results."""
    if isinstance(outcome, DivergenceError):
        return str(outcome)
    line = f"{outcome.name:11}  {outcome.nb_parameters:10,}  {outcome.losses[0]:10.4f}  {outcome.losses[-1]:9.4f}"
    return f"{line}  {outcome.accuracy:11.1f} %  {outcome.nb_wrong:5}  {outcome.seconds:7.1f}"


def print_summary(outcomes: list[Outcome], nb_networks: int) -> None:
    """Print each network's mean and standard deviation, and its differences from the network it is compared with.

    Rounds in which one of the two diverged are left out.
    """
    print("\nnetwork      rounds  mean accuracy  deviation  compared with  difference  wins  ties  losses")
    places = [[each for each in outcomes[n::nb_networks] if isinstance(each, Result)] for n in range(nb_networks)]
    by_name = {results[0].name: results for results in reversed(places) if results}  # the first of several of a name
    for results in filter(None, places):
        name = results[0].name
        accuracies = [result.accuracy for result in results]
        deviation = stdev(accuracies) if len(accuracies) > 1 else math.nan
        line = f"{name:11}  {len(results):6}  {mean(accuracies):11.2f} %  {deviation:9.2f}"
        base = {result.nb_round: result.accuracy for result in by_name.get(COMPARED_WITH.get(name, ""), [])}
        if differences := [result.accuracy - base[result.nb_round] for result in results if result.nb_round in base]:
            wins, losses = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
            line += f"  {COMPARED_WITH[name]:13}  {mean(differences):+10.2f}  {wins:4}"
            line += f"  {len(differences) - wins - losses:4}  {losses:6}"
        print(line, flush=True)


def plot_losses(results: list[Result], file: str | Path = HERE / "losses.png") -> None:
    """Draw each network's loss over the epochs to `file`, whose suffix says the format, and print its path.

    It is shown in a window, too, if there is a screen and a person ran this file in a terminal.
    """
    from matplotlib.figure import Figure

    screen = sys.platform in ("win32", "darwin") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    shown = screen and __name__ == "__main__" and sys.stdout.isatty()
    make: Any = Figure  # needs no screen, and leaves a notebook's alone
    if shown:
        from matplotlib import pyplot

        make = pyplot.figure
    figure = make(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for result in results:
        label = result.name if result.nb_round == results[0].nb_round else None
        style: Any = {"color": COLOURS.get(result.name), "marker": MARKERS.get(result.name, "."), "markersize": 3}
        axes.plot(range(1, len(result.losses) + 1), result.losses, label=label, linewidth=1, **style)
    axes.set(xlabel="epoch", ylabel="training loss, mean over mini-batches", yscale="log")
    axes.locator_params(axis="x", integer=True)
    axes.set_title("Training loss (AuxModel's includes the digit losses)", fontsize="medium")
    axes.legend()
    figure.savefig(file, dpi=150)
    print(f"figure: {file}", flush=True)
    if shown:
        pyplot.show()


def main() -> list[Result]:
    """Print each network's line as soon as it is there, and return the results; exit status 1 if one diverged."""
    outcomes: list[Outcome] = []
    several = helpers.NB_ROUNDS > 1
    try:
        check_settings()
        jobs = networks(0)
        print(f"{'round  ' * several}{HEAD}", flush=True)
        for outcome in outcomes_of(jobs):
            number = f"{len(outcomes) // len(jobs):5}  "
            print(f"{number * several}{line_of(outcome)}", flush=True)
            outcomes.append(outcome)
        if several:
            print_summary(outcomes, len(jobs))
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output is gone, as with `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at the end
        sys.exit(1)
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    if len(results) < len(outcomes):
        sys.exit(1)
    return results


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = main()
    # plot_losses(results)
