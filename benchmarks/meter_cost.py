"""Measures the cost of ten readings a second of one target: at most 2 % of one core.

Starts a service that holds 200 MiB, 8 threads and 60 files, in a cgroup where the machine allows, and samples it with
every meter that a drill uses, into a record on disk. CPU time is that of this whole process, which does nothing else.

    python benchmarks/meter_cost.py [--seconds 20] [--rate 10]

Exits 1 when the cost is above the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
    """Measure, print a table, and say by the exit status whether the cost is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, full = measure(Path(folder), seconds=options.seconds, rate_hz=options.rate)
    print(f"an empty loop           {empty:8.3%} of one core")
    print(f"all meters at {options.rate:4.0f} Hz   {full:8.3%} of one core; at most {MOST:.0%}")
    return 0 if full <= MOST else 1


def measure(folder: Path, *, seconds: float, rate_hz: float) -> tuple[float, float]:
    """The cost of an empty loop and of all meters, each as a share of one core."""
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
        return empty, cost(target.meters(), recorder, seconds=seconds, rate_hz=rate_hz)
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
