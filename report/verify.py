"""Run some saved rows anew, and say of each whether it comes out equal to the last digit.

    python report/verify.py                                 20 rows, drawn at random from all experiments in turn
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

from common import fingerprints
from common.checks import read_all
from common.command_line import parser_of, positive
from common.provenance import this_machine
from common.rows import RESULTS, Job, Row, key_of, made_with
from common.running import end, run_all
from common.saved import differences
from experiments.catalogue import BY_NAME, all_jobs, jobs_of

from helpers import UserError, check_settings


def draw(names: list[str], nb_rows: int, seed: int, longest: float = math.inf) -> list[tuple[Job, Row]]:
    """Draw saved rows, with their jobs, at random from the experiments in turn; UserError if there are none.

    Rows of runs that took more than `longest` seconds are left out.
    """
    jobs = all_jobs()
    rows, _ = read_all(RESULTS, jobs)
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


def verify_every_kind() -> None:
    """Compare the fingerprint of every kind of which rows are saved; UserError, which names them, if some differ."""
    jobs = all_jobs()
    rows, files = read_all(RESULTS, jobs)
    of_kind: dict[str, set[str]] = {}
    for key in rows:
        of_kind.setdefault(fingerprints.kind_of(key), set()).add(files[key].name)
    fingerprints.verify(fingerprints.kinds_of(jobs[key] for key in rows), of_kind, RESULTS)
    print(f"The code gives the saved rows: the fingerprints of all {len(of_kind)} kinds are equal.")


def main() -> None:
    """Read the command line, run the rows, and print a line for each as soon as it is there."""
    check_settings()
    parser = parser_of(__doc__, BY_NAME)
    parser.add_argument("--rows", type=positive, default=20, help="how many; default: 20")
    parser.add_argument("--seed", type=int, help="of the draw; default: another in each run")
    parser.add_argument("--every", action="store_true", help="a short run of each kind, of all experiments, instead")
    options = parser.parse_args()
    if options.every:
        return verify_every_kind()
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
