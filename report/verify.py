"""Run some saved rows anew, and say of each whether it comes out equal to the last digit.

    python report/verify.py                                 20 rows, drawn at random from all experiments in turn
                                                            (of runs that take less than a minute)
    python report/verify.py claims sharing --rows 6         from these experiments
    python report/verify.py --seed 1                        the same rows in every run
    python report/verify.py --every                         a row of each kind, kept in results/again.csv

After an edit of the code, `--every` shows that it gives the same results: build.py then takes the rows as they are.
The exit status is 1 if a row differs. Equal digits are expected on x86-64 processors with AVX2 and the same version of
PyTorch; elsewhere the losses may differ in their last digits, and counts with them.
"""

import itertools
import math
import random
import signal
import sys

from common.checks import read_all, read_rows
from common.command_line import parser_of, positive
from common.provenance import code_version, this_machine
from common.rows import AGAIN, RESULTS, Job, Row, key_of, made_with
from common.running import end, run_all, run_missing
from common.saved import check_again, differences, drawn_rows
from experiments.catalogue import BY_NAME, all_jobs, jobs_of

from helpers import UserError, check_settings


def draw(names: list[str], nb_rows: int, seed: int, longest: float = math.inf) -> list[tuple[Job, Row]]:
    """Draw saved rows, with their jobs, at random from the experiments in turn; UserError if there are none.

    Rows of runs that took more than `longest` seconds are left out.
    """
    jobs = all_jobs()
    rows = read_all(RESULTS, jobs)
    generator = random.Random(seed)
    drawn: list[list[tuple[Job, Row]]] = []
    for name in dict.fromkeys(names):
        keys = {job.key for job in jobs_of(BY_NAME[name])} & rows.keys()
        saved = [(jobs[key], rows[key]) for key in jobs if key in keys and float(rows[key]["seconds"] or 0) <= longest]
        drawn.append(generator.sample(saved, min(nb_rows, len(saved))))
    in_turn = {pair[0].key: pair for pairs in itertools.zip_longest(*drawn) for pair in pairs if pair is not None}
    if not in_turn:
        raise UserError(f"there are no saved rows of {', '.join(names)}. Run report/study.py.")
    return list(in_turn.values())[:nb_rows]


def run_every(names: list[str]) -> None:
    """Run a saved row of each kind that other code made, keep it in results/again.csv, and say whether it is equal."""
    again, jobs = RESULTS / AGAIN, all_jobs()
    saved, keys = read_all(RESULTS, jobs), {job.key for name in names for job in jobs_of(BY_NAME[name])}
    drawn = drawn_rows(row for key, row in saved.items() if key in keys)
    if any(row["code"] != code_version() for row in read_rows(again, jobs).values()):
        again.unlink()  # what other code gave says nothing of this one
    drawn.sort(key=lambda row: -float(row["seconds"] or 0))  # the longest first, so that all processes end together
    run_missing(again, [jobs[key_of(row)] for row in drawn], jobs)
    check_again(drawn, read_rows(again, jobs))
    print(f"{len(drawn)} rows, one of each kind, are equal to the last digit.")


def main() -> None:
    """Read the command line, run the rows, and print a line for each as soon as it is there."""
    check_settings()
    parser = parser_of(__doc__, BY_NAME)
    parser.add_argument("--rows", type=positive, default=20, help="how many; default: 20")
    parser.add_argument("--seed", type=int, help="of the draw; default: another in each run")
    parser.add_argument("--every", action="store_true", help="a row of each kind instead, kept in results/again.csv")
    options = parser.parse_args()
    if options.every:
        return run_every(options.experiments or list(BY_NAME))
    seed = random.randrange(10**6) if options.seed is None else options.seed
    longest = math.inf if options.experiments else 60
    drawn = draw(options.experiments or list(BY_NAME), options.rows, seed, longest)
    saved = {job.key: row for job, row in drawn}
    print(f"{len(saved)} rows, drawn with --seed {seed}", flush=True)
    made_by = set(map(made_with, saved.values()))
    if made_by != {this_machine()}:
        texts = [f"torch {version}, {arithmetic}" for version, arithmetic in (*sorted(made_by), this_machine())]
        print(f"Made with {'; '.join(texts[:-1])}; here {texts[-1]}: equal digits are not to be expected.", flush=True)
    nb_different = 0
    for count, new in enumerate(run_all([job for job, _ in drawn], workers=-1), 1):
        texts = differences(saved[key_of(new)], new)
        nb_different += bool(texts)
        print(f"{count:3} of {len(saved)}  {' '.join(key_of(new))}: {'; '.join(texts) or 'equal'}", flush=True)
    print(f"{len(saved) - nb_different} of {len(saved)} rows are equal to the last digit.")
    sys.exit(nb_different > 0)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end("Interrupted."))
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
