"""Build everything that is read from the saved results: README's tables, the figures, and report.pdf.

    python report/build.py

Ends with a message, and changes nothing, if a row is missing, unpaired, diverged, or of other code or settings.
"""

import json
import re
import sys

import typst
from evidence import accuracies, claims_of, finished, judged, rows_of
from figures import draw_all
from inference import mean_and_interval
from report_numbers import all_rounds, digits_right, numbers, p_text, read_benchmark, with_half
from rows import NETWORKS, ROOT, table, write_whole
from study import EXPERIMENTS, EXPLORATION, jobs

from helpers import UserError

README = ROOT / "README.md"
OTHER_PROCESSOR = "AVX512"  # of the rows that were saved before their processor was
ABOUT = {
    "claims": "the five networks",
    "sharing": "splitting the digits, with and without sharing the weights",
    "last_layer": "linear on scores, on ReLU, on softmax; joint comparison",
    "aux_weight": "the weight of the auxiliary loss",
    "epochs": "the number of epochs, on validation pairs",
    "published": "the published networks, exactly",
    "train_pairs": "the number of training pairs",
    "collapse": "whether a run of an exploration class ever collapses",
}
REPORT = ROOT / "report"


def results() -> str:
    """Return the table of all networks."""
    lines = []
    for network in NETWORKS:
        values = accuracies(claims_of(network))
        average, half = mean_and_interval(values)
        parameters = int(rows_of(claims_of(network, 1))[0]["parameters"])
        interval = f"{average - half:.2f} to {average + half:.2f}"
        cells = [network, f"{parameters:,}", f"**{average:.2f} %**", interval, str(len(values)), f"{min(values):.1f} %"]
        lines.append(cells)
    header = ["network", "parameters", "mean test accuracy", "95 % interval of the mean", "rounds", "worst round"]
    return table(header, lines)


def claims() -> str:
    """Return the table of the claims."""
    lines = []
    for claim in judged():
        found = claim.found
        cells = [claim.sentence, f"{claim.better} - {claim.worse}", f"**{found.mean:+.2f} points**"]
        cells += [f"{found.mean - found.half:+.2f} to {found.mean + found.half:+.2f}"]
        cells += ["{:+.2f} to {:+.2f}".format(*found.bootstrap), " / ".join(map(str, found.counts))]
        lines.append([*cells, p_text(claim.p), claim.verdict])
    header = ["claim", "difference", "mean", "95 % interval", "by bootstrap", "won / equal / lost", "p", "verdict"]
    return table(header, lines)


def exploration() -> str:
    """Return the table of the exploration classes over all their rounds."""
    lines = []
    for network in EXPLORATION:
        values = accuracies(all_rounds(network))
        cells = [network, with_half(values).replace(" ±", " % ±"), str(len(values)), f"{min(values):.1f} %"]
        lines.append([*cells, f"{digits_right(rows_of(all_rounds(network))):.1f} %"])
    return table(["network", "mean test accuracy", "rounds", "worst round", "digits told right"], lines)


def speed() -> str:
    """Return the table of the benchmark, a column for each machine that it was run on."""
    columns = []
    for found in read_benchmark().values():
        whole, one, share = found["whole job"], found["a run on one core"], found["share of the matrix product's speed"]
        columns.append(
            [
                f"{whole['ours']:.1f} s",
                f"{found['start']['seconds']:.1f} s",
                f"{whole['obvious']:.1f} s: {whole['ratio']:.1f} times",
                f"{one['WSModel1']:.1f} s, {one['AuxModel1']:.1f} s",
                f"{one['ratio']:.1f} times the time without",
                f"{found['training at the published maps']['ratio']:.1f} times as fast",
                f"{100 * share['ratio']:.0f} % of its speed",
                f"{found['side by side']['ratio']:.1f} times as long",
                f"{found['in turn, a thread per core']['ratio']:.1f} times as long",
            ]
        )
    lines = [
        "`python test.py`, start to end",
        "of which starting Python, PyTorch and torchvision, and reading MNIST",
        "the same job at the published sizes, the obvious way",
        "a run of WSModel1, and of AuxModel1, alone on one core",
        "WSModel1's distorted views and their consistency",
        "training at the published maps, against the obvious way",
        "arithmetic in training, against a large matrix product",
        "our networks side by side, beside a process that trains too",
        "our networks in turn, a thread per core, beside it",
    ]
    header = ["what", *(f"on {found['machine']}, {cpu}" for cpu, found in read_benchmark().items())]
    return table(header, list(zip(lines, *columns, strict=True)))


def experiments() -> str:
    """Return the table of the study's experiments, and of the time that their runs took."""
    lines, done = [], set()
    for name, (rounds, _) in EXPERIMENTS.items():
        own = [job for job in jobs(name) if job.key not in done]  # a run that two experiments need is made once
        done |= {job.key for job in own}
        rows = rows_of(finished(own))
        minutes = sum(float(row["seconds"]) for row in rows) / 60
        processors = sorted({row.get("cpu") or OTHER_PROCESSOR for row in rows})
        lines.append([f"`{name}`", ABOUT[name], f"{rounds[0]} to {rounds[-1]}", str(len(own)), f"{minutes:.0f}"])
        lines[-1].append(", ".join(processors))
    return table(["experiment", "about", "rounds", "new runs", "minutes of one core", "processor"], lines)


def readme() -> str:
    """Return README with new tables; UserError if it has not one place for each."""
    text = README.read_text(encoding="utf-8")
    for name, make in {
        "results": results,
        "claims": claims,
        "exploration": exploration,
        "experiments": experiments,
        "speed": speed,
    }.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(pattern, lambda m, make=make: m[1] + make() + "\n" + m[2], text, flags=re.DOTALL)
        if count != 1:
            raise UserError(f"README.md has {count} places for the table {name!r}, it should have one.")
    return text


def main() -> None:
    """Build README's tables, the figures and the report; nothing is written before every number is there."""
    text, inputs = readme(), {"numbers": json.dumps(numbers())}
    draw_all()
    partial = REPORT / "report.pdf.partial"
    typst.compile(str(REPORT / "report.typ"), output=str(partial), root=str(ROOT), sys_inputs=inputs, format="pdf")
    partial.replace(REPORT / "report.pdf")
    write_whole(README, text)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
