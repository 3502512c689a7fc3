"""The main job: train the three networks on the pairs of round 0, and print what each reaches.

    python test.py

Lower NB_EPOCHS in helpers.py for a quick run. Uncomment a line of `train_networks` to run an exploration class beside
its base class, and the last line of this file to draw the losses. An epoch's loss is the mean over its mini-batches. A
default run prints this; all but the seconds is the same on every x86-64 processor with AVX2:

    network      parameters  first loss  last loss  test accuracy  wrong  seconds
    SimpleModel      57,956      0.6848     0.0034         80.6 %    194      5.8
    WSModel          58,918      0.6859     0.0017         82.4 %    176      8.4
    AuxModel         58,918      2.9382     0.0325         89.4 %    106      8.4
"""

import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

from helpers import (
    STOP,
    DivergenceError,
    Result,
    Round,
    UserError,
    check_settings,
    load_round,
    plot_losses,
    print_head,
    print_nothing_more,
    print_result,
    run,
)
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
        # start(run, data, WSModel1, train_model_WS, **WSModel1.settings),
        start(run, data, AuxModel, train_model_AM, data.train_classes),
        # start(run, data, AuxModel1, train_model_AM, data.train_classes, **AuxModel1.settings),
    ]
    for network in running:
        yield network.result()


def main() -> list[Result]:
    """Print each network's results as soon as they are there, and return them; end with a message if that fails."""
    results: list[Result] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)
    STOP.clear()
    try:
        check_settings()
        data = load_round(0)
        print_head()
        for result in train_networks(data):
            results.append(result)
            print_result(result)
    except KeyboardInterrupt:
        names = ", ".join(result.name for result in results) or "no network"
        if sys.stderr is not None:
            print(f"\nInterrupted. Finished: {names}.", file=sys.stderr)
        raise SystemExit(130) from None
    except (UserError, DivergenceError) as error:
        raise SystemExit(f"error: {error}") from error
    except OSError as error:  # the reader of a pipe is gone, or a disk is full
        print_nothing_more()
        raise SystemExit(f"error: the results cannot be printed: {error}.") from error
    finally:
        STOP.set()  # what is still being trained ends
    return results


if __name__ == "__main__":
    results = main()
    # plot_losses(results)
