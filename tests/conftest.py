"""A fresh copy of the checkout, and the real `python test.py` run in it; the saved rows."""

import ctypes
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the numbers that the tests know are a CPU's

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "report"))
SAME_DIGITS = bool(torch.cpu.get_capabilities().get("avx2"))  # x86-64 with AVX2
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # nothing listens there
ARITHMETIC = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR")  # helpers sets these, here too
LIMIT = 240  # seconds, for a process that takes a few, or a minute where others fill the cores
NOT_INHERITED = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "PYTHONUNBUFFERED", *ARITHMETIC)


def environment_of_a_user(**variables: str) -> dict[str, str]:
    """Return environment variables for a command: no network, no screen, and nothing that these tests have set."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**inherited, **NO_NETWORK, **variables}


class Process(subprocess.Popen[str]):
    """A process in a session of its own, which ends with what it has started at LIMIT, or when its test ends.

    On Linux it also ends when pytest is killed: the kernel sends it SIGKILL.
    """

    def __init__(self, command: list[str], **options: Any) -> None:
        if sys.platform == "linux":
            prctl = ctypes.CDLL(None).prctl
            options["preexec_fn"] = lambda: prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        super().__init__(command, start_new_session=True, text=True, **options)
        timer = threading.Timer(LIMIT, self.kill_all)
        timer.daemon = True
        timer.start()

    def kill_all(self) -> None:
        """End the process and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def __exit__(self, *error: Any) -> None:
        self.kill_all()
        super().__exit__(*error)


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

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that is in a file once."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def set(self, **settings: Any) -> None:
        """Edit settings in helpers.py, as a user does."""
        text = (self.folder / "helpers.py").read_text(encoding="utf-8")
        for name, value in settings.items():
            text, count = re.subn(rf"^{name} = [^#\n]*", f"{name} = {value!r}  ", text, flags=re.MULTILINE)
            assert count == 1, name
        (self.folder / "helpers.py").write_text(text, encoding="utf-8")

    def files(self) -> dict[str, str]:
        """Return the md5 sum of every file but Python's own caches."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(self.folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}

    def start(self, *options: str, stdin: int | None = subprocess.DEVNULL, **variables: str) -> Process:
        """Start `python OPTIONS test.py` with environment variables added, from another folder."""
        return Process(
            [sys.executable, *options, str(self.folder / "test.py")],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder.parent,
            env=environment_of_a_user(**variables),
        )

    def run(self, *options: str, typed: str | None = None, **variables: str) -> tuple[int, str, str]:
        """Run `python OPTIONS test.py` to its end; return the exit status, its output, and its errors."""
        stdin = subprocess.DEVNULL if typed is None else subprocess.PIPE
        with self.start(*options, stdin=stdin, **variables) as process:
            output, errors = process.communicate(typed, timeout=LIMIT)
        return process.returncode, output, errors


@cache
def all_results() -> Any:
    """Return all saved rows."""
    from common.results import Results
    from experiments.catalogue import all_jobs

    return Results(all_jobs())


@cache
def numbers_of(name: str) -> dict[str, Any]:
    """Return an experiment's numbers."""
    from experiments.catalogue import SECTIONS

    return SECTIONS[name].numbers(all_results())


def load_module(monkeypatch: pytest.MonkeyPatch, name: str, file: Path) -> ModuleType:
    """Return a file as a module of this name."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # where processes look for what they call
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def main_job(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """test.py as a module, whose networks train for an epoch on 50 pairs."""
    module = load_module(monkeypatch, "main_job", ROOT / "test.py")
    import helpers

    for name, value in {"NB_EPOCHS": 1, "NB_TRAIN_PAIRS": 50, "NB_TEST_PAIRS": 50}.items():
        monkeypatch.setattr(helpers, name, value)
    return module
