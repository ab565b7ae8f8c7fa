"""What happened in a drill, in wall-clock time: its phases, leaks, steps, alerts, deliveries and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, worst
from leakdrill.reports.page.alert_lanes import alert_lanes
from leakdrill.reports.page.drill_marks import drill_marks, drill_phases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from leakdrill.record.history import History
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict

MomentKind = Literal[
    "drill", "phase", "leak", "step", "restart", "kill", "trouble", "change", "look", "alert", "delivery"
]
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        kind: what kind of thing it is.
        name: a few words, on one line, harmless wherever they are shown.
        detail: a sentence more; may be empty.
        start_ns: when it began, in nanoseconds since 1970, UTC.
        end_ns: when it ended; the same where it is a moment.
        outcome: of the drill, or of the claim about a step; None where nothing was claimed.
    """

    kind: MomentKind
    name: str
    detail: str = ""
    start_ns: int
    end_ns: int
    outcome: Outcome | None = None


def moments(history: History, info: RunInfo, verdicts: Sequence[Verdict]) -> list[Moment]:
    """Returns everything that happened, in order, with what was found of it; the drill as a whole comes first."""
    return [_with_outcome(one, verdicts) for one in _recorded(history, info)]


def _with_outcome(one: Moment, verdicts: Sequence[Verdict]) -> Moment:
    of = [verdict for verdict in verdicts if verdict.check == "step_works" and printable(verdict.subject) == one.name]
    found = verdicts if one.kind == "drill" else of if one.kind == "step" else ()
    if not found:
        return one
    outcome = worst(found)
    return replace(one, outcome=outcome, detail=f"{outcome}{f'; {one.detail}' if one.detail else ''}")


def _recorded(history: History, info: RunInfo) -> list[Moment]:
    found = [_moment(info.started, "drill", f"drill {info.scenario.name}", "", 0.0, history.end_s)]
    parts: Sequence[tuple[MomentKind, str, str, float, float]] = [
        *(("phase", phase.name, "", phase.start, phase.end) for phase in drill_phases(history)),
        *((mark.kind, mark.label, mark.detail, mark.start, mark.end) for mark in drill_marks(history)),
        *(
            ("alert", f"{lane.name}: {stretch.state}", lane.role, stretch.start, stretch.end)
            for lane in alert_lanes(history, info.scenario)
            for stretch in lane.stretches
        ),
        *(
            ("delivery", f"{lane.name}: {delivery.label}", "", delivery.at, delivery.at)
            for lane in alert_lanes(history, info.scenario)
            for delivery in lane.deliveries
        ),
    ]
    found += [_moment(info.started, *part) for part in parts]
    return sorted(found, key=lambda one: one.start_ns)


def _moment(started: datetime, kind: MomentKind, name: str, detail: str, start_s: float, end_s: float) -> Moment:
    began_ns = int(started.timestamp()) * _NS + started.microsecond * 1000
    start_ns = max(0, began_ns + round(start_s * _NS))  # an alert may have been there before 1970 was over
    return Moment(
        kind=kind,
        name=printable(name),
        detail=printable(detail),
        start_ns=start_ns,
        end_ns=max(start_ns, began_ns + round(end_s * _NS)),
    )
