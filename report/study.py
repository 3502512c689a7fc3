"""The study: every experiment over its rounds, in parallel, from which the report and README's results come.

    python report/study.py                                  all that is missing
    python report/study.py claims sharing --rounds 5        some experiments, their first rounds
    python report/study.py --workers 1                      one process; else one per core
    python report/study.py --dask tcp://127.0.0.1:8786      on the workers of a Dask scheduler

Rows, a network in a round each, are kept in results/EXPERIMENT.csv. Started again, only the missing ones are run: an
end at any time, as by Ctrl-C, loses none that is finished. A row that two experiments need is in the file of the first.
"""

import signal
import sys
from concurrent.futures import Executor

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends everything at once

from common import fingerprints
from common.command_line import parser_of, positive
from common.results import read_all
from common.rows import RESULTS
from common.running import processes, run_missing
from experiments.catalogue import EXPERIMENTS, all_jobs, jobs_by_file, jobs_of

from helpers import UserError, check_settings


def run_experiments(names: list[str], nb_rounds: int | None, workers: Executor) -> None:
    """Run what is missing of these experiments; the kinds of which there is no row yet get a fingerprint first."""
    wanted = {job.key: job for name in names for job in jobs_of(EXPERIMENTS[name], nb_rounds)}
    jobs = wanted | all_jobs()
    rows, _ = read_all(RESULTS)
    missing = wanted.keys() - rows.keys()
    if not missing:
        print("No row is missing.")
        return
    with_rows = fingerprints.kinds_of(jobs[key] for key in rows.keys() & jobs.keys())
    fingerprints.record(fingerprints.kinds_of(wanted[key] for key in missing), with_rows, RESULTS)
    for name, of_file in jobs_by_file(nb_rounds).items():
        run_missing(RESULTS / f"{name}.csv", [job for key, job in of_file.items() if key in missing], workers)


def dask_workers(address: str) -> Executor:
    """Return the workers of a Dask scheduler; each has this checkout at hand (see report/README.md) and one thread.

    UserError if there is no scheduler at that address, or no worker.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=10)
        client.wait_for_workers(1, timeout=10)
    except (OSError, ValueError, TypeError, ImportError) as error:  # TypeError: tls:// without certificates
        raise UserError(f"the Dask scheduler {address!r} cannot be used: {error}.") from error
    return client.get_executor()


def main() -> None:
    """Read the command line and run what is missing."""
    parser = parser_of(__doc__, EXPERIMENTS)
    parser.add_argument("--rounds", type=positive, help="how many rounds of each experiment; default: all of its own")
    parser.add_argument("--workers", type=positive, help="how many processes; default: one per core")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler")
    options = parser.parse_args()
    try:
        check_settings()
        with processes(options.workers) if options.dask is None else dask_workers(options.dask) as workers:
            run_experiments(options.experiments or list(EXPERIMENTS), options.rounds, workers)
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # of fingerprints.json; run_missing has its own
        sys.exit(f"error: {RESULTS} cannot be written: {error}. Finished rows are kept; start again to go on.")


if __name__ == "__main__":
    main()
