"""Measures the cost of counting and of the pause gate to the load: bare `locust` and ours, with the same file, in turn.

    python benchmarks/locust_overhead.py [--pairs 10] [--seconds 4] [--users 10]

Starts the gateway (its /health is fast) and loads it without any wait time: bare and ours, then ours and bare, and so
on, so that what else the machine does, and what drifts, meets both alike. Two figures of each run, as ratios ours/bare:

* requests per second, from Locust's own JSON report: what a user of the load would notice. Single runs differ by a
  fifth on a busy machine, because the target and everybody else compete for the same cores.
* processor time (user and system) per request of the Locust process, from the start of its test to the end, start-up
  left out. With one worker Locust has no children. This counts only what Locust itself executed, hence hardly depends
  on what else runs, and bounds the other: a load generator that is busy all the time loses at most this share.

Of each, the median over the pairs with its interval from order statistics (the binomial distribution, no assumption on
the noise; at least 95 %). What the exit code says:

    0  at least one of the two intervals lies wholly within 5 %: ours costs less than that
    1  one of the intervals lies wholly beyond 5 %: ours costs more than that, noise does not explain it
    2  neither: this says nothing, take more pairs

A median alone would prove nothing: with pairs that differ by a fifth, the median of five is off by a twentieth easily.
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
from typing import TYPE_CHECKING, NamedTuple

import httpx
from scipy import stats

from leakdrill.load.locust import LocustLoad
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.load import Load
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_COST = 0.05
CPU_ENV = "BENCHMARK_CPU_FILE"
LOCUSTFILE = """
import json, os, time
from locust import FastHttpUser, events, task

@events.test_start.add_listener
def begin(**_others):
    global began
    began = time.process_time()

@events.test_stop.add_listener
def end(environment, **_others):
    spent = time.process_time() - began
    with open(os.environ["BENCHMARK_CPU_FILE"], "w") as file:
        json.dump(spent / environment.stats.total.num_requests, file)

class Hurried(FastHttpUser):
    @task
    def health(self):
        self.client.get("/health")
"""


class Figures(NamedTuple):
    """The figures of one run: requests per second, and processor seconds per request."""

    rps: float
    cpu_s: float


class Ratio(NamedTuple):
    """A median with its interval."""

    median: float
    low: float
    high: float


def main() -> int:
    """Run the pairs, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--users", type=int, default=10)
    args = parser.parse_args()
    pairs = []
    with tempfile.TemporaryDirectory() as folder, gateway(Path(folder)) as url:
        locustfile = Path(folder) / "hurried.py"
        locustfile.write_text(LOCUSTFILE)
        print("pair   bare/s   ours/s   ratio   bare us   ours us   ratio")
        for pair in range(1, args.pairs + 1):
            runs = (bare, ours) if pair % 2 else (ours, bare)
            of = {run: run(locustfile, url, args.users, args.seconds) for run in runs}
            pairs.append((of[bare], of[ours]))
            print(f"{pair:4} {row(of[bare], of[ours])}", flush=True)
    speed = middle([our.rps / plain.rps for plain, our in pairs])
    cost = middle([our.cpu_s / plain.cpu_s for plain, our in pairs])
    print(f"requests per second: {rendered(speed)}, expected at least {1 - MOST_COST}")
    print(f"processor time per request: {rendered(cost)}, expected at most {1 + MOST_COST}")
    return exit_code(speed, cost)


def row(plain: Figures, our: Figures) -> str:
    """Returns the figures of one pair; processor time in microseconds per request."""
    return (
        f"{plain.rps:8.1f} {our.rps:8.1f} {our.rps / plain.rps:7.3f} "
        f"{plain.cpu_s * 1e6:9.1f} {our.cpu_s * 1e6:9.1f} {our.cpu_s / plain.cpu_s:7.3f}"
    )


def middle(values: list[float]) -> Ratio:
    """Returns the median, and between which two of the sorted values the true one lies with at least 95 %.

    With fewer than six values there is no such interval, and it is everything.
    """
    ordered = sorted(values)
    outside = int(stats.binom.ppf(0.025, len(ordered), 0.5))
    if outside == 0:
        return Ratio(statistics.median(ordered), 0.0, float("inf"))
    return Ratio(statistics.median(ordered), ordered[outside - 1], ordered[-outside])


def rendered(ratio: Ratio) -> str:
    """Returns a ratio in words."""
    return f"median ratio {ratio.median:.3f} (95 % interval {ratio.low:.3f} to {ratio.high:.3f})"


def exit_code(speed: Ratio, cost: Ratio) -> int:
    """Returns the exit code that the module docstring names."""
    if speed.high < 1 - MOST_COST or cost.low > 1 + MOST_COST:
        print("ours costs more than 5 %")
        return 1
    if speed.low >= 1 - MOST_COST or cost.high <= 1 + MOST_COST:
        print("ours costs less than 5 %")
        return 0
    print("undecided: take more pairs")
    return 2


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[str]:
    """A gateway, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "LEAKDRILL_DISK": str(folder)}
    command = [sys.executable, "-m", "leaky_apps.gateway", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            wait_for(lambda: responds(url), what="the gateway", timeout_s=30)
            yield url
        finally:
            process.terminate()


def responds(url: str) -> bool:
    """Whether the gateway is up."""
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


def bare(locustfile: Path, url: str, users: int, seconds: int) -> Figures:
    """Plain Locust."""
    folder = Path(tempfile.mkdtemp(dir=locustfile.parent))
    command = [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--locustfile", str(locustfile)),
        *("--host", url, "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"),
        *("--json-file", str(folder / "report")),
    ]
    env = {**os.environ, CPU_ENV: str(folder / "cpu")}
    with (folder / "log").open("wb") as log:
        # In a session of its own, like ours: kernels that share processor time between sessions favour a lone process.
        subprocess.run(
            command, check=True, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return figures_in(folder)


def ours(locustfile: Path, url: str, users: int, seconds: int) -> Figures:
    """The same file as the drill runs it, read at ten hertz all the while."""
    folder = Path(tempfile.mkdtemp(dir=locustfile.parent))
    recorder, journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
    spec = Load(
        locustfile=locustfile,
        users=users,
        args=["--json-file", str(folder / "report")],
        env={CPU_ENV: str(folder / "cpu")},
    )
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
    return figures_in(folder)


def figures_in(folder: Path) -> Figures:
    """Requests per second between the first and the last request, and what the locustfile measured."""
    [entry] = json.loads((folder / "report.json").read_text())
    rps = float(entry["num_requests"]) / (entry["last_request_timestamp"] - entry["start_time"])
    return Figures(rps, float(json.loads((folder / "cpu").read_text())))


if __name__ == "__main__":
    sys.exit(main())
