"""The saved rows as evidence: complete, paired, and of the code and the settings that stand here, or else an error.

Everything that README and the report say comes through here.
"""

from collections.abc import Callable, Iterable
from functools import cache
from statistics import mean
from typing import NamedTuple

from inference import bootstrap_interval, holm, mean_and_interval, sign_flip_p
from networks import ALL_NETWORKS
from rows import RESULTS, ROOT, Job, accuracy, code_version, other_sources, read
from study import CLAIMS_ROUNDS, EXPERIMENTS, ROUNDS, claims, jobs

from helpers import NB_TEST_PAIRS, UserError

CLAIMS = [  # a sentence, the network that is better if it is true, and the one that it is compared with
    ("Sharing the weights helps", "WSModel", "SimpleModel"),
    ("An auxiliary loss helps further", "AuxModel", "WSModel"),
]
LEVEL = 0.05  # of p, beside an interval that leaves out 0


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of results that is no experiment's; UserError if it has none."""
    file = RESULTS / f"{name}.csv"
    rows = read(file)
    if not rows:
        raise UserError(f"{file} has no rows.")
    return rows


@cache
def rows_by_key() -> dict[tuple[str, ...], dict[str, str]]:
    """Return the rows of all experiments by their jobs' keys, after all checks of this file.

    Raises UserError if a row is missing, there twice, of other code, or of settings that no experiment has.
    """
    wanted: dict[str, dict[tuple[str, ...], Job]] = {}
    for experiment in EXPERIMENTS:
        for job in jobs(experiment):
            wanted.setdefault(job.experiment, {})[job.key] = job
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name, jobs_of in wanted.items():
        file = RESULTS / f"{name}.csv"
        rows = read(file)
        code = code_version(ROOT, other_sources(jobs_of.values(), ALL_NETWORKS))
        settings = {(job.network, job.key[3]): job for job in jobs_of.values()}
        for row in rows:
            key = tuple(row[column] for column in ("experiment", "network", "round", "settings"))
            what = f"{file}: {row['network']} in round {row['round']}"
            job = settings.get((row["network"], row["settings"]))
            if job is None:
                raise UserError(f"{what} has settings that the experiment does not have: {row['settings']}.")
            if key in found:
                raise UserError(f"{what} is there twice.")
            if row["code"] != code:
                raise UserError(f"{what} was run by other code ({row['code']}, now {code}). Run report/study.py anew.")
            if not row["error"] and int(row["total"]) != job.data.get("nb_test_pairs", NB_TEST_PAIRS):
                raise UserError(f"{what} has {row['total']} test pairs.")
            found[key] = row
        if lacking := [key for key in jobs_of if key not in found]:
            first = "{1} in round {2} with {3}".format(*lacking[0])
            raise UserError(f"{file} lacks {len(lacking)} rows, the first of {first}. Run report/study.py.")
    return found


def rows_of(jobs_wanted: Iterable[Job]) -> list[dict[str, str]]:
    """Return the jobs' rows; UserError if one diverged, which has no accuracy, and must not be left out in silence."""
    found = [rows_by_key()[job.key] for job in jobs_wanted]
    for row in found:
        if row["error"]:
            raise UserError(f"{row['experiment']}: {row['network']} diverged in round {row['round']}: {row['error']}")
    return found


def finished(jobs_wanted: Iterable[Job]) -> list[Job]:
    """Return the jobs that did not diverge, for who says how many did."""
    return [job for job in jobs_wanted if not rows_by_key()[job.key]["error"]]


def accuracies(jobs_wanted: Iterable[Job]) -> list[float]:
    """Return the jobs' test accuracies in %; of two lists of the same rounds, equal places are a pair."""
    return [accuracy(row) for row in rows_of(jobs_wanted)]


def in_rounds(make: Callable[..., Job], *arguments: object, rounds: range = ROUNDS) -> list[Job]:
    """Return a job for each round."""
    return [make(*arguments, r) for r in rounds]


def claims_of(network: str, nb_rounds: int = len(CLAIMS_ROUNDS)) -> list[Job]:
    """Return a network's runs in the claims' rounds."""
    return in_rounds(claims, network, rounds=range(nb_rounds))


class Comparison(NamedTuple):
    """Differences in points of accuracy, one for each round, with their mean and 95 % intervals."""

    differences: list[float]
    mean: float
    half: float  # of the width of Student's interval
    counts: tuple[int, int, int]  # rounds that are won, equal, lost

    @property
    def bootstrap(self) -> tuple[float, float]:
        """The interval by bootstrap."""
        return bootstrap_interval(self.differences)

    @property
    def p(self) -> float:
        """Two-sided, by sign flips."""
        return sign_flip_p(self.differences)


def compare(better: Iterable[Job], worse: Iterable[Job]) -> Comparison:
    """Compare two networks in the same rounds; UserError if the rounds are not the same."""
    better, worse = list(better), list(worse)
    rounds, others = ([job.round for job in side] for side in (better, worse))
    if rounds != others:
        raise UserError(f"rounds {rounds} cannot be paired with {others}.")
    differences = [a - b for a, b in zip(accuracies(better), accuracies(worse), strict=True)]
    ours, theirs = ([int(row["wrong"]) for row in rows_of(side)] for side in (better, worse))
    wrong = list(zip(ours, theirs, strict=True))
    counts = sum(a < b for a, b in wrong), sum(a == b for a, b in wrong), sum(a > b for a, b in wrong)
    return Comparison(differences, *mean_and_interval(differences), counts)


class Claim(NamedTuple):
    """A claim, what was found, and the verdict by the criterion that is stated in `verdict`."""

    sentence: str
    better: str
    worse: str
    found: Comparison
    p: float  # adjusted for all claims (Holm)
    verdict: str


def verdict(mean_difference: float, half: float, p: float) -> str:
    """Return "holds" if the interval is above 0, "refuted" if below; "not shown" if neither, or p is LEVEL or more."""
    if p >= LEVEL or abs(mean_difference) <= half:
        return "not shown"
    return "holds" if mean_difference > 0 else "refuted"


@cache
def judged() -> list[Claim]:
    """Return the claims with their verdicts."""
    found = [compare(claims_of(better), claims_of(worse)) for _, better, worse in CLAIMS]
    adjusted = holm([comparison.p for comparison in found])
    return [
        Claim(*claim, comparison, p, verdict(comparison.mean, comparison.half, p))
        for claim, comparison, p in zip(CLAIMS, found, adjusted, strict=True)
    ]


def other_processor() -> dict[str, tuple[float, float]]:
    """Return each network's mean accuracy in % in the claims' rounds, here and on a processor that rounds otherwise."""
    theirs = read_table("claims_avx512")
    both = {}
    for network in dict.fromkeys(row["network"] for row in theirs):
        ours = {row["round"]: accuracy(row) for row in rows_of(claims_of(network))}
        other = {row["round"]: accuracy(row) for row in theirs if row["network"] == network}
        if ours.keys() != other.keys():
            raise UserError(f"claims_avx512.csv has other rounds of {network} than claims.csv.")
        both[network] = mean(ours.values()), mean(other.values())
    return both
