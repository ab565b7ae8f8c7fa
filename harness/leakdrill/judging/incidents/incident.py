"""An incident: everything that the documents of one run are filled from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill.judging.incidents.course import alert_course
from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.judging.incidents.message import alert_messages
from leakdrill.judging.incidents.root_cause import root_cause
from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, TargetExited
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.judging.incidents.course import AlertCourse
    from leakdrill.judging.incidents.message import AlertMessage
    from leakdrill.judging.incidents.recorded import RecordedRun
    from leakdrill.judging.incidents.root_cause import RootCause

_WORKED: Final = {
    Outcome.PASS: "it worked",
    Outcome.FAIL: "it did not work",
    Outcome.UNKNOWN: "whether it worked is not known",
}
"""What `step_works` says of a change."""


class Moment(NamedTuple):
    """A moment of the timeline: seconds since the start, the same in UTC, and what happened."""

    t_s: float
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One run, for a template.

    Attributes:
        run_id: its own id.
        name: the scenario, or the runbook and its option.
        title: what it is about, in the scenario's words.
        runbook: the file that was rehearsed; empty for a drill.
        option: the option that was taken; empty where there is none.
        without: the change that a control run left out; empty otherwise.
        service: the target's name.
        platform: what it ran on.
        alert: the alert that it was about.
        started: when the drill began, in UTC.
        time_scale: how many times as fast as in production the rules ran.
        resolution: seconds from the alert to its clearing.
        messages: what the channels were to be told, by severity.
        root_cause: the analysis.
        timeline: what happened, in order.
    """

    run_id: str
    name: str
    title: str
    runbook: str
    option: str
    without: str
    service: str
    platform: str
    alert: Fact
    started: str
    time_scale: float
    resolution: Fact
    messages: Mapping[str, AlertMessage]
    root_cause: RootCause
    timeline: tuple[Moment, ...]

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        words = ("run_id", "name", "runbook", "option", "without", "service", "platform", "started", "time_scale")
        return {
            **{word: getattr(self, word) for word in words},
            "alert": self.alert.as_dict(),
            "resolution": self.resolution.as_dict(),
            "messages": {severity: message.as_dict() for severity, message in self.messages.items()},
            "root_cause": self.root_cause.as_dict(),
            "timeline": [{"t_s": round(one.t_s, 3), "at": one.at, "text": one.text} for one in self.timeline],
        }


def incident(run: RecordedRun, *, update_every_s: float | None = None) -> Incident:
    """What the documents of `run` are filled from.

    Args:
        run: the stored run.
        update_every_s: how often the channels are told how things stand, in seconds; None where nobody has said.
    """
    course, rehearsal = alert_course(run), run.rehearsal
    return Incident(
        run_id=run.info.run_id,
        name=run.scenario.name,
        title=run.scenario.summary or run.scenario.name,
        runbook=rehearsal.runbook if rehearsal else "",
        option=rehearsal.option if rehearsal else "",
        without=rehearsal.without if rehearsal else "",
        service=run.scenario.target.name,
        platform=run.scenario.target.platform,
        alert=Fact(str(course.alert)) if course.alert else unknown(course.resolution.reason),
        started=run.at(0),
        time_scale=run.scenario.alerts.time_scale,
        resolution=course.resolution,
        messages=alert_messages(run, update_every_s=update_every_s),
        root_cause=root_cause(run, course),
        timeline=_timeline(run, course),
    )


def _how(run: RecordedRun, change: StepRun) -> str:
    """How a change ended, and whether the metric followed it."""
    if change.act.end is None:
        return "its end is not recorded"
    ended = "carried out" if change.act.succeeded else "failed"
    verdict = run.verdict("step_works", change.act.name)
    worked = "" if verdict is None else f"; {_WORKED[verdict.outcome]}"
    return f"{ended} in {show_duration(change.span.length_s)}{worked}"


def _timeline(run: RecordedRun, course: AlertCourse) -> tuple[Moment, ...]:
    found: list[tuple[float, str]] = []
    found += [(act.begin.t, f"leak {act.begin.leak} switched on") for act in run.history.acts(LeakSwitchOn)]
    found += [(act.begin.t, f"leak {act.begin.leak} switched off") for act in run.history.acts(LeakSwitchOff)]
    found += [(e.when, "the target ended, and nobody had asked") for e in run.history.of(TargetExited)]
    if course.span is not None:
        found += [(span.start_s, f"{course.alert} fired") for span in course.span.spans]
        found += [
            (span.end_s, f"{course.alert} cleared") for span in course.span.spans if span.end_s < course.span.until_s
        ]
    for text, change in run.changes():
        found.append((change.start_s, f"{text} ({_how(run, change)})"))
    return tuple(Moment(t, run.at(t), text) for t, text in sorted(found))
