"""What happened in a run, as the rows of a table: marks, and the turns of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from leakdrill.reports.page.timeline import Timeline


class Happening(NamedTuple):
    """One row: when, what, more about it, and the stretch of the axis that shows it."""

    at: float
    what: str
    more: str
    start: float
    end: float


def happenings(timeline: Timeline) -> list[Happening]:
    """Marks, states of alerts and notifications, in order."""
    rows = [Happening(mark.start, mark.label, mark.detail, mark.start, mark.end) for mark in timeline.marks]
    for lane in timeline.lanes:
        for one in lane.stretches:
            state = "state not known" if one.state == "unknown" else one.state
            if one.begins:
                rows.append(Happening(one.start, f"{lane.name}: {state}", "", one.start, one.end))
            if one.state == "firing" and one.ends and one.end < timeline.end:
                rows.append(Happening(one.end, f"{lane.name}: resolved", "", one.end, one.end))
        rows += [Happening(one.at, f"{lane.name}: {one.label}", "", one.at, one.at) for one in lane.deliveries]
    return sorted(rows, key=lambda row: row.at)
