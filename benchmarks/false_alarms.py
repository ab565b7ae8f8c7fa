"""Measures how often the gate calls a healthy service a leak: `python benchmarks/false_alarms.py OUT.csv [--runs 300]`.

Each run is a process of its own: a fresh service, a fresh Locust, the whole of `leakdrill gate`, on a short schedule
(3 s of warm-up, 10 slots of 0.3 s, entries that may live for a second), so that hundreds of runs fit into half an hour.
One line per run goes into OUT.csv as it ends, and a run that is there already is not repeated. The table at the end has
Wilson's 95 % intervals. Exit 1 when any healthy run was called a leak.
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import yaml
from scipy.stats import binomtest

HERE = Path(__file__).parent / "healthy_services"
MODES = ("flat", "lru", "session", "sawtooth", "bursts", "threads")
GATE = {"warmup": {"at_least": "2s", "at_most": "3s"}, "longest_ttl": "1s", "slots": 10, "slot": "0.3s"}
COLUMNS = ("run", "mode", "exit_code", "bytes_per_request", "low", "high", "requests", "message")


def main() -> int:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=2)
    wanted = parser.parse_args()
    done = {int(row["run"]) for row in rows(wanted.out)}
    with ThreadPoolExecutor(wanted.at_once) as pool, wanted.out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not done:
            writer.writeheader()
        for ended in as_completed(pool.submit(gate_once, n) for n in range(wanted.runs) if n not in done):
            writer.writerow(ended.result())
            file.flush()
    return table(rows(wanted.out))


def gate_once(number: int) -> dict[str, object]:
    """Runs the gate once on one healthy service."""
    mode = MODES[number % len(MODES)]
    with tempfile.TemporaryDirectory() as folder:
        scenario = {
            "name": f"healthy/{mode}-{number}",
            "target": {"name": mode, "command": ["{python}", str(HERE / "service.py"), "{port}", mode]},
            "load": {"locustfile": str(HERE / "locustfile.py"), "users": 2},
            "gate": GATE,
        }
        path = Path(folder) / "scenario.yaml"
        path.write_text(yaml.safe_dump(scenario), encoding="utf-8")
        return {"run": number, "mode": mode, **gate(path, runs=folder)}


def gate(path: Path, *, runs: str) -> dict[str, object]:
    """Returns the verdict of `leakdrill gate` on the scenario in `path`, as a row."""
    command = [sys.executable, "-m", "leakdrill", "gate", str(path), "--runs", runs, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict = (
        json.loads(ended.stdout)["verdicts"][0] if ended.stdout else {"message": ended.stderr[-300:], "numbers": {}}
    )
    numbers = verdict["numbers"]
    return {
        "exit_code": ended.returncode,
        "bytes_per_request": numbers.get("growth_bytes_per_request"),
        "low": numbers.get("growth_low_bytes_per_request"),
        "high": numbers.get("growth_high_bytes_per_request"),
        "requests": numbers.get("judged_requests"),
        "message": verdict["message"],
    }


def rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows that were written before."""
    return list(csv.DictReader(path.open(encoding="utf-8", newline=""))) if path.exists() else []


def table(results: list[dict[str, str]]) -> int:
    """Print the outcomes by service; returns the exit code."""
    counts = {mode: collections.Counter(r["exit_code"] for r in results if r["mode"] == mode) for mode in MODES}
    counts["all"] = sum(counts.values(), collections.Counter())
    print("service    runs  LEAK  CLEAN  UNKNOWN  other   LEAK rate, 95 % interval")
    for name, c in counts.items():
        total = sum(c.values())
        interval = binomtest(c["1"], total).proportion_ci(method="wilson") if total else None
        rate = f"{c['1'] / total:.1%} ({interval.low:.1%} to {interval.high:.1%})" if interval else ""
        other = total - c["0"] - c["1"] - c["2"]
        print(f"{name:9}  {total:4}  {c['1']:4}  {c['0']:5}  {c['2']:7}  {other:5}   {rate}")
    return int(counts["all"]["1"] > 0)


if __name__ == "__main__":
    sys.exit(main())
