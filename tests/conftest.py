"""A fresh copy of the checkout, and the real `python test.py` run in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the numbers that the tests know are a CPU's

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "report"))
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # nothing listens there
SECONDS = re.compile(r"(seconds +|% +\d+ +)[\d.]+$", re.MULTILINE)


class Checkout:
    """A copy of what a clone holds for the main job; nothing is extracted yet."""

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
        text = (self.folder / "helpers.py").read_text()
        for name, value in settings.items():
            text, count = re.subn(rf"^{name} = [^#\n]*", f"{name} = {value!r}  ", text, flags=re.MULTILINE)
            assert count == 1, name
        (self.folder / "helpers.py").write_text(text)

    def uncomment(self, line: str) -> None:
        """Uncomment the line of test.py that begins with `line`."""
        text = (self.folder / "test.py").read_text()
        assert text.count(f"# {line}") == 1, line
        (self.folder / "test.py").write_text(text.replace(f"# {line}", line))

    def start(self, *, without: tuple[str, ...] = (), cwd: Path | None = None, **environment: str) -> subprocess.Popen:
        """Start `python test.py`, with no network and no screen, and environment variables added or taken away."""
        variables = {**os.environ, **NO_NETWORK, **environment}
        for name in ("PYTORCH_DATA_DIR", "DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", *without):
            if name not in environment:
                variables.pop(name, None)
        return subprocess.Popen(
            [sys.executable, str(self.folder / "test.py")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or self.folder,
            env=variables,
        )

    def run(self, **options: Any) -> tuple[int, str, str]:
        """Run `python test.py` to its end; return the exit status, what it printed, and what it printed as errors."""
        process = self.start(**options)
        output, errors = process.communicate(timeout=600)
        return process.returncode, output, errors


def without_seconds(output: str) -> str:
    """Return the output with the seconds, which differ from run to run, left out."""
    return SECONDS.sub(r"\1-", output)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh copy of the checkout."""
    return Checkout(tmp_path / "a checkout")  # a space in the path, too


@pytest.fixture
def quick(checkout: Checkout) -> Checkout:
    """A fresh copy that trains for one epoch."""
    checkout.set(NB_EPOCHS=1)
    return checkout
