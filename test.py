"""The main job: train the three networks on the pairs of round 0, and print what each reaches.

    python test.py

Lower NB_EPOCHS in helpers.py for a quick run. Uncomment a line of `train_networks` to run an exploration class beside
its base class, and the last line of this file to draw the losses. An epoch's loss is the mean over its mini-batches. A
default run prints this; the seconds are those of two cores, and another processor may round otherwise (see README.md):

    SimpleModel: 57,956 parameters
      loss at the first epoch  0.6848
      loss at the last epoch   0.0035
      test accuracy            80.6 % (194 of 1000 wrong)
      seconds                  5.8

    WSModel: 58,918 parameters
      loss at the first epoch  0.6859
      loss at the last epoch   0.0017
      test accuracy            82.4 % (176 of 1000 wrong)
      seconds                  8.4

    AuxModel: 58,918 parameters
      loss at the first epoch  2.9382
      loss at the last epoch   0.0361
      test accuracy            87.7 % (123 of 1000 wrong)
      seconds                  8.4

    network      parameters  first loss  last loss  test accuracy  wrong  seconds
    SimpleModel      57,956      0.6848     0.0035         80.6 %    194      5.8
    WSModel          58,918      0.6859     0.0017         82.4 %    176      8.4
    AuxModel         58,918      2.9382     0.0361         87.7 %    123      8.4
"""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

from helpers import Result, Round, UserError, check_settings, load_round, plot_losses, print_result, print_summary, run
from models.AuxLoss import AuxModel, AuxModel1, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, WSModel1, train_model_WS


def train_networks(data: Round) -> Iterator[Result]:
    """Train and test the networks side by side, a thread each; only those that are given them see the digits' classes.

    Yields the results in the order below, each as soon as it is there.
    """
    start = ThreadPoolExecutor(max_workers=5).submit
    running = [
        start(run, data, SimpleModel, train_model),
        start(run, data, WSModel, train_model_WS),
        # start(run, data, WSModel1, train_model_WS, **WSModel1.training),
        start(run, data, AuxModel, train_model_AM, data.train_classes),
        # start(run, data, AuxModel1, train_model_AM, data.train_classes, **AuxModel1.training),
    ]
    for network in running:
        yield network.result()


def stop(message: str, status: int) -> None:
    """Print a message and end at once, without waiting for networks that are still being trained."""
    print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> list[Result]:
    """Print each network's result as soon as it is there, then all of them side by side, and return them."""
    results: list[Result] = []
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        check_settings()
        for result in train_networks(load_round(0)):
            results.append(result)
            print_result(result)
    except KeyboardInterrupt:
        stop(f"\nInterrupted. Finished: {', '.join(result.name for result in results) or 'no network'}.", 130)
    except UserError as error:
        stop(f"error: {error}", 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be said
    print_summary(results)
    return results


if __name__ == "__main__":
    results = main()
    # plot_losses(results)
