"""Write README's tables, between its markers, from the saved results.

    python report/build.py

Ends with a message, and changes nothing, if a row is missing or says that its run diverged.
"""

import json
import re
import sys

from inference import bootstrap_interval, holm, mean_and_interval, sign_flip_p
from rows import NETWORKS, RESULTS, ROOT, accuracy, read, table, write_whole

from helpers import UserError

README = ROOT / "README.md"
ROWS = RESULTS / "rounds.csv"
NB_ROUNDS = 30  # of the protocol
NB_ROUNDS_OF_EXPLORATION = 200
CLAIMS = [
    ("Sharing the weights helps", "WSModel", "SimpleModel"),
    ("An auxiliary loss helps further", "AuxModel", "WSModel"),
]


def rounds_of(network: str, nb_rounds: int) -> list[dict[str, str]]:
    """Return a network's rows of rounds 0 to nb_rounds - 1; UserError if one is missing or diverged."""
    rows = {int(row["round"]): row for row in read(ROWS) if row["network"] == network}
    lacking = [r for r in range(nb_rounds) if r not in rows or rows[r]["error"]]
    if lacking:
        raise UserError(f"{ROWS} lacks rounds of {network}, or they diverged: {lacking}. Run report/study.py.")
    return [rows[r] for r in range(nb_rounds)]


def accuracies(network: str, nb_rounds: int = NB_ROUNDS) -> list[float]:
    """Return a network's test accuracy in % in each round."""
    return [accuracy(row) for row in rounds_of(network, nb_rounds)]


def results() -> str:
    """Return the table of all networks."""
    lines = []
    for network in NETWORKS:
        values = accuracies(network)
        mean, half = mean_and_interval(values)
        parameters = int(rounds_of(network, 1)[0]["parameters"])
        interval = f"{mean - half:.2f} to {mean + half:.2f}"
        cells = [network, f"{parameters:,}", f"**{mean:.2f} %**", interval, str(len(values)), f"{min(values):.1f} %"]
        lines.append(cells)
    header = ["network", "parameters", "mean test accuracy", "95 % interval of the mean", "rounds", "worst round"]
    return table(header, lines)


def claims() -> str:
    """Return the table of the two claims; one holds if its interval is above 0 and its adjusted p below 0.05."""
    differences = [
        [a - b for a, b in zip(accuracies(better), accuracies(worse), strict=True)] for _, better, worse in CLAIMS
    ]
    lines = []
    adjusted = holm([sign_flip_p(values) for values in differences])
    for (claim, better, worse), values, p in zip(CLAIMS, differences, adjusted, strict=True):
        mean, half = mean_and_interval(values)
        low, high = bootstrap_interval(values)
        counts = [sum(d > 0 for d in values), sum(d == 0 for d in values), sum(d < 0 for d in values)]
        verdict = "not shown" if p >= 0.05 or abs(mean) <= half else "holds" if mean > 0 else "refuted"
        cells = [claim, f"{better} - {worse}", f"**{mean:+.2f} points**", f"{mean - half:+.2f} to {mean + half:+.2f}"]
        cells += [f"{low:+.2f} to {high:+.2f}", " / ".join(map(str, counts))]
        lines.append([*cells, f"{p:.5f}" if p >= 0.0001 else "below 0.0001", verdict])
    header = ["claim", "difference", "mean", "95 % interval", "by bootstrap", "won / equal / lost", "p", "verdict"]
    return table(header, lines)


def exploration() -> str:
    """Return the table of the exploration classes over all their rounds."""
    lines = []
    for network in ("WSModel1", "AuxModel1"):
        rows, values = rounds_of(network, NB_ROUNDS_OF_EXPLORATION), accuracies(network, NB_ROUNDS_OF_EXPLORATION)
        mean, half = mean_and_interval(values)
        digits = sum(100 * (1 - int(row["digits_wrong"]) / (2 * int(row["total"]))) for row in rows) / len(rows)
        cells = [network, f"{mean:.2f} % ± {half:.2f}", str(len(values)), f"{min(values):.1f} %", f"{digits:.1f} %"]
        lines.append(cells)
    return table(["network", "mean test accuracy", "rounds", "worst round", "digits told right"], lines)


def speed() -> str:
    """Return the table of the benchmark."""
    found = json.loads((RESULTS / "benchmark.json").read_text())
    whole, training = found["whole job"], found["training at the published maps"]
    share, together, in_turn = (
        found[name] for name in ("share of the matrix product's speed", "side by side", "in turn, a thread per core")
    )
    one = found["a run on one core"]
    lines = [
        ["`python test.py`, start to end", f"{whole['ours']:.1f} s"],
        ["of which starting Python, PyTorch and torchvision, and reading MNIST", f"{found['start']['seconds']:.1f} s"],
        [
            "the same job at the published sizes, the obvious way",
            f"{whole['obvious']:.1f} s: {whole['ratio']:.1f} times",
        ],
        [
            "a run of WSModel1, and of AuxModel1, alone on one core",
            f"{one['WSModel1']:.1f} s, {one['AuxModel1']:.1f} s",
        ],
        ["WSModel1's distorted views and their consistency", f"{one['ratio']:.1f} times the time without them"],
        ["training at the published maps, against the obvious way", f"{training['ratio']:.1f} times as fast"],
        ["arithmetic in training, against a large matrix product", f"{100 * share['ratio']:.0f} % of its speed"],
        ["our networks side by side, beside a process that trains too", f"{together['ratio']:.1f} times as long"],
        ["our networks in turn, a thread per core, beside it", f"{in_turn['ratio']:.1f} times as long"],
    ]
    return table(["what", f"on {found['machine']}"], lines)


def main() -> None:
    """Write the tables."""
    text = README.read_text(encoding="utf-8")
    for name, make in {"results": results, "claims": claims, "exploration": exploration, "speed": speed}.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(pattern, lambda m, make=make: m[1] + make() + "\n" + m[2], text, flags=re.DOTALL)
        if count != 1:
            raise UserError(f"README.md has {count} places for the table {name!r}, it should have one.")
    write_whole(README, text)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
