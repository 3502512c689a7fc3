"""What the experiments share: networks, rows and their checks, running, statistics, drawing."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))  # helpers and models are two folders up

for number, name in ((1, "stdout"), (2, "stderr")):
    if getattr(sys, name) is None:  # closed: no other file may get its number, and worker processes need it
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        os.set_inheritable(number, True)
        setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115 - open as long as the process runs
