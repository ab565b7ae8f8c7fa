"""Whether what was read can be: finite, not negative, no more than there is, and the same fields all the time."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import ALERTS, HOST_RESOURCES, REQUESTS, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.service_count import COUNTERS
from leakdrill.record.event_class import Reading
from leakdrill.record.events import (
    EVENTS,
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    GpuDevices,
    LoadRequests,
    MachineCpu,
    MachineFigures,
    NetworkInterfaces,
    Notice,
    Notification,
    PodResources,
    ProcessDetails,
    ProcessSmaps,
    ProcessTree,
    PrometheusPoll,
    ReplicaRequestCounts,
    ReplicaResources,
    SelectorMatches,
    ServiceMetrics,
    TorchAllocator,
)
from leakdrill.resources import LEAST_MEMORY, held_by
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.event import Event
    from leakdrill.record.event_class import EventClass
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

ABOUT: Final[Mapping[type[EventClass], frozenset[str]]] = {
    CgroupResources: HOST_RESOURCES,
    ProcessTree: HOST_RESOURCES,
    ProcessSmaps: HOST_RESOURCES,
    PodResources: HOST_RESOURCES,
    ReplicaResources: HOST_RESOURCES,
    FilesystemDisk: frozenset({"disk"}),
    TorchAllocator: frozenset(held_by("torch")),
    GpuDevices: frozenset(held_by("gpu")),
    LoadRequests: frozenset({REQUESTS}),
    ReplicaRequestCounts: frozenset({REQUESTS}),
    PrometheusPoll: frozenset({ALERTS}),
    SelectorMatches: frozenset({ALERTS}),
    ServiceMetrics: HOST_RESOURCES | {REQUESTS},
}
"""What is judged by each reading."""

_MOST: Final = (
    ("bytes", 2.0**50),
    ("seconds", 1e9),
    ("", 1e15),
)
_SAME_FIELDS: Final = (
    *(CgroupResources, ProcessTree, ProcessSmaps, FilesystemDisk, LoadRequests, PrometheusPoll),
    *(PodResources, ReplicaResources),
)
_STEADY: Final = frozenset(
    [
        "requests",
        "usage_bytes",
        "working_set_bytes",
        "anon_bytes",
        "cache_bytes",
        "oom_kills",
        "cpu_seconds",
        "periods",
        "throttled_periods",
        "throttled_seconds",
        "rss_bytes",
        "threads",
        "fds",
        "processes",
        "ended_bytes",
        "ended_age_s",
        "pss_bytes",
        "uss_bytes",
        "size_bytes",
        "used_bytes",
        "free_bytes",
        "avail_bytes",
        "failures",
        "rps",
        "fail_per_s",
        "users",
        "workers",
        "up",
        "alerts_firing",
        "alerts_pending",
        "rules_failing",
    ]
)
"""The fields that a meter which has them always has."""
_CHARGED_AHEAD: Final = 4 * 1024**2
"""The kernel charges memory in advance, for each processor."""
_ROUNDED: Final = 1.02
_PARTS_OF_WHOLES: Final[tuple[tuple[type[Reading], str, str, float], ...]] = (
    (CgroupResources, "usage_bytes", "limit_bytes", _CHARGED_AHEAD),
    (CgroupResources, "anon_bytes", "limit_bytes", _CHARGED_AHEAD),
    (CgroupResources, "anon_bytes", "usage_bytes", _CHARGED_AHEAD),
    (CgroupResources, "working_set_bytes", "usage_bytes", 0),
    (CgroupResources, "anon_bytes", "memory_bytes", _CHARGED_AHEAD),
    (CgroupResources, "throttled_periods", "periods", 1),
    (ProcessSmaps, "uss_bytes", "pss_bytes", 0),
    (FilesystemDisk, "used_bytes", "size_bytes", 0),
    (FilesystemDisk, "avail_bytes", "free_bytes", 0),
    (LoadRequests, "failures", "requests", 0),
    (LoadRequests, "p50_ms", "p95_ms", 0),
    (LoadRequests, "p50_ms", "p99_ms", 0),
    (LoadRequests, "p95_ms", "p99_ms", 0),
    (ProcessTree, "processes", "threads", 0),
)
"""What is part of what, and how much more the part may seem."""
_OF_A_REPLICA: Final = frozenset({"usage_bytes", "working_set_bytes", "anon_bytes"})
_ALWAYS: Final[Mapping[type[Reading], frozenset[str]]] = {
    PodResources: _OF_A_REPLICA,
    ReplicaResources: _OF_A_REPLICA,
    CgroupResources: frozenset({"usage_bytes", "anon_bytes"}),
    ProcessTree: frozenset({"rss_bytes", "cpu_seconds", "threads", "fds", "processes"}),
    ProcessSmaps: frozenset({"pss_bytes", "uss_bytes", "anon_bytes"}),
    FilesystemDisk: frozenset({"used_bytes"}),
    LoadRequests: frozenset({"requests", "failures", "rps", "fail_per_s", "users", "workers"}),
    PrometheusPoll: frozenset({"up", "alerts_firing", "alerts_pending", "rules_failing"}),
}
_ENDED: Final = frozenset({"ended_bytes", "ended_age_s"})
"""What the processes of a sealed record always have; meters of before did not read it."""
_IN_GROUPS: Final[tuple[type[Reading], ...]] = (CgroupResources, PodResources, ReplicaResources)
_NEVER_NONE: Final[tuple[tuple[type[Reading], str], ...]] = (
    *((ProcessTree, name) for name in ("processes", "threads", "rss_bytes", "fds")),
    *((ProcessSmaps, name) for name in ("pss_bytes", "uss_bytes", "anon_bytes")),
    *((meter, name) for meter in _IN_GROUPS for name in ("usage_bytes", "anon_bytes", "limit_bytes")),
)
"""What a service that runs has at least one of."""
_AT_THEIR_START: Final[Mapping[type[Reading], int]] = {PodResources: 1, ReplicaResources: 1}
"""How many readings may come before the first process of one that is new."""
_UNDER_LOAD: Final = frozenset({"baseline", "load", "mitigate", "recover"})
_NOT_ENFORCED: Final = "is watched, not enforced"
"""What the sandbox says of a limit that this machine does not set."""
_WORDS: Final[Mapping[type[EventClass], frozenset[str]]] = {
    AlertTransition: frozenset({"pending", "firing", "resolved", "inactive"}),
    Notification: frozenset({"firing", "resolved"}),
}
_SIGNED: Final = ("ahead_s", "late_s", "status")
"""How the names of numbers end that may be negative."""
_SAME_EVERYWHERE: Final = frozenset(
    [
        *COUNTERS,
        "requests",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
    ]
)
"""What a page of metrics counts under names that clients of Prometheus share: never less than nothing."""
_OF_ANY_SIZE: Final[tuple[type[Reading], ...]] = (MachineCpu, MachineFigures, NetworkInterfaces, ProcessDetails)
"""Counts since boot, moments in Unix time, and limits that are the largest number: only a negative one cannot be."""
_CLASSES: Final = {(event.source, event.event_name): event for event in EVENTS if not event.is_act}


def value_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Readings that no meter can have given."""
    yield from impossible_numbers(history)
    for event_class in _SAME_FIELDS:
        yield from _lost_fields(history, scenario, event_class)
    yield from _beyond_whole(history, scenario)
    yield from _no_process(history, scenario)
    yield from _requests_of_nobody(history)
    for poll in history.of(PrometheusPoll):
        if poll.up not in (None, 0.0, 1.0):
            yield Doubt(f"Prometheus cannot be up {poll.up:g} times", (poll.index,), frozenset({ALERTS}))
            break
    for words, known in _WORDS.items():
        for event in history.of(words):
            if event.line_value() not in known:
                yield Doubt(
                    f"nobody knows the {words.event_name} `{event.line_value()}`", (event.index,), frozenset({ALERTS})
                )


def impossible_numbers(history: History) -> Iterator[Doubt]:
    """The first impossible value of each source and name."""
    told = set()
    for event in history.events:
        key = (event.source, event.name)
        event_class = _CLASSES.get(key)
        reason = "" if key in told else _reason(event, event_class)
        if reason:
            told.add(key)
            about = frozenset[str]() if event_class is None else ABOUT.get(event_class, frozenset())
            text = f"{event.source} {event.name} at {show_duration(event.t)} says what cannot be: {reason}"
            yield Doubt(text, (event.index,), about)


def _reason(event: Event, event_class: type[EventClass] | None) -> str:
    numbers = event.value if isinstance(event.value, dict) else {"value": event.value}
    for name, number in numbers.items():
        if isinstance(number, float | int) and not math.isfinite(number):
            return f"{name} is {number}"
    if event_class is None or event.kind != "sample":
        return ""
    if event_class is SelectorMatches:
        return "" if event.value is None else _beyond("the number of series", event.value)
    if not isinstance(event.value, dict):
        silent = event.value is None and event.labels.get("error")
        return "" if silent or not issubclass(event_class, Reading) else "there are no numbers, and no reason"
    told = ((name, number) for name, number in event.value.items() if not name.endswith(_SIGNED))
    if event_class is ServiceMetrics:  # its gauges are its own; these names mean the same everywhere
        told = ((name, number) for name, number in told if name.partition("{")[0] in _SAME_EVERYWHERE)
    any_size = event_class in _OF_ANY_SIZE
    return next((text for name, number in told if (text := _beyond(name, number, any_size=any_size))), "")


def _beyond(name: str, number: object, *, any_size: bool = False) -> str:
    if not isinstance(number, int | float):
        return f"{name} is no number: {number}"
    most = math.inf if any_size else next(most for ending, most in _MOST if name.endswith(ending))
    return f"{name} is {number:g}" if not 0 <= number <= most else ""


def _lost_fields(history: History, scenario: Scenario, event_class: type[Reading]) -> Iterator[Doubt]:
    """Fields that a meter always has or mostly had, and that it lacks, although the target was the same."""
    unsettled = changing(history, scenario)
    read = [e for e in readings(history, event_class) if not any(s.start_s <= e.t <= s.end_s for s in unsettled)]
    counts = Counter(name for event in read for name in event.values if name in _STEADY)
    wanted = set(counts) | _always(history, scenario, event_class)
    wanted |= {"p99_ms"} if event_class is LoadRequests else set()
    for name in sorted(wanted):
        lacking = [event for event in read if name not in event.values]
        if name == "limit_bytes" and len(lacking) < len(read):
            continue  # a limit that comes or goes is told of by itself
        if name == "p99_ms":
            lacking = [event for event in lacking if event.values.get("rps")]
        if lacking:
            meter = f"{event_class.source}/{event_class.event_name}"
            text = f"{meter} lacks {name} in {len(lacking)} of {len(read)} readings"
            yield Doubt(f"{text}, at first at {show_duration(lacking[0].t)}", (lacking[0].index,), ABOUT[event_class])


def _always(history: History, scenario: Scenario, event_class: type[Reading]) -> frozenset[str]:
    """The fields that each reading of a meter has; of a control group those that every kernel knows."""
    if event_class is ProcessTree and is_sealed(history):
        return _ALWAYS[ProcessTree] | _ENDED
    if event_class is not CgroupResources:
        return _ALWAYS.get(event_class, frozenset())
    if scenario.target.kind != "process":
        return frozenset()
    limits, notices = scenario.target.limits, [notice.message for notice in history.of(Notice)]
    watched = {text.partition(" limit ")[0] for text in notices if _NOT_ENFORCED in text}
    known = {"memory_bytes", "oom_kills"} if is_sealed(history) else set[str]()
    asked = known | {
        field
        for field, name, limit in (("limit_bytes", "memory", limits.memory), ("cpu_seconds", "cpu", limits.cpus))
        if limit is not None and name not in watched
    }
    return _ALWAYS[CgroupResources] | asked


def _beyond_whole(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """The first reading of each kind of which a part is more than the whole.

    A meter reads one after the other, and on a busy machine much may be freed in between: so the part is compared with
    the most that the whole was in this reading and those beside it.
    """
    unsettled = changing(history, scenario)
    for event_class, part, whole, more in _PARTS_OF_WHOLES:
        taken = readings(history, event_class)
        for place, event in enumerate(taken):
            values = event.values
            if part not in values or whole not in values:
                continue
            most = max(near.values.get(whole, 0.0) for near in taken[max(place - 1, 0) : place + 2])
            if values[part] <= _ROUNDED * most + more:
                continue
            if any(span.start_s <= event.t <= span.end_s for span in unsettled):
                continue
            text = f"{part} is {values[part]:g} and {whole} {values[whole]:g}"
            meter = f"{event_class.source} {event_class.event_name}"
            yield Doubt(f"{meter} at {show_duration(event.t)} cannot be: {text}", (event.index,), ABOUT[event_class])
            break


def _requests_of_nobody(history: History) -> Iterator[Doubt]:
    """Requests that Locust counted second after second without a user who sends them."""
    reports = [event for event in history.of(LoadRequests) if event.run_phase in _UNDER_LOAD]
    for before, event in pairwise(reports):
        if all(one.users == 0 and (one.rps or 0.0) > 0 for one in (before, event)):
            text = f"Locust counted {event.rps:.0f} requests in the second before {show_duration(event.t)}, of no user"
            yield Doubt(text, (event.index,), frozenset({REQUESTS}))
            return


def _no_process(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Readings of a service that serves and has no process, or no memory."""
    unsettled = changing(history, scenario)
    for event_class, name in _NEVER_NONE:
        if name == "limit_bytes" and scenario.target.limits.memory is None:
            continue  # some tell of no limit as 0
        series = history.series(event_class, name)
        least = LEAST_MEMORY if name.endswith("_bytes") else 1
        zeros = np.flatnonzero(series.values < least).tolist()
        for place in zeros if len(zeros) > _AT_THEIR_START.get(event_class, 0) else []:
            t = float(series.t[place])
            if not any(span.start_s <= t <= span.end_s for span in unsettled):
                meter = f"{event_class.source} {event_class.event_name}"
                text = f"{meter} read {name} {series.values[place]:.0f} at {show_duration(t)} of a service that ran"
                yield Doubt(text, (series.indices[place],), HOST_RESOURCES)
                break
