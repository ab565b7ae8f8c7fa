"""What a root-cause analysis says: date, duration, cause, data volume and fix, as far as the record holds them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import alerts_watched_from_s
from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.judging.incidents.message import failed_requests
from leakdrill.record.events import LoadRequests
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.incidents.course import AlertCourse
    from leakdrill.judging.incidents.recorded import RecordedRun


@dataclass(frozen=True, slots=True)
class RootCause:
    """A root-cause analysis.

    Attributes:
        date: the day on which the alert fired, in UTC.
        detection: from the leak's beginning to the alert.
        duration: from the alert to its clearing.
        impact: the requests that failed from the leak's beginning to the alert's clearing.
        cause: the leak, with what was measured of it.
        data_volume: the requests that were served while it leaked, and by how much the resource grew.
        fix: the change after which the alert cleared.
        prevention: what keeps it from happening again, which no record holds.
    """

    date: Fact
    detection: Fact
    duration: Fact
    impact: Fact
    cause: Fact
    data_volume: Fact
    fix: Fact
    prevention: Fact

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        return {field.name: getattr(self, field.name).as_dict() for field in fields(self)}


def root_cause(run: RecordedRun, course: AlertCourse) -> RootCause:
    """The analysis of what happened in a run."""
    began_s = alerts_watched_from_s(run.history, run.scenario)
    fired_s = None if course.span is None else course.span.fired.when
    return RootCause(
        date=unknown(course.resolution.reason) if fired_s is None else Fact(run.at(fired_s).split(" ")[0]),
        detection=_detection(course, began_s),
        duration=_duration(run, course),
        impact=_impact(run, course, began_s),
        cause=_cause(run),
        data_volume=_data_volume(run, course),
        fix=_fix(run, course),
        prevention=unknown("a record holds what happened, not what would prevent it"),
    )


def _detection(course: AlertCourse, began_s: float | None) -> Fact:
    if course.span is None or began_s is None:
        return unknown(course.resolution.reason or "nothing began")
    took_s = course.span.fired.when - began_s
    return Fact(f"{show_duration(took_s)} after the leak began", took_s)


def _duration(run: RecordedRun, course: AlertCourse) -> Fact:
    cleared_s = course.cleared_s
    if course.span is None or course.resolution.value is None or cleared_s is None:
        return course.resolution
    fired_s = course.span.fired.when
    text = f"{course.resolution}, from {run.at(fired_s)} to {run.at(cleared_s)}"
    scale = run.scenario.alerts.time_scale
    also = "" if scale == 1 else f"; the rules ran {scale:g} times as fast as in production"
    return Fact(text + also, course.resolution.value)


def _impact(run: RecordedRun, course: AlertCourse, began_s: float | None) -> Fact:
    end_s = course.cleared_s if course.cleared_s is not None else run.until_s()
    if began_s is None or end_s is None:
        return unknown("the record ends before the alert could clear")
    return failed_requests(run, began_s, end_s)


def _cause(run: RecordedRun) -> Fact:
    leaks = run.scenario.leaks
    if not leaks:
        return unknown("the scenario switches no leak on")
    texts = []
    for leak in leaks:
        verdict = run.verdict("leak_grows_as_declared", leak.name)
        if verdict is None or verdict.outcome is not Outcome.PASS:
            why = "nothing was judged" if verdict is None else verdict.message
            return unknown(f"that {leak.name} leaked was not shown: {why}")
        texts.append(f"{leak.name} in {run.scenario.target.name}: {verdict.message}")
    return Fact("; ".join(texts))


def _data_volume(run: RecordedRun, course: AlertCourse) -> Fact:
    began_s = alerts_watched_from_s(run.history, run.scenario)
    changes = [change.start_s for _, change in run.changes()]
    end_s = min([*changes, *([run.until_s() or run.history.end_s])])
    if began_s is None or not run.scenario.leaks or course.span is None:
        return unknown(course.resolution.reason or "the scenario switches no leak on")
    reports = [e for e in run.history.of(LoadRequests) if e.requests is not None]
    served = [e.requests or 0.0 for e in reports if began_s <= e.t <= end_s]
    grew = [_grew(run, name, began_s, end_s) for name in dict.fromkeys(leak.resource for leak in run.scenario.leaks)]
    missing = next((fact for fact in grew if not fact.known), None)
    if missing is not None or len(served) < 2:  # noqa: PLR2004 - a beginning and an end
        return missing or unknown("the load did not report its requests in that time")
    count = served[-1] - served[0]
    return Fact(f"{count:,.0f} requests while it leaked; {'; '.join(fact.text for fact in grew)}", count)


def _grew(run: RecordedRun, name: str, began_s: float, end_s: float) -> Fact:
    baseline, series = run.history.phase("baseline"), resource_series(run.history, name)
    base = series.between(*baseline) if baseline is not None else series.between(0, 0)
    part = series.between(began_s, end_s)
    if not len(base) or not len(part):
        return unknown(f"no meter read {name} before and while it leaked")
    low, high, resource = float(np.median(base.values)), float(part.values.max()), RESOURCES[name]
    amounts = f"from {resource.show(low)} to {resource.show(high)}"
    return Fact(f"{name.replace('_', ' ')} grew by {resource.show(high - low)}, {amounts}", high - low)


def _fix(run: RecordedRun, course: AlertCourse) -> Fact:
    cleared_s = course.cleared_s
    if cleared_s is None:
        reason = course.resolution.reason
        return unknown(reason) if reason else Fact("none: the alert did not clear by what was changed")
    before = [(text, change) for text, change in run.changes() if change.start_s < cleared_s]
    worked = [(text, change) for text, change in before if run.worked(change)]
    if not worked:
        return unknown("the alert cleared, and no change before it was seen to work")
    text, change = worked[-1]
    after_s = cleared_s - change.start_s
    return Fact(f"{text}; the alert cleared {show_duration(after_s)} after its beginning", after_s)
