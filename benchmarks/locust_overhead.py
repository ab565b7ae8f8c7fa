"""Does counting every request cost the load anything? Bare `locust` and ours, with the same file, alternately.

    python benchmarks/locust_overhead.py [--pairs 5] [--seconds 6] [--users 10]

Starts the gateway (its /health is fast) and loads it without any wait time: bare and ours, then ours and bare, and so
on, so that whatever else the machine does meets both alike. Prints requests per second of each run as Locust itself
reports them (its own statistics, in JSON), the ratio of each pair and the median ratio. Exits 1 when the median is
below 0.95. Single pairs differ by a fifth on a machine that does something else; take more pairs there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from harness.journal import Journal
from harness.load.locust_load import LocustLoad
from harness.recorder import Recorder
from harness.scenario import Load
from harness.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR = 0.95
LOCUSTFILE = """
from locust import FastHttpUser, task

class Hurried(FastHttpUser):
    @task
    def health(self):
        self.client.get("/health")
"""


def main() -> int:
    """Run the pairs, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--users", type=int, default=10)
    args = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder, gateway(Path(folder)) as url:
        locustfile = Path(folder) / "hurried.py"
        locustfile.write_text(LOCUSTFILE)
        print("pair   bare/s   ours/s   ratio")
        for pair in range(1, args.pairs + 1):
            runs = (bare, ours) if pair % 2 else (ours, bare)
            rps = {run: run(locustfile, url, args.users, args.seconds) for run in runs}
            bare_rps, our_rps = rps[bare], rps[ours]
            ratios.append(our_rps / bare_rps)
            print(f"{pair:4} {bare_rps:8.1f} {our_rps:8.1f} {ratios[-1]:7.3f}", flush=True)
    median = statistics.median(ratios)
    print(f"median ratio {median:.3f}, expected at least {FLOOR}")
    return 0 if median >= FLOOR else 1


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[str]:
    """A gateway, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "LEAKDRILL_DISK": str(folder)}
    command = [sys.executable, "-m", "leaky_apps.gateway", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: answers(url), what="the gateway", timeout_s=30)
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    """Whether the gateway is up."""
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


def bare(locustfile: Path, url: str, users: int, seconds: int) -> float:
    """Requests per second of plain Locust."""
    report = locustfile.with_name("bare")
    command = [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--locustfile", str(locustfile)),
        *("--host", url, "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"),
        *("--json-file", str(report)),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return rate_in(report)


def ours(locustfile: Path, url: str, users: int, seconds: int) -> float:
    """Requests per second of the same file as the drill runs it, read at ten hertz all the while."""
    folder = Path(tempfile.mkdtemp(dir=locustfile.parent))
    report = folder / "ours"
    recorder, journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
    spec = Load(locustfile=locustfile, users=users, args=["--json-file", str(report)])
    load = LocustLoad(
        spec, host=url, run_dir=folder, run_id="benchmark", recorder=recorder, journal=journal, max_run_s=seconds
    )
    load.start()
    while load.alive():
        load.requests()
        time.sleep(0.1)
    load.stop()
    recorder.close()
    journal.close()
    return rate_in(report)


def rate_in(report: Path) -> float:
    """Requests per second between the first and the last request, from Locust's own JSON report."""
    [entry] = json.loads(report.with_suffix(".json").read_text())
    return float(entry["num_requests"]) / (entry["last_request_timestamp"] - entry["start_time"])


if __name__ == "__main__":
    sys.exit(main())
