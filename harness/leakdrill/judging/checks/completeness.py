"""Whether the record holds what the other checks rely on. Missing data is never a PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.alert_states import unanswered
from leakdrill.judging.evidence.check import always
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, down_spans, gaps, outside, step_runs, watched_until_s
from leakdrill.scenario.kubernetes import KUBELET
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.record.history import History, Value
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_METERS: Final = (
    ("cgroup", "resources"),
    ("process", "tree"),
    ("process", "smaps"),
    ("filesystem", "disk"),
    ("torch", "allocator"),
    ("gpu", "devices"),
    ("load", "requests"),
)
_ANSWERED_BY_THE_SERVICE: Final = frozenset({"torch"})
"""Sources that are silent while the service does nothing but what a step asked of it, such as a collection."""

_SHORTEST_GAP_S: Final = 1.0
_INTERVALS: Final = 10
_PARTS: Final = {"prometheus": "Prometheus", "alertmanager": "Alertmanager", "load": "Locust"}


def measurements_are_complete(history: History, *, scenario: Scenario) -> Verdict:
    """Whether every phase was reached and every source answered throughout, the target's restarts aside.

    A meter may be silent for one second, or ten of its own intervals; Prometheus for one second or three evaluations.
    What the service itself answers may be silent while a step is carried out, besides.
    """
    claim = Claim("measurements_are_complete")
    problems = [
        *_phase_problems(history, scenario),
        *_part_problems(history),
        *_meter_problems(history),
        *_prometheus_problems(history, scenario),
    ]
    samples = sum(event.kind == "sample" for event in history)
    numbers = {"problems": len(problems), "samples": samples, "watched_s": watched_until_s(history)}
    if not problems:
        return claim.holds(
            f"every phase was reached and every source answered: {samples} samples in "
            f"{show_duration(watched_until_s(history))}",
            numbers=numbers,
        )
    told = "; ".join(text for text, _ in problems[:4])
    more = f"; and {len(problems) - 4} more" if len(problems) > 4 else ""  # noqa: PLR2004 - as many as are told
    return claim.unknown(
        told + more,
        numbers=numbers,
        events=[index for _, indices in problems for index in indices],
        hint="what rests on the missing part is UNKNOWN too; read the logs in the run folder, then run the drill again",
    )


_Problem = tuple[str, list[int]]


def _phase_problems(history: History, scenario: Scenario) -> list[_Problem]:
    wanted = ["baseline", "load", *(["mitigate"] if scenario.steps else []), "recover"]
    begun = {act.begin.labels.get("phase"): act for act in history.acts("drill", "phase")}
    missing = [(f"the phase `{name}` was never reached", list[int]()) for name in wanted if name not in begun]
    broken = [
        (f"the phase `{name}` broke off: {act.why}", [act.begin.index])
        for name, act in begun.items()
        if name != "teardown" and not act.succeeded
    ]
    return [*broken, *missing]


def _part_problems(history: History) -> list[_Problem]:
    lost = [
        (f"Locust lost {_told(event.value)} of {event.labels.get('wanted', '?')} workers", [event.index])
        for event in history.where(source="load", name="worker_lost")
    ]
    return lost + [
        (f"{name} ended on its own with exit code {event.value} at {show_duration(event.t)}", [event.index])
        for source, name in _PARTS.items()
        for event in history.where(source=source, name="exited", kind="sample")
    ]


def _told(value: Value) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _watched(history: History) -> Span | None:
    baseline = history.phase("baseline")
    return None if baseline is None else Span(baseline[0], watched_until_s(history))


def _meter_problems(history: History) -> list[_Problem]:
    span = _watched(history)
    if span is None:
        return []
    nothing = [] if len(resource_series(history, "memory")) else [("no meter read the target's memory", list[int]())]
    return [*nothing, *(p for source, name in _METERS for p in _silences(history, source, name, span))]


def _silences(history: History, source: str, name: str, span: Span) -> list[_Problem]:
    """The gaps of one meter in `span` while the target should have been up; none for a meter that is not there."""
    samples = history.where(source=source, name=name, kind="sample")
    if not samples:
        return []
    read = [e.t for e in samples if e.value is not None]
    interval_s = float(np.median(np.diff(read))) if len(read) > 1 else 0.0
    down = [] if source == "load" else down_spans(history)
    if source in _ANSWERED_BY_THE_SERVICE:
        down = [*down, *(Span(step.act.begin.t, step.end_s) for step in step_runs(history))]
    longest_s = max(_SHORTEST_GAP_S, _INTERVALS * interval_s)
    silent = [
        rest
        for gap in gaps(read, span, longest_s=longest_s)
        for rest in outside(gap, down)
        if rest.length_s > longest_s
    ]
    why = next((f" ({e.labels['error']})" for e in samples if e.value is None and e.labels.get("error")), "")
    return [
        (
            f"the meter {source}/{name} was silent for {_from(gap)}{why}",
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
    found = [(f"{gap.why} for {_from(gap)}", list[int]()) for gap in unanswered(history, scenario.alerts, span)]
    if _on_the_kubelets(scenario) and not history.where(source="prometheus", name="kubelet"):
        found.append(("nobody looked whether Prometheus had the kubelet's series", []))
    return found


def _on_the_kubelets(scenario: Scenario) -> bool:
    """Whether the scenario has its alerts judged on the kubelet's series, by a Prometheus of the drill's own."""
    form = scenario.target.kubernetes if scenario.target.kind == "kubernetes" else None
    return form is not None and form.series == KUBELET and scenario.alerts.prometheus is None


COMPLETE: Final = always(
    "measurements_are_complete",
    "The record holds what the other checks rely on, without gaps.",
    measurements_are_complete,
)
