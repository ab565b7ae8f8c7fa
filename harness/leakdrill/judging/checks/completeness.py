"""Whether the record holds what the other checks rely on. Missing data is never a PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.alert_states import alertmanager_silences, unanswered
from leakdrill.judging.evidence.check import always
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, down_spans, gaps, outside, step_runs, watched_until_s
from leakdrill.record.events import (
    METERS,
    AlertmanagerExited,
    KubeletScrape,
    LoadExited,
    LoadRequests,
    PrometheusExited,
    RunPhase,
    ServiceMetrics,
    TorchAllocator,
    WorkerLost,
)
from leakdrill.scenario.kubernetes import KUBELET
from leakdrill.units import show_code, show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_ANSWERED_BY_THE_SERVICE: Final = frozenset({ServiceMetrics, TorchAllocator})
"""Meters that are silent while the service does nothing but what a step asked of it, such as a collection."""

_SHORTEST_GAP_S: Final = 1.0
_SHORTEST_STANDSTILL_S: Final = 2.0
_INTERVALS: Final = 10
_INTERVALS_OF_METRICS: Final = 5  # they are read once a second
_PARTS: Final[Mapping[str, type[PrometheusExited | AlertmanagerExited | LoadExited]]] = {
    "Prometheus": PrometheusExited,
    "Alertmanager": AlertmanagerExited,
    "Locust": LoadExited,
}


def measurements_are_complete(history: History, *, scenario: Scenario) -> Verdict:
    """Whether every phase was reached and every source answered throughout, the target's restarts aside.

    A meter may be silent for one second, or ten of its own intervals (the service's own metrics: five); Prometheus for
    one second or three evaluations.
    What the service itself answers may be silent while a step is carried out, besides.
    """
    claim = Claim("measurements_are_complete")
    problems = [
        *_standstills(history),
        *_phase_problems(history, scenario),
        *_part_problems(history),
        *_meter_problems(history),
        *_prometheus_problems(history, scenario),
    ]
    samples = sum(event.kind == "sample" for event in history)
    numbers = {"problems": len(problems), "samples": samples, "watched_s": watched_until_s(history)}
    if not problems:
        return claim.holds(
            f"every phase was reached and every source answered: {show_count(samples, 'sample')} in "
            f"{show_duration(watched_until_s(history))}",
            numbers=numbers,
        )
    summary = "; ".join(text for text, _ in problems[:4])
    more = f"; and {len(problems) - 4} more" if len(problems) > 4 else ""  # noqa: PLR2004 - as many as are told
    return claim.unknown(
        summary + more,
        numbers=numbers,
        events=[index for _, indices in problems for index in indices],
        hint="what rests on the missing part is UNKNOWN too; read the logs in the run folder, then run the drill again",
    )


_Problem = tuple[str, list[int]]


def _standstills(history: History) -> list[_Problem]:
    """The times in which nothing at all was recorded: a stopped drill does not stop its load and its service."""
    span = _watched(history)
    if span is None:
        return []
    at = sorted(event.t for event in history)
    longest_s = max(_SHORTEST_STANDSTILL_S, _INTERVALS * float(np.median(np.diff(at))))
    return [
        (f"the drill itself stood still for {_from(gap)}, while its load and its service went on", list[int]())
        for gap in gaps(at, span, longest_s=longest_s)
    ]


def _phase_problems(history: History, scenario: Scenario) -> list[_Problem]:
    wanted = ["baseline", "load", *(["mitigate"] if scenario.steps else []), "recover"]
    begun = {act.begin.phase: act for act in history.acts(RunPhase)}
    missing = [(f"the phase `{name}` was never reached", list[int]()) for name in wanted if name not in begun]
    broken = [
        (f"the phase `{name}` broke off: {act.reason}", [act.begin.index])
        for name, act in begun.items()
        if name != "teardown" and not act.succeeded
    ]
    return [*broken, *missing]


def _part_problems(history: History) -> list[_Problem]:
    lost = [
        (f"Locust lost {_number(event.lost)} of {event.wanted or '?'} workers", [event.index])
        for event in history.of(WorkerLost)
    ]
    return lost + [
        (
            f"{name} ended on its own with exit code {show_code(event.exit_code)} at {_when(event)}",
            [event.index],
        )
        for name, events in _PARTS.items()
        for event in history.of(events)
    ]


def _when(event: PrometheusExited | AlertmanagerExited | LoadExited) -> str:
    reason = event.reason if isinstance(event, LoadExited) else ""
    return f"{show_duration(event.t)}{f', because {reason}' if reason else ''}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _watched(history: History) -> Span | None:
    baseline = history.phase("baseline")
    return None if baseline is None else Span(baseline[0], watched_until_s(history))


def _meter_problems(history: History) -> list[_Problem]:
    span = _watched(history)
    if span is None:
        return []
    nothing = [] if len(resource_series(history, "memory")) else [("no meter read the target's memory", list[int]())]
    return [*nothing, *(p for meter in (*METERS, ServiceMetrics) for p in _silences(history, meter, span))]


def _silences(history: History, meter: type[Reading], span: Span) -> list[_Problem]:
    """The gaps of one meter in `span` while the target should have been up; none for a meter that is not there."""
    samples = history.of(meter)
    if not samples:
        return []
    read = [e.t for e in samples if e.values]
    interval_s = float(np.median(np.diff(read))) if len(read) > 1 else 0.0
    down = [] if meter is LoadRequests else down_spans(history)
    if meter in _ANSWERED_BY_THE_SERVICE:
        down = [*down, *(Span(step.act.begin.t, step.end_s) for step in step_runs(history))]
    intervals = _INTERVALS_OF_METRICS if meter is ServiceMetrics else _INTERVALS
    longest_s = max(_SHORTEST_GAP_S, intervals * interval_s)
    silent = [
        rest
        for gap in gaps(read, span, longest_s=longest_s)
        for rest in outside(gap, down)
        if rest.length_s > longest_s
    ]
    reason = next((f" ({e.error})" for e in samples if e.error and not e.values), "")
    return [
        (
            f"the meter {meter.source}/{meter.event_name} was silent for {_from(gap)}{reason}",
            [e.index for e in samples if gap.start_s <= e.t <= gap.end_s],
        )
        for gap in silent
    ]


def _from(gap: Span) -> str:
    return f"{show_duration(gap.length_s)} from {show_duration(gap.start_s)} on"


def _prometheus_problems(history: History, scenario: Scenario) -> list[_Problem]:
    span = _watched(history)
    if span is None or not scenario.alerts.evaluated:
        return []
    silences = [(f"{gap.reason} for {_from(gap)}", list[int]()) for gap in unanswered(history, scenario.alerts, span)]
    silences += [(f"{gap.reason} for {_from(gap)}", list(gap.events)) for gap in alertmanager_silences(history, span)]
    if _uses_kubelet_series(scenario) and not history.of(KubeletScrape):
        silences.append(("nobody looked whether Prometheus had the kubelet's series", []))
    return silences


def _uses_kubelet_series(scenario: Scenario) -> bool:
    """Whether the scenario has its alerts judged on the kubelet's series, by a Prometheus of the drill's own."""
    form = scenario.target.kubernetes if scenario.target.kind == "kubernetes" else None
    return form is not None and form.series == KUBELET and scenario.alerts.prometheus is None


COMPLETE: Final = always(
    "measurements_are_complete",
    "The record holds what the other checks rely on, without gaps.",
    measurements_are_complete,
)
