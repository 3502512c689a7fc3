"""What made a row: a hash of the code, the commit, and how the machine computes."""

import ast
import hashlib
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

import helpers

ROOT = Path(helpers.__file__).resolve().parent
HASHED = (  # what draws, trains and measures, and what hands on the settings of a job
    *("helpers.py", "models/*.py"),
    *(f"report/common/{name}.py" for name in ("networks", "sampling", "measuring", "rows")),
)


def canonical(node: Any) -> str:
    """Return a syntax tree without docstrings as a text, the same for all versions of Python; ast.dump's is not."""
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({', '.join(f'{name}={canonical(value)}' for name, value in fields)})"
    return f"[{', '.join(map(canonical, node))}]" if isinstance(node, list) else repr(node)


@cache
def code_version(root: Path = ROOT) -> str:
    """Return the hash of the code that a row depends on, of all but comments, docstrings and layout."""
    found = (file for pattern in HASHED for file in sorted(root.glob(pattern)))
    files = [file for file in found if not file.name.startswith(".")]  # a Mac's archive adds ._NAME files
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return hashlib.sha256("".join(map(canonical, trees)).encode()).hexdigest()[:12]


@cache
def commit() -> str:
    """Return the commit of the checkout, or "unknown" outside one or without git."""
    try:
        command = ["git", "-C", str(ROOT), "rev-parse", "--short=7", "HEAD"]
        output = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        output = ""
    return output if re.fullmatch(r"[0-9a-f]{7,}", output) else "unknown"


def instruction_set() -> str:
    """Return what results depend on besides code and PyTorch: how this machine is set to compute."""
    if helpers.DEVICE.type == "cuda":
        return f"CUDA {torch.cuda.get_device_name()}"
    capability = torch.backends.cpu.get_cpu_capability()
    settings = [os.environ.get(name, "") for name in helpers.SAME_DIGITS]
    return " ".join([capability, *settings]) if capability.startswith("AVX") else capability


def this_machine() -> tuple[str, str]:
    """Return the version of PyTorch and the instruction set: rows that agree in both can be compared."""
    return torch.__version__.split("+")[0], instruction_set()


def processor() -> str:
    """Return the processor's name."""
    return str(torch.cpu.get_capabilities().get("cpu_name") or "unknown")
