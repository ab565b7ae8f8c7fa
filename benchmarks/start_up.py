"""Measures the processor time of the commands that only print something: `python benchmarks/start_up.py [ROUNDS]`.

A command loads what it needs, so these may take 0.3 s of processor time (user and system) at most; exit 1 when one
takes more. The smallest of several rounds counts, because other work on the machine only ever adds to it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

COMMANDS = ("version", "--help", "schema scenario", "schema history", "schema verdicts", "scenarios")
MOST_S = 0.3


def processor_time_s(command: str) -> float:
    """The processor time of one run of `leakdrill` with `command`, without what compiling the sources takes once."""
    before = _children_s()
    subprocess.run([sys.executable, "-m", "leakdrill", *command.split()], stdout=subprocess.DEVNULL, check=True)
    return _children_s() - before


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(rounds: int) -> int:
    """Print the smallest time of each command; returns the exit code."""
    times = {command: min(processor_time_s(command) for _ in range(rounds)) for command in COMMANDS}
    for command, seconds in times.items():
        print(f"leakdrill {command:<16} {seconds:.2f} s of processor time")
    print(f"at most {MOST_S} s wanted; load average {os.getloadavg()[0]:.1f}")
    return int(max(times.values()) > MOST_S)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
