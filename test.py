"""The main job: train the three networks on the pairs of round 0, and print what each reaches.

    python test.py

Lower NB_EPOCHS in helpers.py for a quick run. Uncomment a line of `train_networks` to run an exploration class beside
its base class, and the last line of this file to draw the losses.
"""

import signal
import sys
from collections.abc import Iterator

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

from helpers import Result, Round, UserError, check_settings, load_round, plot_losses, print_result, print_summary, run
from models.AuxLoss import AuxModel, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, train_model_WS


def train_networks(data: Round) -> Iterator[Result]:
    """Train and test one network after the other; only a network that is given them sees the digits' classes."""
    yield run(data, SimpleModel, train_model)
    yield run(data, WSModel, train_model_WS)
    yield run(data, AuxModel, train_model_AM, data.train_classes)


def main() -> list[Result]:
    """Print each network's result as soon as it is there, then all of them side by side, and return them."""
    results: list[Result] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        check_settings()
        for result in train_networks(load_round(0)):
            print_result(result)
            results.append(result)
    except KeyboardInterrupt:
        print(f"\nInterrupted. Finished: {', '.join(r.name for r in results) or 'no network'}.", file=sys.stderr)
        sys.exit(130)  # as shells have it
    except UserError as error:
        sys.exit(f"error: {error}")
    print_summary(results)
    return results


if __name__ == "__main__":
    results = main()
    # plot_losses(results)
