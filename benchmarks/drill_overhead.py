"""Measures the wall time that a drill adds to its waiting: `python benchmarks/drill_overhead.py [SCENARIO]`.

A drill has to wait for the service's start-up, the phases of the scenario, the leak to reach the threshold, and the
rule's `for`. It may add 15 %, and all of `gateway/unbounded-cache` may take 75 s; exit 1 when it takes more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from leakdrill.judging.time_budget import time_budget
from leakdrill.record.history import read_history
from leakdrill.record.store import open_run, read_run_info
from leakdrill.reports.budget import print_budget

MOST_OVERHEAD = 0.15
MOST_SECONDS = 75.0


def main(scenario: str) -> int:
    """Run the drill once as a user would, the interpreter's own start included."""
    with tempfile.TemporaryDirectory() as runs:
        began = time.monotonic()
        command = [sys.executable, "-m", "leakdrill", "run", scenario, "--runs", runs, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall_s = time.monotonic() - began
        folder = open_run(next(Path(runs).iterdir()))
        budget = time_budget(read_history(folder.history), read_run_info(folder).scenario)
    print_budget(budget, Console(width=120))
    added = wall_s / budget.needed_s - 1
    print(f"as a process: {wall_s:.1f} s, {added:.1%} more than needed; exit code {done.returncode}")
    return int(done.returncode != 0 or added > MOST_OVERHEAD or wall_s > MOST_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="gateway/unbounded-cache")
    sys.exit(main(parser.parse_args().scenario))
