"""Literal records for the checks: one whole drill that passes, and what it takes to spoil it.

    0 setup 2 warmup 5 baseline 15 load 55 mitigate 56 recover 71 teardown 72     (seconds)

A hundred requests a second; from 15 s on each leaves 64 KiB behind on a service that needs 60 MiB; the alert goes
pending at 30 s and fires at 35 s; a step from 55.2 s to 55.7 s clears everything; the alert clears at 58 s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leakdrill.record.event import Event
from leakdrill.record.events import (
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    LeakSwitchOff,
    LeakSwitchOn,
    LoadRequests,
    Notification,
    ProcessSmaps,
    ProcessTree,
    PrometheusPoll,
    RunPhase,
    StepAct,
    TargetReady,
    TargetStart,
)
from leakdrill.record.history import History
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Kind
    from leakdrill.record.event_class import ActEvent, Sample

MIB = 1024**2
PHASES = {
    "setup": (0, 2),
    "warmup": (2, 5),
    "baseline": (5, 15),
    "load": (15, 55),
    "mitigate": (55, 56),
    "recover": (56, 71),
    "teardown": (71, 72),
}
ALERT = {"alertname": "HighMemoryUsage", "severity": "warning"}
PER_REQUEST = 64 * 1024


def requests_at(t: float) -> float:
    """Requests completed by `t`: 100 a second from the warm-up on."""
    return max(0.0, (t - 2) * 100)


def leaking(t: float) -> float:
    """Memory of the whole drill: the leak from 15 s until the step clears it."""
    return 60 * MIB + (PER_REQUEST * 100 * (t - 15) if 15 <= t < 55.5 else 0)


def flat(_t: float) -> float:
    """Memory of the healthy twin."""
    return 60.0 * MIB


class Record:
    """Events under construction; `history()` puts them in order of time and numbers them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._acts = 0

    def sample(self, t: float, event: Sample) -> Record:
        """Add what was read or noticed at `t`."""
        self.events.append(replace(event, t=t, run_phase="load").to_event())
        return self

    def line(self, t: float, source: str, name: str, value: Any, /, **labels: str) -> Record:
        """Add a line of another program, or of an old version, whatever its shape."""
        self.events.append(
            Event(index=0, t=t, phase="load", source=source, kind="sample", name=name, value=value, labels=labels)
        )
        return self

    def act(self, act: ActEvent, start: float, end: float | None, outcome: Kind = "ok", *, error: str = "") -> Record:
        """Add what was done from `start` to `end`."""
        self._acts += 1
        begin = replace(act, t=start, kind="begin", run_phase="load", act=str(self._acts))
        self.events.append(begin.to_event())
        if end is not None:
            self.events.append(replace(begin, t=end, kind=outcome, error=error).to_event())
        return self

    def alert(self, t: float, state: str, /, *, at: float | None = None, **labels: str) -> Record:
        """Add a transition of the alert."""
        return self.sample(t, AlertTransition(state, labels=ALERT | labels, at=at))

    def drop(self, source: str, name: str | None = None, *, after: float = -1, until: float = 1e9) -> Record:
        """Forget what `source` said between the two times."""
        self.events = [
            e for e in self.events if e.source != source or name not in (None, e.name) or not after <= e.t <= until
        ]
        return self

    def cut(self, t: float) -> Record:
        """The record of a drill that broke off at `t`."""
        self.events = [e for e in self.events if e.t <= t]
        return self

    def change(self, source: str, name: str, new: Callable[[Event], Any]) -> Record:
        """Give every reading `name` of `source` the value that `new` says."""
        self.events = [
            replace(e, value=new(e)) if e.source == source and e.name == name and e.kind == "sample" else e
            for e in self.events
        ]
        return self

    def history(self) -> History:
        ordered = sorted(self.events, key=lambda e: e.t)
        return History([replace(e, index=i, phase=_phase_at(e.t)) for i, e in enumerate(ordered)])


def _phase_at(t: float) -> str:
    return next((name for name, (start, end) in PHASES.items() if start <= t < end), "teardown")


def complete(record: Record) -> Record:
    """`record` with the other meters of a process beside its control group, and Prometheus' counts of alerts."""
    for event in [e for e in record.events if e.source == "cgroup"]:
        values = dict(event.value) if isinstance(event.value, dict) else {}
        anon, requests = values["anon_bytes"], values["requests"]
        record.sample(event.t, _tree(anon, requests))
        if round(event.t * 10) % 10 == 0:
            smaps = ProcessSmaps(pss_bytes=anon + MIB, uss_bytes=anon, anon_bytes=anon, requests=requests)
            record.sample(event.t, smaps)
        if round(event.t * 10) % 5 == 0 and not any(e.source == "filesystem" for e in record.events[:9]):
            record.sample(event.t, FilesystemDisk(used_bytes=1.0 * MIB, requests=requests))
    return record.change("prometheus", "poll", lambda poll: _counts(record.events, poll.t))


def _tree(anon: float, requests: float) -> ProcessTree:
    return ProcessTree(
        rss_bytes=anon + 10 * MIB,
        cpu_seconds=requests / 1000,
        threads=4.0,
        fds=20.0,
        processes=1.0,
        ended_bytes=0.0,
        ended_age_s=0.0,
        requests=requests,
    )


def _counts(events: list[Event], t: float) -> dict[str, float]:
    states = {str(e.labels): e.value for e in sorted(events, key=lambda e: e.t) if e.name == "alert" and e.t <= t}
    counted = list(states.values())
    return {
        "up": 1.0,
        "alerts_firing": float(counted.count("firing")),
        "alerts_pending": float(counted.count("pending")),
        "rules_failing": 0.0,
    }


def meters(record: Record, memory: Callable[[float], float], *, disk: Callable[[float], float] | None = None) -> Record:
    """Readings ten times a second, Locust's report every second, Prometheus polled four times a second."""
    for t in np.arange(2, 71.001, 0.1).round(4).tolist():
        record.sample(
            t,
            CgroupResources(
                anon_bytes=memory(t),
                usage_bytes=memory(t) + 5 * MIB,
                limit_bytes=400.0 * MIB,
                oom_kills=0.0,
                cpu_seconds=requests_at(t) / 1000,
                requests=requests_at(t),
            ),
        )
        if disk is not None:
            used = disk(t)
            record.sample(
                t,
                FilesystemDisk(
                    size_bytes=64.0 * MIB, used_bytes=used, avail_bytes=64.0 * MIB - used, requests=requests_at(t)
                ),
            )
    for t in range(2, 72):
        record.sample(t, _report(t))
    for t in np.arange(2, 71.001, 0.25).tolist():
        record.sample(t, PrometheusPoll(up=1.0))
    return record


def _report(t: float) -> LoadRequests:
    return LoadRequests(
        requests=requests_at(t), failures=0.0, p99_ms=12.0, rps=100.0, fail_per_s=0.0, users=8.0, workers=1.0
    )


def phases(record: Record) -> Record:
    for name, (start, end) in PHASES.items():
        record.act(RunPhase(phase=name), start, end)
    record.act(TargetStart(), 0.5, 1.5)
    return record.sample(1.5, TargetReady(process=4121.0))


def drill(memory: Callable[[float], float] = leaking, *, disk: Callable[[float], float] | None = None) -> Record:
    """A whole drill in which everything went as it should, with `memory` as its memory."""
    record = meters(phases(Record()), memory, disk=disk)
    record.act(LeakSwitchOn(leak="cache"), 15.01, 15.05).act(LeakSwitchOff(leak="cache"), 56.01, 56.05)
    record.act(StepAct("clear the cache", action="http"), 55.2, 55.7)
    record.alert(30.2, "pending", at=30).alert(35.2, "firing", at=35).alert(58.2, "resolved", at=58)
    record.sample(37, Notification("firing", at=35, receiver="pager", labels=ALERT))
    return record


def twin(memory: Callable[[float], float] = flat) -> Record:
    """The healthy twin's drill: load and no leak."""
    return meters(phases(Record()), memory)


def plan(**changes: Any) -> Scenario:
    """The scenario of `drill`; `changes` replace top-level keys, as a YAML file would give them."""
    return Scenario.model_validate(
        {
            "name": "gateway/unbounded-cache",
            "target": {"name": "gateway", "command": ["gateway"], "limits": {"memory": "400MiB"}},
            "leaks": [{"name": "cache", "per_request": "64KiB"}],
            "load": {"locustfile": "locustfile.py"},
            "alerts": {
                "rules": ["rules.yml"],
                "expect": [{"alert": "HighMemoryUsage", "fires_within": "30s", "receiver": "pager"}],
            },
            "steps": [{"name": "clear the cache", "http": {"path": "/admin/clear-cache"}}],
        }
        | changes
    )


def twin_plan(**changes: Any) -> Scenario:
    """The scenario of `twin`."""
    return plan(leaks=[], steps=[], alerts={"rules": ["rules.yml"]}, phases={"load": "40s"}, **changes)
