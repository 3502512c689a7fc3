"""The study: every experiment over its rounds, in parallel, from which the report and README's results come.

    python report/study.py                                  all that is missing
    python report/study.py claims sharing --rounds 5        some experiments, their first rounds
    python report/study.py --workers 1                      one process; else one per core
    python report/study.py --dask tcp://127.0.0.1:8786      on the workers of a Dask scheduler

An experiment keeps its rows, a network in a round each, in results/EXPERIMENT.csv. Started again, only the missing ones
are run; Ctrl-C loses none that is finished. A run that two experiments need is made once, for the first of them.
"""

import argparse
import signal
import sys
from collections.abc import Callable

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

import joblib
from networks import ALL_NETWORKS
from rows import NETWORKS, RESULTS, ROOT, Job, code_version, complete

from helpers import AUX_WEIGHT, NB_TRAIN_PAIRS, UserError

CLAIMS_ROUNDS, ROUNDS = range(30), range(10)
COLLAPSE_ROUNDS = range(30, 200)  # the exploration classes' worst round matters too; claims has the first ones
VALIDATION_ROUNDS = range(1200, 1210)  # not those of the tuning
BASE, EXPLORATION = ("SimpleModel", "WSModel", "AuxModel"), ("WSModel1", "AuxModel1")
AUX_WEIGHTS = (0, 0.1, 0.25, 0.5, 1, 2, 5)
TRAIN_PAIRS = (125, 250, 500, 1000, 2000, 4000, 8000)
LAST_LAYERS = {  # networks without and with the digits' labels, and what makes their last layer
    "linear on scores": ("WSModel", "AuxModel", {"merge": "none"}),
    "linear on ReLU": ("WSModel", "AuxModel", {}),
    "linear on softmax": ("WSModel", "AuxModel", {"merge": "softmax"}),
    "joint comparison": ("JointModel", "JointAuxModel", {}),
}
UNTIED = ("UntiedModel", "UntiedAuxModel")
PUBLISHED = [name for name in ALL_NETWORKS if name.startswith("Published")]
PUBLISHED_EPOCHS = (25, 50)
EPOCHS = (3, 6, 12, 25, 50, 100)


def claims(network: str, nb_round: int) -> Job:
    """Return the run of a network as it stands: what other experiments compare with."""
    return Job("claims", network, nb_round)


def sharing(network: str, nb_round: int) -> Job:
    """Return the run of a network of the control of sharing."""
    return Job("sharing", network, nb_round)


def aux_weight(weight: float, nb_round: int) -> Job:
    """Return the run of AuxModel with an auxiliary weight."""
    if weight == AUX_WEIGHT:
        return claims("AuxModel", nb_round)
    return Job("aux_weight", "AuxModel", nb_round, training={"aux_weight": weight})


def train_pairs(network: str, number: int, nb_round: int) -> Job:
    """Return the run of a network with so many training pairs."""
    if number == NB_TRAIN_PAIRS:
        return claims(network, nb_round)
    return Job("train_pairs", network, nb_round, data={"nb_train_pairs": number})


def numbers_of_pairs(network: str) -> list[int]:
    """Return the numbers of training pairs that a network is run with: exploration classes up to the protocol's."""
    return [number for number in TRAIN_PAIRS if network in BASE or number <= NB_TRAIN_PAIRS]


def last_layer(network: str, model: dict[str, str], nb_round: int) -> Job:
    """Return the run of a network with a last layer of LAST_LAYERS."""
    if network in NETWORKS and not model:
        return claims(network, nb_round)
    return Job("last_layer", network, nb_round, model)


def published(network: str, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a published network, the published way."""
    return Job("published", network, nb_round, training={"nb_epochs": nb_epochs, "shuffle": False})


def epochs(network: str, nb_epochs: int, nb_round: int) -> Job:
    """Return the run of a network with so many epochs, on validation pairs."""
    data = {"validation": True, "nb_test_pairs": 5000}
    return Job("epochs", network, nb_round, training={"nb_epochs": nb_epochs}, data=data)


# each experiment's rounds, and the runs of one round
EXPERIMENTS: dict[str, tuple[range, Callable[[int], list[Job]]]] = {
    "claims": (CLAIMS_ROUNDS, lambda r: [claims(network, r) for network in NETWORKS]),
    "sharing": (
        CLAIMS_ROUNDS,
        lambda r: [*(claims(network, r) for network in BASE), *(sharing(network, r) for network in UNTIED)],
    ),
    "last_layer": (
        ROUNDS,
        lambda r: [last_layer(name, model, r) for *names, model in LAST_LAYERS.values() for name in names],
    ),
    "aux_weight": (ROUNDS, lambda r: [aux_weight(weight, r) for weight in AUX_WEIGHTS]),
    "epochs": (VALIDATION_ROUNDS, lambda r: [epochs(network, number, r) for number in EPOCHS for network in BASE]),
    "published": (
        ROUNDS,
        lambda r: [published(network, number, r) for number in PUBLISHED_EPOCHS for network in PUBLISHED],
    ),
    "train_pairs": (
        ROUNDS,
        lambda r: [train_pairs(network, number, r) for network in NETWORKS for number in numbers_of_pairs(network)],
    ),
    "collapse": (COLLAPSE_ROUNDS, lambda r: [Job("collapse", network, r) for network in EXPLORATION]),
}


def jobs(experiment: str, nb_rounds: int | None = None) -> list[Job]:
    """Return an experiment's runs, or those of its first `nb_rounds` rounds."""
    rounds, runs_of = EXPERIMENTS[experiment]
    return [job for r in range(rounds.start, rounds.start + (nb_rounds or len(rounds))) for job in runs_of(r)]


def run_experiments(names: list[str], nb_rounds: int | None, workers: int) -> None:
    """Run what is missing of these experiments."""
    wanted = [job for name in names for job in jobs(name, nb_rounds)]
    for file in dict.fromkeys(job.experiment for job in wanted):
        complete(RESULTS / f"{file}.csv", [job for job in wanted if job.experiment == file], ALL_NETWORKS, workers)


def on_dask(address: str) -> None:
    """Let joblib run everything on the workers of a Dask scheduler; all of them see this checkout at the same path.

    Ends with a message if there is no scheduler at that address, or a machine there cannot load this code or has other.
    """
    from distributed import Client

    def prepare() -> str:
        sys.path.insert(0, str(ROOT / "report"))
        from rows import code_version

        return code_version(ROOT, [ROOT / "report" / "networks.py"])

    try:
        client = Client(address, timeout=10)
        versions = {"the scheduler": client.run_on_scheduler(prepare), **client.run(prepare)}
        joblib.parallel_config("dask", client=client)
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f"error: the Dask scheduler {address} cannot be used: {error}.")
    ours = code_version(ROOT, [ROOT / "report" / "networks.py"])
    if others := [name for name, version in versions.items() if version != ours]:
        sys.exit(f"error: other versions of the code on Dask's machines: {', '.join(others)}.")


def positive(text: str) -> int:
    """Return a whole number above 0; for argparse, which makes a message of the error."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def main() -> None:
    """Read the command line and run what is missing."""
    description, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)}; else all")
    parser.add_argument("--rounds", type=positive, help="how many rounds of each experiment")
    parser.add_argument("--workers", type=positive, help="how many processes")
    parser.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler")
    options = parser.parse_args()
    if unknown := [name for name in options.experiments if name not in EXPERIMENTS]:
        parser.error(f"unknown experiments {', '.join(unknown)}; there are {', '.join(EXPERIMENTS)}")
    if options.dask:
        on_dask(options.dask)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run_experiments(options.experiments or list(EXPERIMENTS), options.rounds, options.workers or -1)
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
