"""A fresh copy of the checkout, and the real `python test.py` run in it; the saved rows of a room."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the numbers that the tests know are a CPU's

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "report"))
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # nothing listens there
ARITHMETIC = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR")  # helpers sets these, here too
NOT_INHERITED = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "PYTHONUNBUFFERED", *ARITHMETIC)


def environment_of_a_user(without: tuple[str, ...] = (), **variables: str) -> dict[str, str]:
    """Return environment variables for a command: no network, no screen, and nothing that these tests have set."""
    inherited = {name: value for name, value in os.environ.items() if name not in (*NOT_INHERITED, *without)}
    return {**inherited, **NO_NETWORK, **variables}


class Checkout:
    """A copy of what a clone holds for the main job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = folder / "data" / "MNIST" / "raw"
        self.raw.mkdir(parents=True)
        for gz in (ROOT / "data" / "MNIST" / "raw").glob("*.gz"):
            shutil.copy(gz, self.raw)
        shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("helpers.py", "test.py"):
            shutil.copy(ROOT / name, folder)

    def set(self, **settings: Any) -> None:
        """Edit settings in helpers.py, as a user does."""
        text = (self.folder / "helpers.py").read_text(encoding="utf-8")
        for name, value in settings.items():
            text, count = re.subn(rf"^{name} = [^#\n]*", f"{name} = {value!r}  ", text, flags=re.MULTILINE)
            assert count == 1, name
        (self.folder / "helpers.py").write_text(text, encoding="utf-8")

    def uncomment(self, line: str) -> None:
        """Uncomment the line of test.py that begins with `line`."""
        text = (self.folder / "test.py").read_text(encoding="utf-8")
        assert text.count(f"# {line}") == 1, line
        (self.folder / "test.py").write_text(text.replace(f"# {line}", line), encoding="utf-8")

    def files(self) -> dict[str, str]:
        """Return the md5 sum of every file but Python's own caches, and "folder" for every folder."""
        return {
            str(path.relative_to(self.folder)): hashlib.md5(path.read_bytes()).hexdigest()
            if path.is_file()
            else "folder"
            for path in self.folder.rglob("*")
            if "__pycache__" not in path.parts
        }

    def start(
        self, *, redirect: str = "", without: tuple[str, ...] = (), cwd: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        """Start `python test.py`, its output redirected as a shell does, with environment variables added or taken."""
        command = [sys.executable, str(self.folder / "test.py")]
        return subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" {redirect}', *command] if redirect else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=cwd or self.folder,
            env=environment_of_a_user(without, **variables),
        )

    def run(self, **options: Any) -> tuple[int, str, str]:
        """Run `python test.py` to its end; return the exit status, what it printed, and what it printed as errors."""
        process = self.start(**options)
        output, errors = process.communicate(timeout=600)
        return process.returncode, output, errors


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh copy of the checkout."""
    return Checkout(tmp_path / "a checkout")  # a space in the path, too


@pytest.fixture
def quick(checkout: Checkout) -> Checkout:
    """A fresh copy that trains for one epoch."""
    checkout.set(NB_EPOCHS=1)
    return checkout


OTHERS = {"last_layer": ["claims"], "more_rounds": ["claims"], "errors": ["claims"], "ceiling": ["confirmation"]}
OTHERS |= {"head": ["confirmation", "last_layer", "published", "sharing"]}


@cache
def saved_of(name: str) -> Any:
    """Return the rows that a room's numbers and pictures are of, with all others of their files; all for the cost."""
    from common.rows import Saved
    from experiments.catalogue import BY_NAME, all_jobs

    own = [BY_NAME[each] for each in (name, *OTHERS.get(name, [])) if each in BY_NAME]
    files = {job.experiment for job in all_jobs(own)}
    return Saved(job for job in all_jobs() if name == "cost" or job.experiment in files)


@cache
def numbers_of(name: str) -> dict[str, Any]:
    """Return a room's numbers."""
    from experiments.catalogue import ROOMS, name_of

    return next(room.numbers(saved_of(name)) for room in ROOMS if name_of(room) == name)
