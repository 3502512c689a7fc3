"""What the experiments share: networks, jobs, rows and results, running, statistics, plotting."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))  # helpers and models are two folders up
