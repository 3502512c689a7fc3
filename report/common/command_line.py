"""The command line of study.py and verify.py."""

import argparse
from collections.abc import Iterable


def positive(text: str) -> int:
    """Return a whole number above 0; for argparse, which makes a message of the error."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def parser_of(docstring: str | None, names: Iterable[str]) -> argparse.ArgumentParser:
    """Return a parser of names of experiments, whose --help shows a command's docstring."""
    names = list(names)

    def experiment(name: str) -> str:
        if name not in names:
            raise argparse.ArgumentTypeError(f"unknown experiment {name}; there are {', '.join(names)}")
        return name

    description, _, more = (docstring or "").partition("\n\n")
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, epilog=more, formatter_class=formatter)
    text = f"one or more of {', '.join(names)}; default: all"
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", type=experiment, help=text)
    return parser
