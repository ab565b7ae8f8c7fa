"""Records sample after sample, and has the gate's own statistics say whether the harness leaks.

The process that records is a run's: its session and journal, the recorder, the live view, the states of the alerts, the
exporter that Prometheus scrapes, the receiver of notifications, and names that never come again (pods, processes,
errors). What it holds is read after each portion, when garbage was collected and the heap trimmed, and judged as
`leakdrill gate` judges a service: a sample is a request.

    python benchmarks/soak.py [--samples 300000] [--budget 32] [--keep]

Exits 0 for CLEAN, 1 for LEAK, 2 for UNKNOWN. `--keep` holds on to every event, as the recorder once did: a LEAK.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import io
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx
import numpy as np
from rich.console import Console

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.webhook import Webhook
from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.trace import Trace
from leakdrill.meters.process import SmapsMeter
from leakdrill.record.events import (
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    KubernetesEvent,
    LoadErrors,
    LoadRequests,
    Notice,
    PodResources,
    ProcessMember,
    ProcessTree,
    PrometheusPoll,
    RuleError,
    ServiceMetrics,
    StepAct,
)
from leakdrill.record.seal import RUN_JSON, check_seal
from leakdrill.record.store import write_run_info
from leakdrill.reports.live import LiveView
from leakdrill.runs.drill.alert_states import AlertStates
from leakdrill.runs.session import RunSession
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.record.event_class import EventClass
    from leakdrill.record.history import Event
    from leakdrill.record.recorder import Recorder

PORTIONS: Final = 48
SCENARIO: Final = Scenario.model_validate(
    {"name": "soak", "target": {"name": "soak", "command": ["soak"]}, "load": {"locustfile": "locustfile.py"}}
)


class SoakRun:
    """The parts of a run that hear of every event or answer while it lasts.

    Args:
        runs: the folder of all runs.
        keep: whether every event is kept, as it once was.
    """

    def __init__(self, runs: Path, *, keep: bool) -> None:
        self.session = RunSession(runs, SCENARIO.name, notify=print, signals=nullcontext())
        self._keep = keep
        self._kept: list[Event] = []
        self._number = 0

    def __enter__(self) -> Self:
        recorder = self.session.__enter__().recorder
        write_run_info(self.session.folder, SCENARIO, Path("soak.yaml"), {})
        self.session.cover(RUN_JSON)
        recorder.subscribe(LiveView(SCENARIO, Console(file=io.StringIO(), force_terminal=True)).see)
        recorder.subscribe(AlertStates(SCENARIO).note)
        if self._keep:
            recorder.subscribe(self._kept.append)
        self._exporter = Exporter(recorder, labels={"container": "soak"}, mountpoint="/data")
        self._exporter.start()
        self._webhook = Webhook(recorder)
        self._webhook.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._webhook.stop()
        self._exporter.stop()
        self.session.__exit__(None, None, None)

    def record(self, samples: int) -> None:
        """Record so many samples, as a busy run would; scrape, and deliver a notification."""
        recorder = self.session.recorder
        for event in _events(self._number, samples):
            recorder.record(event)
        self._number += samples
        _act(recorder, self._number)
        httpx.get(f"http://{self._exporter.address}/metrics").raise_for_status()
        alert = {"status": "firing", "labels": {"alertname": "High"}, "startsAt": "2026-01-01T00:00:00Z"}
        httpx.post(f"{self._webhook.url}/pager", json={"alerts": [alert]}).raise_for_status()


def _events(first: int, count: int) -> Iterator[EventClass]:
    """A busy run's events; in every twentieth some name is new."""
    makers = (
        lambda n: CgroupResources(anon_bytes=6e7 + n % 9, usage_bytes=7e7, limit_bytes=4e8, requests=float(n)),
        lambda n: ProcessTree(rss_bytes=6e7, cpu_seconds=n / 10, threads=8.0, fds=60.0, processes=2.0),
        lambda n: FilesystemDisk(size_bytes=6e7, used_bytes=1e6 + n % 7, avail_bytes=5e7),
        lambda n: LoadRequests(requests=float(n), failures=0.0, p99_ms=12.5, rps=100.0),
        lambda _: PrometheusPoll(up=1.0, alerts_firing=1.0),
        lambda n: ServiceMetrics(others={f"metric_{m}": float(n) for m in range(10)}),
        lambda n: AlertTransition(("firing", "resolved")[n % 2], labels={"alertname": "High"}, at=float(n)),
    )
    new_names = (
        lambda n: PodResources(usage_bytes=1e6, pod=f"soak-{n:x}", others={"anon_bytes": 1e6}),
        lambda n: ProcessMember(n, 1, str(n), program="cc1", command=f"cc1 -o file{n}.o", phase=""),
        lambda n: LoadErrors(count=1.0, error=f"404 for /items/{n}", method="GET", request="/items"),
        lambda n: KubernetesEvent(message=f"BackOff: {n}", object=f"Pod/soak-{n}", count="1"),
        lambda n: RuleError(f"found duplicate series {n}", group="g", rule="r", file="f"),
        lambda n: Notice(f"remark {n}"),
        lambda n: AlertTransition("firing", labels={"alertname": "High", "pod": f"soak-{n}"}),
    )
    for number in range(first, first + count):
        if number % 20:
            yield makers[number % len(makers)](number)
        else:
            yield new_names[number // 20 % len(new_names)](number)


def _act(recorder: Recorder, number: int) -> None:
    with recorder.act(StepAct(f"step {number % 5}", action="gc")) as note:
        note.labels["status"] = "200"


def soak(samples: int, runs: Path, *, keep: bool = False) -> Trace:
    """Record `samples` in a run below `runs`; returns this process' memory after each portion."""
    meter, libc = SmapsMeter(lambda: ["self"]), ctypes.CDLL(None)  # type: ignore[arg-type,list-item]
    rows: list[tuple[float, float, float]] = []
    began = time.monotonic()
    with SoakRun(runs, keep=keep) as run:
        for portion in range(1, PORTIONS + 1):
            run.record(samples // PORTIONS)
            gc.collect()
            libc.malloc_trim(0)
            held = meter.read() or {}
            rows.append((time.monotonic() - began, float(portion * (samples // PORTIONS)), held["anon_bytes"]))
        folder = run.session.folder
    seal = check_seal(folder)
    if seal.fault or seal.lines < portion * (samples // PORTIONS):
        raise RuntimeError(f"the record lacks samples: {seal}")
    t, requests, anon = np.array(rows).T
    return Trace(name="the recording process", t=t, requests=requests, columns={"anon": anon}, quiet=True)


def judged(trace: Trace, budget: float) -> LeakVerdict:
    """The gate's own verdict, with so many bytes for each sample; nothing here is kept for a time on purpose."""
    return judge_trace(trace, budget_bytes_per_request=budget, longest_ttl_s=0.0)


def main() -> int:
    """Soak, judge, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=300_000)
    parser.add_argument("--budget", type=float, default=DEFAULT_BUDGET)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs:
        began = time.monotonic()
        trace = soak(given.samples, Path(runs), keep=given.keep)
        verdict = judged(trace, given.budget)
    print(f"{given.samples:,} samples in {time.monotonic() - began:.0f} s; {verdict.outcome}: {verdict.message}")
    return verdict.outcome.check_outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
