"""Measures how often the gate is wrong about the tensor service: `python benchmarks/tensor_gate_alarms.py OUT.csv`.

Each run is the whole of `leakdrill gate` at its default schedule, a minute long, one after the other: a fresh service
without a leak, or with one that keeps 64 KiB a request. One line per run goes into OUT.csv as it ends, and a run that
is there already is not repeated. The table at the end has Wilson's 95 % intervals; UNKNOWN is neither a false alarm nor
found. Exit 1 when a healthy run was called a leak or a leaking one was not.
"""

from __future__ import annotations

import argparse
import collections
import csv
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path

from false_alarms import COLUMNS, gate, rows
from scipy.stats import binomtest

HERE = Path(__file__).parent / "tensor_gate"
LEAK = "1"
EVERY = (*COLUMNS[:3], "seconds", "load_average", *COLUMNS[3:])


def main() -> int:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--healthy", type=int, default=20)
    parser.add_argument("--leaking", type=int, default=5)
    wanted = parser.parse_args()
    done = {(row["mode"], int(row["run"])) for row in rows(wanted.out)}
    with wanted.out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, EVERY)
        if not done:
            writer.writeheader()
        for mode, number in in_turn(wanted.healthy, wanted.leaking):
            if (mode, number) not in done:
                writer.writerow(gate_once(mode, number))
                file.flush()
    return table(rows(wanted.out))


def in_turn(healthy: int, leaking: int) -> list[tuple[str, int]]:
    """Returns every run, the leaking ones spread among the others: a busy hour is then not theirs alone."""
    wanted = (("healthy", healthy), ("leaking", leaking))
    each = [((n + 0.5) / count, mode, n) for mode, count in wanted for n in range(count)]
    return [(mode, n) for _, mode, n in sorted(each)]


def gate_once(mode: str, number: int) -> dict[str, object]:
    """Returns the row of one run: its verdict, its time with start and end, and the load of the machine."""
    began, busy = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        verdict = gate(HERE / f"{mode}.yaml", runs=folder)
    seconds = round(time.monotonic() - began, 1)
    return {"run": number, "mode": mode, "seconds": seconds, "load_average": round(busy, 1), **verdict}


def table(results: list[dict[str, str]]) -> int:
    """Print the verdicts by service; returns the exit code."""
    print("service   runs  LEAK  CLEAN  UNKNOWN  other   LEAK rate, 95 % interval")
    wrong = 0
    for mode, group in itertools.groupby(sorted(results, key=lambda row: row["mode"]), lambda row: row["mode"]):
        codes = collections.Counter(row["exit_code"] for row in group)
        total = codes.total()
        called = codes[LEAK]
        interval = binomtest(called, total).proportion_ci(method="wilson")
        rate = f"{called / total:.1%} ({interval.low:.1%} to {interval.high:.1%})"
        other = total - called - codes["0"] - codes["2"]
        print(f"{mode:8}  {total:4}  {called:4}  {codes['0']:5}  {codes['2']:7}  {other:5}   {rate}")
        wrong += called if mode == "healthy" else total - called
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
