"""The code version of a row: a hash of the code that its network depends on."""

import ast
import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

import helpers
from helpers import load_round

ROOT = Path(helpers.__file__).resolve().parent


def canonical(node: Any) -> str:
    """Return a syntax tree as a text that is the same for all versions of Python, as that of ast.dump is not."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({', '.join(f'{name}={canonical(value)}' for name, value in fields)})"
    return f"[{', '.join(map(canonical, node))}]" if isinstance(node, list) else repr(node)


def without_words(file: Path) -> str:
    """Return the code of a file that results can depend on.

    Left out: comments, docstrings, layout, annotations, the words of error messages, and functions that only check,
    print or plot.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    only = ("check", "print_", "plot_")
    tree.body = [node for node in tree.body if not getattr(node, "name", "").startswith(only)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = []
        for name in ("annotation", "returns"):
            if hasattr(node, name):
                setattr(node, name, None)
    return canonical(tree)


@cache
def code_version(make: Callable[..., nn.Module], root: Path = ROOT, load: Callable[..., Any] = load_round) -> str:
    """Return a hash of the code that a row depends on: helpers.py, models/, and where its network or pairs are made."""
    files = [root / "helpers.py", *sorted((root / "models").glob("*.py"))]
    known = {file.name for file in files}
    files += [file for file in map(Path, map(inspect.getfile, (make, load))) if file.name not in known]
    return hashlib.sha256("".join(map(without_words, files)).encode()).hexdigest()[:12]
