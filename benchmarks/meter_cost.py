"""Measures what it costs to read a target as a drill does, and many of them.

One target: a service that holds 200 MiB, 8 threads and 60 files, in a cgroup where the machine allows, is sampled with
every meter that a drill uses, ten times a second, into a record on disk: at most 2 % of one core. Beside it stands what
the kernel takes for PSS alone: it visits each page of the service, and no reader can do without.

Many targets: 200 processes are read once a second, and 10 ten times a second, each with all its meters but a metrics
page: at most one core, and every reading must be there. CPU time is that of this whole process, which does nothing
else.

    python benchmarks/meter_cost.py [--seconds 20] [--rate 10]

Exits 1 when a cost is above its limit, or readings are missing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from meter_fleet import running

from leakdrill.meters.machine import MachineMeter
from leakdrill.meters.machine_figures import MachineFiguresMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import ServiceMetrics
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.process.target import LocalProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.meters.meter import Meter

MOST: Final = 0.02
"""Share of one core, as the issue of the first drill demands."""
MANY: Final = ((200, 1.0), (10, 10.0))
"""How many targets, and how many readings of each a second."""
MOST_OF_MANY: Final = 1.0
LEAST_READ: Final = 0.98
HELD_MIB: Final = 8

SERVICE: Final = """
import http.server, os, sys, threading
held = [os.urandom(1 << 20) for _ in range(200)]
files = [open(os.devnull) for _ in range(55)]
for _ in range(7):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
page = "".join(f'requests_total{{path="/{n}",status="200"}} {n}\\n' for n in range(60)).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(page)
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def cost(meters: Sequence[Meter], recorder: Recorder, *, seconds: float, rate_hz: float) -> float:
    """CPU seconds of this process per second of sampling."""
    sampler = Sampler(meters, recorder, rate_hz=rate_hz, requests=lambda: 0.0)
    sampler.start()
    time.sleep(1.0)  # imports and first opens are not the rhythm
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(seconds)
    used = (time.process_time() - cpu) / (time.monotonic() - wall)
    sampler.stop()
    return used


class Nothing:
    """A meter that reads nothing: what is left is the loop and the record."""

    event = ServiceMetrics
    every = 1

    def read(self) -> dict[str, float]:
        """Returns one number."""
        return {"nothing": 0.0}


def main() -> int:
    """Measure, print a table, and say by the exit status whether each cost is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(Path(folder), seconds=options.seconds, rate_hz=options.rate)
        print(f"an empty loop           {costs.empty:8.3%} of one core")
        print(f"PSS, the kernel alone   {costs.kernel:8.3%} of one core")
        print(f"all meters at {options.rate:4.0f} Hz   {costs.full:8.3%} of one core; at most {MOST:.0%}")
        enough = [many(Path(folder), count, rate, seconds=options.seconds) for count, rate in MANY]
    return 0 if costs.full <= MOST and all(enough) else 1


def many(folder: Path, count: int, rate_hz: float, *, seconds: float) -> bool:
    """Print what it costs to read `count` targets, and return whether one core did it, and all of it."""
    recorder = Recorder(folder / f"many-{count}.jsonl")
    with running(count, mib=HELD_MIB, folder=folder) as services:
        meters = [meter for service in services for meter in service.meters()]
        often = [meter for meter in meters if meter.every == 1]
        seldom = [meter for meter in meters if meter.every > 1]
        samplers = [
            Sampler(often, recorder, rate_hz=rate_hz, requests=lambda: 0.0),
            Sampler([*seldom, MachineFiguresMeter()], recorder, requests=lambda: 0.0),
        ]
        started = [sampler.start() for sampler in samplers] and time.monotonic()
        cpu, wall = time.process_time(), time.monotonic()
        time.sleep(seconds)
        used = (time.process_time() - cpu) / (time.monotonic() - wall)
        for sampler in samplers:
            sampler.stop()
        lasted_s = time.monotonic() - started
    recorder.close()
    read = recorder.history()
    due = len(often) * rate_hz + len(seldom)
    lines = sum(1 for event in read if event.source in ("process", "cgroup", "network") and event.value)
    share = lines / (due * lasted_s)
    groups = "in control groups" if services[0].cgroup else "without control groups"
    print(
        f"{count:4} targets at {rate_hz:2.0f} Hz     {used:8.3%} of one core; at most {MOST_OF_MANY:.0%}; "
        f"{share:.1%} of {due:.0f} readings a second, {groups}"
    )
    return used <= MOST_OF_MANY and share >= LEAST_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Shares of one core: of an empty loop, of all meters, and of the kernel's part of reading PSS once a second."""

    empty: float
    kernel: float
    full: float


def pss_alone(pids: Sequence[int], *, seconds: float) -> float:
    """The share of one core that it takes to have the kernel tell PSS once a second, and throw it away."""
    used = 0.0
    for _ in range(max(1, round(seconds))):
        time.sleep(1.0)
        cpu = time.process_time()
        for pid in pids:
            Path(f"/proc/{pid}/smaps_rollup").read_bytes()
        used += time.process_time() - cpu
    return used / max(1, round(seconds))


def measure(folder: Path, *, seconds: float, rate_hz: float) -> Costs:
    """What it costs to read one target."""
    (folder / "service.py").write_text(SERVICE)
    recorder, journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
    spec = ProcessTarget.model_validate(
        {
            "name": "meter-cost",
            "command": ["{python}", "{scenario_dir}/service.py", "{port}"],
            "metrics": "/metrics",
            "limits": {"memory": "1GiB", "cpus": 1, "disk": "32MiB"},
        }
    )
    target = LocalProcess(
        spec,
        scenario_dir=folder,
        run_dir=folder,
        run_id=f"meter-cost-{time.time_ns()}",
        recorder=recorder,
        journal=journal,
        token="",
    )
    try:
        target.start()
        print("\n".join(target.notices()), end="")
        show(target.meters())
        empty = cost([Nothing()], recorder, seconds=seconds / 4, rate_hz=rate_hz)
        kernel = pss_alone(target.pids(), seconds=seconds / 4)
        full = cost([*target.meters(), MachineMeter()], recorder, seconds=seconds, rate_hz=rate_hz)
        return Costs(empty=empty, kernel=kernel, full=full)
    finally:
        target.stop()
        recorder.close()
        journal.close()


def show(meters: Sequence[Meter]) -> None:
    """Print the cost of one reading of each meter, in microseconds of CPU time."""
    for meter in meters:
        meter.read()
        start = time.process_time()
        for _ in range(50):
            meter.read()
        each_us = (time.process_time() - start) / 50 * 1e6
        name = f"{meter.event.source} {meter.event.event_name}"
        print(f"{name:22} {each_us:8.0f} us a reading, every {meter.every} ticks")


if __name__ == "__main__":
    sys.exit(main())
