"""Run some saved rows anew, and say of each whether it comes out equal to the last digit.

    python report/verify.py                                 20 rows, sampled from all experiments in turn
                                                            (of runs that take less than a minute)
    python report/verify.py claims sharing --rows 6         from these experiments
    python report/verify.py --seed 1                        the same rows in every run
    python report/verify.py --every                         a short run of each kind, in a minute or two

After an edit of the code, `--every` compares a fingerprint of each kind with the one recorded when its rows were made
(see common/fingerprints.py): if all are equal, build.py takes the rows as they are; if not, it names those that differ.
The exit status is 1 if one differs. Equal digits are expected on x86-64 processors with AVX2 and the same version of
PyTorch; elsewhere the losses may differ in their last digits, and counts with them.
"""

import itertools
import math
import random
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends everything at once

from common import fingerprints
from common.command_line import parser_of, positive
from common.provenance import this_machine
from common.results import differences, read_all
from common.rows import RESULTS, Job, Row, key_of, made_with
from common.running import processes, run_all
from experiments.catalogue import EXPERIMENTS, all_jobs, jobs_of

from helpers import UserError, check_settings


def sample_rows(names: list[str], nb_rows: int, seed: int, longest: float = math.inf) -> list[tuple[Job, Row]]:
    """Sample saved rows, with their jobs, from the experiments in turn; UserError if there are none.

    Rows of runs that took more than `longest` seconds are left out.
    """
    jobs = all_jobs()
    rows, _ = read_all(RESULTS)
    generator = random.Random(seed)
    samples: list[list[tuple[Job, Row]]] = []
    for name in dict.fromkeys(names):
        keys = {job.key for job in jobs_of(EXPERIMENTS[name])} & rows.keys()
        pairs = [(jobs[key], rows[key]) for key in jobs if key in keys]
        short = [(job, row) for job, row in pairs if float(row["seconds"] or 0) <= longest]
        samples.append(generator.sample(short, min(nb_rows, len(short))))
    in_turn = {pair[0].key: pair for pairs in itertools.zip_longest(*samples) for pair in pairs if pair is not None}
    if not in_turn:
        raise UserError(f"there are no saved rows of {', '.join(names)}. Run report/study.py.")
    return list(in_turn.values())[:nb_rows]


def verify_every_kind() -> None:
    """Compare the fingerprint of every kind of which rows are saved; UserError, which names them, if some differ."""
    jobs = all_jobs()
    rows, files = read_all(RESULTS)
    known = [key for key in jobs if key in rows]
    of_kind: dict[str, set[str]] = {}
    for key in known:
        of_kind.setdefault(fingerprints.kind_of(key), set()).add(files[key].name)
    fingerprints.verify(fingerprints.kinds_of(jobs[key] for key in known), of_kind, RESULTS)
    print(f"The code gives the saved rows: the fingerprints of all {len(of_kind)} kinds are equal.")


def main() -> None:
    """Read the command line, run the rows, and print a line for each as soon as it is there."""
    check_settings()
    parser = parser_of(__doc__, EXPERIMENTS)
    parser.add_argument("--rows", type=positive, default=20, help="how many; default: 20")
    parser.add_argument("--seed", type=int, help="of the sample; default: another in each run")
    parser.add_argument("--every", action="store_true", help="a short run of each kind, of all experiments, instead")
    options = parser.parse_args()
    if options.every:
        return verify_every_kind()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    longest = math.inf if options.experiments else 60
    sample = sample_rows(options.experiments or list(EXPERIMENTS), options.rows, seed, longest)
    old = {job.key: row for job, row in sample}
    print(f"{len(old)} rows, sampled with --seed {seed}", flush=True)
    made_by = set(map(made_with, old.values()))
    if made_by != {this_machine()}:
        texts = [f"torch {version}, {instructions}" for version, instructions in (*sorted(made_by), this_machine())]
        there, here = "; ".join(texts[:-1]), texts[-1]
        print(f"Rows were made with {there}, this machine uses {here}: expect small differences.", flush=True)
    nb_different = 0
    with processes() as workers:
        for count, new in enumerate(run_all([job for job, _ in sample], workers), 1):
            texts = differences(old[key_of(new)], new)
            nb_different += bool(texts)
            print(f"{count:3} of {len(old)}  {' '.join(key_of(new))}: {'; '.join(texts) or 'equal'}", flush=True)
    print(f"{len(old) - nb_different} of {len(old)} rows are equal to the last digit.")
    sys.exit(nb_different > 0)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
