"""The study: every experiment over its rounds, in parallel, from which the report and README's results come.

    python report/study.py                                  all that is missing
    python report/study.py claims sharing --rounds 5        some experiments, their first rounds
    python report/study.py --workers 1                      one process; else one per core
    python report/study.py --dask tcp://127.0.0.1:8786      on the workers of a Dask scheduler

Rows, a network in a round each, are kept in results/EXPERIMENT.csv. Started again, only the missing ones are run;
Ctrl-C loses none that is finished. A row that two experiments need is in the file of the first.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while PyTorch is being loaded: end without a traceback

from common import fingerprints
from common.checks import read_all
from common.command_line import parser_of, positive
from common.provenance import code_version
from common.rows import REPORT, RESULTS
from common.running import run_missing
from experiments.catalogue import BY_NAME, all_jobs, jobs_by_file, jobs_of

from helpers import UserError, check_settings


def run_experiments(names: list[str], nb_rounds: int | None, workers: int, client: Any) -> None:
    """Run what is missing of these experiments; the kinds of which there is no row yet get a fingerprint first."""
    wanted = {job.key: job for name in names for job in jobs_of(BY_NAME[name], nb_rounds)}
    jobs_of_all = wanted | all_jobs()
    rows, _ = read_all(RESULTS, jobs_of_all)
    missing = wanted.keys() - rows.keys()
    if missing:
        with_rows = fingerprints.kinds_of(jobs_of_all[key] for key in rows)
        fingerprints.record(fingerprints.kinds_of(wanted[key] for key in missing), with_rows, RESULTS)
    for name, jobs in jobs_by_file(nb_rounds).items():
        to_run = [job for key, job in jobs.items() if key in missing]
        run_missing(RESULTS / f"{name}.csv", to_run, jobs_of_all, workers, client)


@contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """Give a client of a Dask scheduler, all of whose machines see this checkout at the same path, and close it.

    Raises UserError if there is no scheduler at that address, no worker, or a machine that cannot load this code or has
    other code.
    """
    from distributed import Client
    from distributed.comm import connect

    async def reach() -> None:
        await (await connect(address, timeout=5)).close()

    def prepare(report: Path = REPORT, dask_worker: Any = None) -> str:
        sys.path.insert(0, str(report))
        if hasattr(dask_worker, "memory_manager"):  # short of memory, a worker would pause without a word: let it end
            dask_worker.memory_manager.memory_pause_fraction = False
        from common.provenance import code_version

        return code_version()

    with ExitStack() as opened:
        try:
            # first, since a client that fails cannot be closed, and can lock up the next one when it is collected
            asyncio.run(reach())
            client = opened.enter_context(Client(address, timeout=10))
            client.wait_for_workers(1, timeout=10)
            versions = {"the scheduler": client.run_on_scheduler(prepare), **client.run(prepare)}
        except (OSError, ValueError, TypeError, ImportError) as error:  # TypeError: tls:// without certificates
            raise UserError(f"the Dask scheduler {address} cannot be used: {error}.") from error
        if others := [name for name, version in versions.items() if version != code_version()]:
            raise UserError(f"these Dask machines run different code: {', '.join(others)}.")
        yield client


def main() -> None:
    """Read the command line and run what is missing."""
    parser = parser_of(__doc__, BY_NAME)
    parser.add_argument("--rounds", type=positive, help="how many rounds of each experiment; default: all of its own")
    parser.add_argument("--workers", type=positive, help="how many processes; default: one per core")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        check_settings()
        with dask_client(options.dask) if options.dask else nullcontext() as client:
            run_experiments(options.experiments or list(BY_NAME), options.rounds, options.workers or -1, client)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
