"""The main job: train the three networks on the pairs of round 0, and print what each reaches.

    python test.py

Lower NB_EPOCHS in helpers.py for a quick run, raise NB_ROUNDS for more rounds, each with new pairs. Uncomment a line of
`networks` to run an exploration class beside its base class, and the last line of this file to draw the losses. A loss
is the mean over an epoch's mini-batches, `seconds` is processor time. A default run prints this, all but the seconds to
the last digit, on every x86-64 processor with AVX2:

    network      parameters  first loss  last loss  test accuracy  wrong  seconds
    SimpleModel      57,956      0.6848     0.0034         80.6 %    194      3.0
    WSModel          58,918      0.6859     0.0017         82.4 %    176      5.3
    AuxModel         58,918      2.9382     0.0325         89.4 %    106      5.4
"""

import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from statistics import mean, stdev
from typing import Any

if __name__ == "__main__" and not (sys.flags.interactive or hasattr(sys, "ps1")):  # not in a notebook or `python -i`
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends everything at once, without a traceback

import torch

import helpers
from helpers import DivergenceError, Result, UserError, check_settings, load_round, run
from models.AuxLoss import AuxModel, AuxModel1, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, WSModel1, train_model_WS

HEAD = "network      parameters  first loss  last loss  test accuracy  wrong  seconds"
COMPARED_WITH = {"WSModel": "SimpleModel", "AuxModel": "WSModel", "WSModel1": "WSModel", "AuxModel1": "AuxModel"}
STYLES = {"SimpleModel": ("#404040", "o"), "WSModel": ("#e69f00", "s"), "AuxModel": ("#0072b2", "^")}  # the report's
STYLES |= {"WSModel1": ("#d55e00", "D"), "AuxModel1": ("#56b4e9", "v")}
FIGURE = Path(__file__).resolve().with_name("losses.png")
FORK: Any = multiprocessing.get_context("fork") if sys.platform == "linux" else None
Job = Callable[[], Result]
Outcome = Result | DivergenceError


def networks(nb_round: int) -> list[Job]:
    """Return what trains and tests each network; the digits' classes go only to those that get data.train_classes."""
    data = load_round(nb_round)  # while tuning: load_round(1000 + nb_round, validation=True)
    return [
        partial(run, data, SimpleModel, train_model),
        partial(run, data, WSModel, train_model_WS),
        # partial(run, data, WSModel1, train_model_WS, **WSModel1.settings),
        partial(run, data, AuxModel, train_model_AM, data.train_classes),
        # partial(run, data, AuxModel1, train_model_AM, data.train_classes, **AuxModel1.settings),
    ]


# ---- A process for each network --------------------------------------------------------------------------------------


def outcome_of(job: Job) -> Outcome:
    """Train and test a network, which is not kept."""
    try:
        return job()._replace(model=None)
    except DivergenceError as error:
        return error


def work(job: Job, sender: Any) -> None:
    """Send what a network gives, or what is to be raised, from a process that the kernel ends with its parent."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
    torch.set_num_threads(1)  # else PyTorch waits for threads of the parent, which a fork does not copy
    try:
        sender.send(outcome_of(job))
    except (UserError, BrokenPipeError) as error:
        sender.send(error)
    except BaseException:  # as a text: not every exception can be sent
        sender.send(SystemExit(traceback.format_exc()))


def outcomes_of(jobs: Iterator[Job], nb_networks: int) -> Iterator[Outcome]:
    """Yield what each network gives, in the order of `jobs`; a mistake in any is raised at once."""
    numbered, next_number, nb_processes = enumerate(jobs), 0, max(nb_networks, len(os.sched_getaffinity(0)))
    running, done = dict[Any, tuple[int, Any]](), dict[int, Any]()
    try:
        while True:
            for number, job in itertools.islice(numbered, nb_processes - len(running)):
                receiver, sender = FORK.Pipe(duplex=False)
                process = FORK.Process(target=work, args=(job, sender))
                process.start()
                sender.close()
                running[receiver] = (number, process)
            if not running:
                return
            ready: Any = wait(list(running))
            for receiver in ready:
                number, process = running.pop(receiver)
                try:
                    done[number] = receiver.recv()
                except EOFError:
                    done[number] = UserError("a process was killed, most often because memory ran out.")
                process.join()  # so that what it printed is there
                if isinstance(done[number], UserError | BrokenPipeError | SystemExit):
                    raise done[number]
            while next_number in done:
                yield done.pop(next_number)
                next_number += 1
    finally:
        for _, process in running.values():
            process.kill()


def line_of(outcome: Outcome) -> str:
    """Return one network's line of the table of results."""
    if isinstance(outcome, DivergenceError):
        return str(outcome)
    line = f"{outcome.name:11}  {outcome.nb_parameters:10,}  {outcome.losses[0]:10.4f}  {outcome.losses[-1]:9.4f}"
    return f"{line}  {outcome.accuracy:11.1f} %  {outcome.nb_wrong:5}  {outcome.seconds:7.1f}"


def print_summary(outcomes: list[Outcome], nb_networks: int) -> None:
    """Print each network's mean and standard deviation, and its differences from the network it is compared with.

    That is the base network of its class, or of one that its class is derived from, else the first network. Rounds in
    which one of the two diverged are left out.
    """
    print("\nnetwork      rounds  mean accuracy  deviation  compared with  difference  wins  ties  losses")
    finished: dict[str, list[Result]] = {}
    for number in range(nb_networks):
        if results := [each for each in outcomes[number::nb_networks] if isinstance(each, Result)]:
            same = sum(others[0].name == results[0].name for others in finished.values())
            finished[f"{results[0].name} {same + 1}" if same else results[0].name] = results
    for name, results in finished.items():
        accuracies = [result.accuracy for result in results]
        deviation = stdev(accuracies) if accuracies[1:] else float("nan")
        line = f"{name:11}  {len(results):6}  {mean(accuracies):11.2f} %  {deviation:9.2f}"
        bases = [base for each in results[0].classes for base in (each, COMPARED_WITH.get(each)) if base in finished]
        other = next((base for base in bases if base != results[0].name), next(iter(finished)))
        base = {result.nb_round: result.accuracy for result in finished[other] if other != name}
        if differences := [result.accuracy - base[result.nb_round] for result in results if result.nb_round in base]:
            wins, losses = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
            counts = f"{wins:4}  {len(differences) - wins - losses:4}  {losses:6}"
            line += f"  {other:13}  {mean(differences):+10.2f}  {counts}"
        print(line, flush=True)


def plot_losses(results: list[Result], file: str | Path = FIGURE) -> None:
    """Draw each network's loss over the epochs to `file`, whose suffix says the format, and print its path."""
    from matplotlib.figure import Figure  # needs no screen, and leaves a notebook's alone

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for result in results:
        label = result.name if result.nb_round == results[0].nb_round else None
        colour, marker = STYLES.get(result.name, (None, "."))
        style: Any = {"label": label, "color": colour, "marker": marker, "markersize": 3, "linewidth": 1}
        axes.plot(range(1, len(result.losses) + 1), result.losses, **style)
    axes.set(xlabel="epoch", ylabel="training loss, mean over mini-batches", yscale="log")
    axes.locator_params(axis="x", integer=True)
    axes.set_title("Training loss (AuxModel's includes the digit losses)", fontsize="medium")
    axes.legend()
    figure.savefig(file, dpi=150)
    print(f"figure: {file}", flush=True)


def main(networks: Callable[[int], list[Job]]) -> list[Result]:
    """Print a line for each network, in order, and return the results of those that did not diverge."""
    outcomes: list[Outcome] = []
    several = helpers.NB_ROUNDS > 1
    try:
        check_settings()
        first = networks(0)
        print(f"{'round  ' * several}{HEAD}", flush=True)
        jobs = itertools.chain(first, (job for r in range(1, helpers.NB_ROUNDS) for job in networks(r)))
        # a process for each: not where there is no fork, on a GPU, or for one alone, which a debugger can then follow
        here = FORK is None or helpers.DEVICE.type == "cuda" or len(first) * helpers.NB_ROUNDS == 1
        for outcome in map(outcome_of, jobs) if here else outcomes_of(jobs, len(first)):
            print(f"{f'{len(outcomes) // len(first):5}  ' * several}{line_of(outcome)}", flush=True)
            outcomes.append(outcome)
        if several:
            print_summary(outcomes, len(first))
    except UserError as error:
        sys.exit(f"error: {error}")
    except BlockingIOError as error:
        sys.exit(f"error: a network's process cannot be started: {error}. Close other programs.")
    except BrokenPipeError:  # the reader of the output is gone, as with `| head -1`
        os._exit(1)
    return [outcome for outcome in outcomes if isinstance(outcome, Result)]


if __name__ == "__main__":
    results = main(networks)
    # plot_losses(results)
