"""Measures the cost of the agent to a service: throughput, CPU time per request, and the start of Python.

    python benchmarks/agent_cost.py [--pairs 8] [--rounds 60] [--starts 40]

Each pair starts a small uvicorn service twice, without the agent and with it, both on one core, and sends both the same
requests in slots of some ten milliseconds that take turns: A B B A, then B A A B, and so on, so that what else the
machine does meets both alike. Each process has an address-space layout of its own, which alone makes a percent or so of
difference, so there are several pairs, and what counts is the median over them; of the slots of one service the lower
quartile counts, for other programs can only add. CPU time per request is what the scheduler charged to the service;
requests per second also hold the client and the noise.

The agent takes a quiescent point before the slots, so that all of it is loaded. A collection has an effect of its own
on what follows (1.3 % slower in one measurement), whoever orders it, so the service without the agent collects as well,
by itself. Also measured: the time of one quiescent point, and the cost to a Python that does nothing at its start.
Exits 1 when the agent costs more than 1 % of CPU time per request, or more than 5 ms of CPU time at the start.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from leakdrill.agent.client import AgentClient
from leakdrill.agent.environment import agent_environment
from leakdrill.machine.ports import free_port
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CEILING = 1.01
START_CEILING_S = 0.005
CONNECTIONS = 8
SLOT_REQUESTS = 80
SERVICE = """
import ctypes, gc, json

async def app(scope, receive, send):
    if scope["type"] == "http":
        if scope["path"] == "/collect":
            gc.collect(), gc.collect(), ctypes.CDLL(None).malloc_trim(0)
        rows = [{"number": n, "text": str(n) * 4} for n in range(40)]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % BODY)]})
        await send({"type": "http.response.body", "body": json.dumps(rows).encode()[:BODY]})

BODY = 1000
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
COLLECT = REQUEST.replace(b"/ ", b"/collect ", 1)


class Service:
    """A running service and open connections to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = psutil.Process(process.pid)
        self.connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]

    def slot(self, requests: int) -> tuple[float, float]:
        """Send `requests`, `CONNECTIONS` at a time; CPU seconds and wall seconds of one request."""
        cpu, began = self.cpu_s(), time.perf_counter()
        rounds = requests // CONNECTIONS
        for _ in range(rounds):
            for connection in self.connections:
                connection.sendall(REQUEST)
            for connection in self.connections:
                hear(connection)
        sent = rounds * CONNECTIONS
        return (self.cpu_s() - cpu) / sent, (time.perf_counter() - began) / sent

    def collect(self) -> None:
        """Let the service collect by itself."""
        self.connections[0].sendall(COLLECT)
        hear(self.connections[0])

    def cpu_s(self) -> float:
        """CPU seconds of all its threads, from the scheduler, in nanoseconds rather than ticks."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def hear(connection: socket.socket) -> None:
    """Read one response of the service."""
    received = connection.recv(4096)
    while len(received.partition(b"\r\n\r\n")[2]) < 1000:  # noqa: PLR2004 - BODY of the service
        received += connection.recv(4096)


def main() -> int:
    """Run the pairs, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--starts", type=int, default=40)
    args = parser.parse_args()
    bare = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LEAKDRILL_AGENT")}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "service.py").write_text(SERVICE)
        with_agent = agent_environment(Path(folder) / "agent", bare)
        cpu_ratio = serve_pairs(args.pairs, args.rounds, Path(folder), bare, with_agent)
        start_s = start_cost(args.starts, bare, with_agent)
    return 0 if cpu_ratio <= CEILING and start_s <= START_CEILING_S else 1


def serve_pairs(pairs: int, rounds: int, folder: Path, bare: Mapping[str, str], with_agent: Mapping[str, str]) -> float:
    """The median ratio of CPU time per request, with the agent to without."""
    ratios: list[tuple[float, float]] = []
    quiet_s: list[float] = []
    print("pair  cpu us/request: without   with  ratio    requests/s: without     with  ratio")
    for pair in range(1, pairs + 1):
        with running(folder, bare) as plain, running(folder, with_agent) as watched:
            client = AgentClient(folder / "agent")
            client.quiet()
            for service in (plain, watched):
                service.collect()
            cpu, wall = compare(plain, watched, rounds)
            quiet_s.append(max(process.quiet_s for process in client.quiet().processes))
        ratios.append((cpu[1] / cpu[0], wall[0] / wall[1]))
        print(
            f"{pair:4} {cpu[0] * 1e6:24.1f} {cpu[1] * 1e6:6.1f} {ratios[-1][0]:6.3f} "
            f"{1 / wall[0]:22.1f} {1 / wall[1]:8.1f} {ratios[-1][1]:6.3f}",
            flush=True,
        )
    cpu_ratio, rate_ratio = (statistics.median(ratio[at] for ratio in ratios) for at in (0, 1))
    spread = sorted(ratio[0] for ratio in ratios)
    print(
        f"CPU time per request: median ratio {cpu_ratio:.4f} ({spread[0]:.3f} to {spread[-1]:.3f}), at most {CEILING}"
    )
    print(f"requests per second: median ratio {rate_ratio:.4f}")
    print(f"one quiescent point: {statistics.median(quiet_s) * 1000:.1f} ms")
    return cpu_ratio


def compare(plain: Service, watched: Service, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds and wall seconds of one request: the lower quartile of the slots of each, `plain` first."""
    taken: dict[Service, list[tuple[float, float]]] = {plain: [], watched: []}
    for service in (plain, watched):
        for _ in range(5):
            service.slot(SLOT_REQUESTS)
    for number in range(rounds):
        first, second = (plain, watched) if number % 2 else (watched, plain)
        for service in (first, second, second, first):
            taken[service].append(service.slot(SLOT_REQUESTS))
    cpu, wall = ([lower_quartile(s[at] for s in taken[who]) for who in (plain, watched)] for at in (0, 1))
    return cpu, wall


def lower_quartile(numbers: Iterable[float]) -> float:
    """Returns the number that a quarter of the numbers stay below."""
    return statistics.quantiles(numbers, n=4)[0]


@contextlib.contextmanager
def running(folder: Path, env: Mapping[str, str]) -> Iterator[Service]:
    """A service in `env`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port), "--lifespan=off"]
    quiet = [*command, "--no-access-log", "--log-level=error"]
    with subprocess.Popen(quiet, cwd=folder, env={**env, "PYTHONHASHSEED": "0"}) as process:
        try:
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
            wait_for(lambda: listens(port), what="the service", timeout_s=30)
            yield Service(process, port)
        finally:
            process.kill()


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_cost(starts: int, bare: Mapping[str, str], with_agent: Mapping[str, str]) -> float:
    """Median CPU seconds that the agent adds to the start of a Python that does nothing."""
    taken: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(starts):
        for agent in (False, True, True, False):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", "pass"], env=with_agent if agent else bare, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken[agent].append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    without, with_it = (statistics.median(taken[agent]) for agent in (False, True))
    print(
        f"start of Python: {without * 1000:.1f} ms of CPU time without, {with_it * 1000:.1f} with, "
        f"{(with_it - without) * 1000:.1f} more, at most {START_CEILING_S * 1000:.0f}"
    )
    return with_it - without


if __name__ == "__main__":
    sys.exit(main())
