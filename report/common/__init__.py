"""What the experiments share: networks, rows and their gate, running, statistics, drawing."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))  # helpers and models are two folders up
