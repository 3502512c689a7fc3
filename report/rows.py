"""Runs of networks, done in parallel and kept as rows of a CSV file: what every study here is made of.

A row is one network in one round. Rows are appended one by one as they come, so that a study that is interrupted goes
on where it was; a run that diverges is a row that says so.
"""

import ast
import csv
import hashlib
import inspect
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # helpers and models are one folder up

import helpers
from models.AuxLoss import AuxModel, AuxModel1, train_model_AM
from models.SimpleCNN import SimpleModel, train_model
from models.WSharing import WSModel, WSModel1, train_model_WS

ROOT = Path(helpers.__file__).resolve().parent
RESULTS = ROOT / "report" / "results"
# what makes a network, its training function, and whether the latter is given the digits' classes
Network = tuple[Callable[..., nn.Module], Callable[..., list[float]], bool]
NETWORKS: dict[str, Network] = {
    "SimpleModel": (SimpleModel, train_model, False),
    "WSModel": (WSModel, train_model_WS, False),
    "WSModel1": (WSModel1, train_model_WS, False),
    "AuxModel": (AuxModel, train_model_AM, True),
    "AuxModel1": (AuxModel1, train_model_AM, True),
}
MERGES = {
    "none": nn.Identity(),
    "relu": nn.ReLU(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "softmax": nn.Softmax(dim=-1),
    "log-softmax": nn.LogSoftmax(dim=-1),
}
COLUMNS = [
    *("experiment", "network", "round", "settings", "parameters", "first_loss", "last_loss"),
    *("train_wrong", "train_total", "wrong", "total", "digits_wrong"),
    *("seconds", "error", "torch", "cpu", "commit", "code"),
]


class Job(NamedTuple):
    """One run, of a network with its own training if none is given.

    The keywords of the network, of its training and of its pairs are plain JSON: they identify its row.
    """

    experiment: str
    network: str
    round: int
    model: dict[str, Any] = {}
    training: dict[str, Any] = {}
    data: dict[str, Any] = {}

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a row is told by: experiment, network, round and settings."""
        settings = {"model": self.model, "training": self.training, "data": self.data}
        return self.experiment, self.network, str(self.round), json.dumps(settings, sort_keys=True)


def commit() -> str:
    """Return the commit of the checkout, or "unknown" outside one."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def code_version(root: Path = ROOT, others: Iterable[Path] = ()) -> str:
    """Return a hash of helpers.py, models/ and other files: of the code that results can depend on.

    Comments, docstrings, layout, and functions that only print or plot do not change it.
    """
    digest = hashlib.sha256()
    for file in [root / "helpers.py", *sorted((root / "models").glob("*.py")), *sorted(others)]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not getattr(node, "name", "").startswith(("print_", "plot_"))]
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                del node.body[0]
        digest.update(canonical(tree).encode())
    return digest.hexdigest()[:12]


def canonical(node: Any) -> str:
    """Return a syntax tree as a text that is the same for all versions of Python, as that of ast.dump is not."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({', '.join(f'{name}={canonical(value)}' for name, value in fields)})"
    return f"[{', '.join(map(canonical, node))}]" if isinstance(node, list) else repr(node)


def other_sources(jobs: Iterable[Job], networks: dict[str, Network]) -> set[Path]:
    """Return the files, outside models/, whose networks the jobs use."""
    makers = [networks[name][0] for name in {job.network for job in jobs}]
    files = {Path(inspect.getfile(getattr(make, "func", make))) for make in makers}  # a partial has a function
    return {file for file in files if file.parent != ROOT / "models"}


def run_job(job: Job, networks: dict[str, Network] = NETWORKS) -> dict[str, Any]:
    """Run one job on one thread and return its row; a run that diverges gives a row whose `error` says so."""
    make, train_function, takes_classes = networks[job.network]
    data = helpers.load_round(job.round, **job.data)
    keywords = {**job.model, **({"merge": MERGES[job.model["merge"]]} if "merge" in job.model else {})}
    training = {**getattr(make, "training", {}), **job.training}
    classes = [data.train_classes] if takes_classes else []
    row = dict(zip(COLUMNS, job.key, strict=False), torch=torch.__version__)
    row["cpu"] = torch.backends.cpu.get_cpu_capability()  # processors with other instructions round otherwise
    try:
        result = helpers.run(data, lambda: make(**keywords), train_function, *classes, **training)
    except helpers.UserError as error:
        return {**row, "error": str(error)}
    row |= {"parameters": result.nb_parameters, "seconds": round(result.seconds, 2)}
    row |= {"first_loss": round(result.losses[0], 6), "last_loss": round(result.losses[-1], 6)}
    train_wrong = helpers.nb_wrong(result.model, data.train_input, data.train_target)
    row |= {"train_wrong": train_wrong, "train_total": len(data.train_target)}
    row |= {"wrong": result.nb_wrong, "total": result.nb_test_pairs}
    if hasattr(result.model, "digit_scores"):
        row["digits_wrong"] = int((winners(result.model, data.test_input) != data.test_classes).sum())
    return row


@torch.no_grad()
def winners(model: nn.Module, pairs: Tensor) -> Tensor:
    """Return which of its ten scores is the highest for each digit of the pairs, int64 (N, 2)."""
    model.eval()
    return torch.cat([model.digit_scores(batch).argmax(-1) for batch in pairs.split(helpers.EVALUATION_BATCH_SIZE)])


def read(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, none if there is no file; a last line cut short is left out."""
    if not file.exists():
        return []
    text = file.read_text()
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def complete(file: Path, jobs: Iterable[Job], networks: dict[str, Network] = NETWORKS, workers: int = -1) -> None:
    """Run the jobs whose rows `file` lacks, in parallel processes of one thread each, and append their rows to it.

    Ends with a message at Ctrl-C, if another process is at the same file, or if jobs are missing and `file` has rows
    that other code made: they are not mixed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{file}.lock", timeout=0):
            complete_alone(file, list(jobs), networks, workers)
    except Timeout:
        sys.exit(f"error: another process is adding rows to {file}. Wait for it, or stop it.")


def complete_alone(file: Path, jobs: list[Job], networks: dict[str, Network], workers: int) -> None:
    """Do what `complete` does, while no other process can."""
    rows = read(file)
    done = {tuple(row[column] for column in ("experiment", "network", "round", "settings")) for row in rows}
    missing = list({job.key: job for job in jobs if job.key not in done}.values())
    if not missing:
        return
    # of what is run now, whatever is edited meanwhile
    stamp = {"commit": commit(), "code": code_version(ROOT, other_sources(jobs, networks))}
    if others := {row["code"] for row in rows} - {stamp["code"]}:
        sys.exit(
            f"error: {file} has rows of other versions of the code ({', '.join(sorted(others))}; now {stamp['code']}),"
            f" and {len(missing)} runs are missing. Move the file away to make all of them again."
        )
    with file.open("r+" if rows else "w", newline="") as opened:
        if rows:
            text = opened.read()
            opened.seek(text.rfind("\n") + 1)
            opened.truncate()
        # a file that was begun with fewer columns keeps them
        columns = list(rows[0]) if rows else COLUMNS
        writer = csv.DictWriter(opened, columns, lineterminator="\n", extrasaction="ignore")
        if not rows:
            writer.writeheader()
        saved = 0
        try:
            parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
            new_rows = parallel(joblib.delayed(run_job)(job, networks) for job in missing)
            for row in tqdm(new_rows, total=len(missing), desc=file.stem, unit="run"):
                writer.writerow({**row, **stamp})
                opened.flush()
                saved += 1
        except KeyboardInterrupt:
            print(f"\nInterrupted: {saved} new rows are in {file}. Start again to go on.", file=sys.stderr, flush=True)
            os._exit(130)  # without waiting for the runs that are not finished


def accuracy(row: dict[str, str], pairs: str = "") -> float:
    """Return a row's accuracy in %, on the test pairs or, with "train_", on the training pairs."""
    return 100 * (1 - int(row[f"{pairs}wrong"]) / int(row[f"{pairs}total"]))


def accuracies_of(file: Path, jobs: Iterable[Job]) -> list[float]:
    """Return the accuracy in % of each job's row; KeyError if one is missing."""
    rows = {(row["experiment"], row["network"], row["round"], row["settings"]): row for row in read(file)}
    return [accuracy(rows[job.key]) for job in jobs]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines))


def write_whole(file: Path, text: str) -> None:
    """Write a text file so that it is there in full or as it was before."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text)
    partial.replace(file)
