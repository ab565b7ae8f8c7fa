"""The course of the alert of a run: when it fired, when it cleared, and why one of them is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.judging.evidence.alert_states import unanswered
from leakdrill.judging.evidence.rehearsed import fired_span
from leakdrill.judging.evidence.windows import Span
from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.evidence.rehearsed import AlertSpan
    from leakdrill.judging.incidents.recorded import RecordedRun
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import AlertName


@dataclass(frozen=True, slots=True)
class AlertCourse:
    """The alert that a run is about.

    Attributes:
        alert: its name and labels; None where the run expects none.
        span: when it fired; None where it did not, or nobody can tell.
        resolution: seconds from its firing to its clearing; without a value where it did not clear for good.
    """

    alert: AlertName | None
    span: AlertSpan | None
    resolution: Fact

    @property
    def cleared_s(self) -> float | None:
        """When it cleared, where that is known; None otherwise."""
        return None if self.span is None or self.resolution.value is None else self.span.cleared_s


def alert_course(run: RecordedRun) -> AlertCourse:
    """The course of the runbook's alert; of a drill, of the first of its expected alerts that fired."""
    until_s = run.until_s()
    alerts = [run.rehearsal.alert] if run.rehearsal is not None else list(run.scenario.alerts.expect)
    if not alerts:
        return AlertCourse(None, None, unknown("the scenario expects no alert"))
    if until_s is None:
        return AlertCourse(alerts[0], None, unknown("the drill ended before the runbook was over"))
    for alert in alerts:
        span = fired_span(run.history, run.scenario, alert, until_s)
        if span is not None:
            return AlertCourse(alert, span, _resolution(run, alert, span))
    names = " and ".join(str(alert) for alert in alerts)
    return AlertCourse(alerts[0], None, unknown(f"{names} did not fire"))


def _resolution(run: RecordedRun, alert: AlertName, span: AlertSpan) -> Fact:
    verdict = _verdict(run, alert)
    if verdict is None:
        return unknown("nothing was to clear it: the scenario has no steps")
    if verdict.outcome is Outcome.UNKNOWN:
        return unknown(verdict.message)
    silences = unanswered(run.history, run.scenario.alerts, Span(span.fired.when, span.until_s))
    if silences:
        return unknown(str(silences[0]))
    again = "fired_again_after_s" in verdict.numbers
    if span.cleared_s is None or again or (run.rehearsal is not None and verdict.outcome is Outcome.FAIL):
        return Fact(f"not resolved: {verdict.message}")
    took_s = span.cleared_s - span.fired.when
    return Fact(show_duration(took_s), took_s)


def _verdict(run: RecordedRun, alert: AlertName) -> Verdict | None:
    if run.rehearsal is not None:
        return run.verdict("runbook_relieves")
    return run.verdict("alert_resolves_and_stays_resolved", str(alert))
