"""The rounds from which README's results come.

    python report/study.py

Runs rounds 0 to 29 of all networks, and rounds 0 to 199 of the exploration classes, whose worst round matters too. Rows
are kept in results/rounds.csv; started again, only the missing ones are run.
"""

from rows import NETWORKS, RESULTS, Job, complete

FILE = RESULTS / "rounds.csv"
NB_ROUNDS = {name: 200 if name.endswith("1") else 30 for name in NETWORKS}


def main() -> None:
    """Run what is missing."""
    complete(FILE, [Job("rounds", name, r) for name, nb_rounds in NB_ROUNDS.items() for r in range(nb_rounds)])


if __name__ == "__main__":
    main()
