"""Whether one and the same service was measured: its starts, its counters that only rise, and its limits."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, TARGET, Doubt
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span, down_spans, step_runs
from leakdrill.record.events import (
    CgroupResources,
    LoadRequests,
    Notice,
    PodResources,
    ProcessTree,
    ReplicaResources,
    ServiceMetrics,
    TargetExited,
    TargetLimits,
    TargetReady,
    TargetReplicas,
    TargetRestart,
    TargetScale,
    TargetStart,
)
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.readings import Numbers
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_REPLACED_WITHIN_S: Final = 10.0
"""Pods and containers come and go for so long around what is told of them."""
_LIMIT_WITHIN_S: Final = 3.0
_SAME: Final = 0.01
_TICK_S: Final = 0.5
_REPLACING: Final = frozenset(
    {"restart", "set_env", "set_limits", "scale", "autoscale", "delete_pod", "recreate", "kill", "prune"}
)
"""Actions after which other processes serve."""
_LIMITING: Final = frozenset({"set_limits", "recreate"})
_START_TIME: Final = "process_start_time_seconds"


def changing(history: History, scenario: Scenario) -> list[Span]:
    """The spans in which other processes may take the place of those before: starts, stops, ends, replicas."""
    spans = down_spans(history)
    spans += [
        Span(act.begin.t, (history.end_s if act.end is None else act.end.t) + _REPLACED_WITHIN_S)
        for act in history.acts(TargetScale)
    ]
    if not scenario.target.runs_here or history.of(TargetReplicas):
        told = [e.t for kind in (TargetReplicas, TargetReady, TargetExited) for e in history.of(kind)]
        replacing = [run for run in step_runs(history) if run.act.begin.action in _REPLACING]
        spans += [Span(t - _REPLACED_WITHIN_S, t + _REPLACED_WITHIN_S) for t in told]
        spans += [Span(run.start_s, run.end_s + _REPLACED_WITHIN_S) for run in replacing]
    return spans


def life_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Signs that another service was measured, or the same one anew, without a step that says so."""
    unsettled = changing(history, scenario)
    yield from _unasked_starts(history, scenario)
    yield from _start_times(history, unsettled)
    for name in ("cpu_seconds", "oom_kills", "periods", "throttled_periods", "throttled_seconds"):
        yield from _counts_anew(history, unsettled, name)
    yield from _falls(history, unsettled, ProcessTree, "ended_bytes", 0.0)
    yield from _tree_anew(history, unsettled)
    yield from _early_kills(history, scenario)
    yield from _load_anew(history)
    yield from _limits(history, scenario, unsettled)


def _unasked_starts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Restarts and starts that no step of the scenario asks for, and a service that is ready without a start."""
    asked = [run.span for run in step_runs(history) if run.act.begin.action in _REPLACING]
    setup = history.phase("setup")
    asked += [Span(*setup)] if setup else []
    for kind in (TargetRestart, TargetStart):
        for act in history.acts(kind):
            if not any(span.start_s <= act.begin.t <= span.end_s for span in asked):
                text = f"the target was started anew at {show_duration(act.begin.t)}, and no step asks for it"
                yield Doubt(text, (act.begin.index,), HOST_RESOURCES | {TARGET})
    if not (scenario.target.runs_here or scenario.target.kind == "docker"):
        return
    if history.acts(TargetStart) and not any(event.process is not None for event in history.of(TargetReady)):
        yield Doubt("the target was never ready", (), HOST_RESOURCES | {TARGET})
    exits = [Span(e.when, history.end_s) for e in history.of(TargetExited)]
    for event in history.of(TargetReady):
        if not any(span.start_s <= event.t <= span.end_s + 1 for span in (*asked, *exits)):
            text = f"another process was ready at {show_duration(event.t)}, and nothing had started it"
            yield Doubt(text, (event.index,), HOST_RESOURCES | {TARGET})


def _start_times(history: History, unsettled: list[Span]) -> Iterator[Doubt]:
    """Another start of the service by its own metrics, where one process answers for all."""
    processes = history.series(ProcessTree, "processes").values
    if history.of(ReplicaResources) or (len(processes) and processes.max() > 1):
        return
    read = [(e, e.values[_START_TIME]) for e in readings(history, ServiceMetrics) if _START_TIME in e.values]
    for (before, first), (after, second) in pairwise(read):
        between = Span(before.t - 1, after.t)
        if abs(first - second) > _TICK_S and not any(span.overlaps(between) for span in unsettled):
            text = f"by its own metrics the service was started anew before {show_duration(after.t)}"
            yield Doubt(text, (before.index, after.index), HOST_RESOURCES | {TARGET})
            return


def _counts_anew(history: History, unsettled: list[Span], name: str) -> Iterator[Doubt]:
    yield from _falls(history, unsettled, CgroupResources, name, 0.0)


def _tree_anew(history: History, unsettled: list[Span]) -> Iterator[Doubt]:
    """CPU time of the processes that falls, where it is always one process: what ends takes its time along."""
    processes = history.series(ProcessTree, "processes").values
    if len(processes) and processes.max() == processes.min() == 1:
        yield from _falls(history, unsettled, ProcessTree, "cpu_seconds", 0.02)


def _early_kills(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """OOM kills in a control group that was made for this run, before anything was measured in it."""
    kills = history.series(CgroupResources, "oom_kills")
    if scenario.target.kind == "process" and len(kills) and kills.values[0] > 0:
        text = f"{kills.values[0]:.0f} OOM kills were counted in the target before its first reading"
        yield Doubt(text, (kills.indices[0],), HOST_RESOURCES | {TARGET})


def _falls(
    history: History,
    unsettled: list[Span],
    event_class: type[CgroupResources | ProcessTree],
    name: str,
    least: float,
) -> Iterator[Doubt]:
    series = history.series(event_class, name)
    for place in np.flatnonzero(np.diff(series.values) < -least).tolist():
        between = Span(float(series.t[place]) - 1e-3, float(series.t[place + 1]))
        if not any(span.overlaps(between) for span in unsettled):
            text = (
                f"{event_class.source} {name} fell from {series.values[place]:g} to {series.values[place + 1]:g} at "
                f"{show_duration(between.end_s)}: a count of one service only rises"
            )
            yield Doubt(text, series.indices[place : place + 2], HOST_RESOURCES | {TARGET})
            return


def _load_anew(history: History) -> Iterator[Doubt]:
    baseline = history.phase("baseline")
    for name in ("requests", "failures"):
        rows = [(e, e.values[name]) for e in readings(history, LoadRequests) if name in e.values]
        for (before, first), (after, second) in pairwise(rows):
            if second < first and baseline is not None and after.t >= baseline[0]:
                text = f"the load's {name} fell from {first:g} to {second:g} at {show_duration(after.t)}"
                yield Doubt(text, (before.index, after.index), frozenset({"requests"}))
                return


def _limits(history: History, scenario: Scenario, unsettled: list[Span]) -> Iterator[Doubt]:
    """A memory limit other than the scenario says, or than the step that changed it."""
    about = frozenset({"memory", "alerts"})
    told = [e for e in history.of(TargetLimits) if e.memory_bytes is not None]
    steps = [run for run in step_runs(history) if run.act.begin.action in _LIMITING]
    for event in told:
        if not any(run.start_s <= event.t <= run.end_s for run in steps):
            text = f"the memory limit was set to {show_size(event.memory_bytes or 0)}, and no step asks for it"
            yield Doubt(text, (event.index,), about)
    yield from _asked_limits(history, scenario)
    read = readings(history, CgroupResources)
    limited = [e.values.get("limit_bytes") for e in read]
    for (before, first), (after, second) in pairwise(zip(read, limited, strict=True)):
        between = Span(before.t - 1e-3, after.t)
        allowed = [Span(e.t - _LIMIT_WITHIN_S, e.t + _LIMIT_WITHIN_S) for e in told] + unsettled
        if first != second and not any(span.overlaps(between) for span in allowed):
            text = f"the memory limit changed from {_size(first)} to {_size(second)} at {show_duration(after.t)}"
            yield Doubt(f"{text}, and no step asks for it", (before.index, after.index), about)
            break
    yield from _first_limit(scenario, limited, read)
    yield from _contained_limit(history, scenario, limited)
    yield from _not_arrived(told, read)


def _not_arrived(told: list[TargetLimits], read: list[Numbers]) -> Iterator[Doubt]:
    """A limit that was set, and that the control group did not have a while later."""
    for event in told:
        later = [one for one in read if one.t > event.t + _LIMIT_WITHIN_S and "limit_bytes" in one.values]
        limit = later[0].values["limit_bytes"] if later else None
        wanted = event.memory_bytes or 0.0
        if limit is not None and wanted and abs(limit - max(1, round(limit / wanted)) * wanted) > _SAME * limit:
            text = f"the memory limit was set to {show_size(wanted)}, and the control group has {show_size(limit)}"
            yield Doubt(text, (event.index, later[0].index), frozenset({"memory", "alerts"}))


def _size(limit: float | None) -> str:
    return "none" if limit is None else show_size(limit)


def _first_limit(scenario: Scenario, limited: list[float | None], read: list[Numbers]) -> Iterator[Doubt]:
    declared, first = scenario.target.limits.memory, next((limit for limit in limited if limit), None)
    if declared is None or first is None or not (scenario.target.runs_here or scenario.target.kind == "docker"):
        return
    times = max(1, round(first / declared))
    if abs(first - times * declared) > _SAME * first:
        text = f"the control group's memory limit is {show_size(first)}; the scenario says {show_size(declared)}"
        yield Doubt(text, (read[0].index,), frozenset({"memory", "alerts"}))


def _contained_limit(history: History, scenario: Scenario, limited: list[float | None]) -> Iterator[Doubt]:
    """No limit of a container or a pod that was made with one, or another one."""
    declared, about = scenario.target.limits.memory, frozenset({"memory", "alerts"})
    if declared is None or not is_sealed(history) or scenario.target.kind not in ("docker", "kubernetes"):
        return
    unset = any("memory limit" in notice.message for notice in history.of(Notice))
    if limited and not any(limited) and not unset:
        yield Doubt(f"the scenario limits memory to {show_size(declared)}, and no limit was read", (), about)
    pods = [event for event in history.of(PodResources) if event.limit_bytes]
    if pods and abs((pods[0].limit_bytes or 0.0) - declared) > _SAME * declared:
        text = f"the pod's memory limit is {_size(pods[0].limit_bytes)}; the scenario says {show_size(declared)}"
        yield Doubt(text, (pods[0].index,), about)


def _asked_limits(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """A limit that a step set otherwise than the scenario says."""
    wanted = {step.name: step.set_limits.memory for step in scenario.steps if step.set_limits is not None}
    wanted |= {step.name: step.recreate.memory for step in scenario.steps if step.recreate is not None}
    told = [e for e in history.of(TargetLimits) if e.memory_bytes is not None]
    for run in step_runs(history):
        limit = wanted.get(run.act.name)
        if limit is None:
            continue
        for event in told:
            if run.start_s <= event.t <= run.end_s and abs((event.memory_bytes or 0) - limit) > _SAME * limit:
                text = f"{run.act.name} set the memory limit to {_size(event.memory_bytes)}, not to {show_size(limit)}"
                yield Doubt(text, (event.index,), frozenset({"memory", "alerts"}))
