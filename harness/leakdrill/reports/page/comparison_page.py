"""The page of a comparison: two runs of one scenario laid over each other, phase by phase, and what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.compare.difference import Word
from leakdrill.record.verdict import Outcome
from leakdrill.reports.comparison import comparison_summary, show_change
from leakdrill.reports.page.alert_lanes import alert_lanes
from leakdrill.reports.page.chart import Curve
from leakdrill.reports.page.content import Page, Table
from leakdrill.reports.page.drill_charts import drill_charts
from leakdrill.reports.page.drill_marks import drill_marks, drill_phases
from leakdrill.reports.page.headline import Figure
from leakdrill.reports.page.timeline import Mark, Timeline
from leakdrill.reports.quantity import show_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leakdrill.judging.compare.comparison import Comparison
    from leakdrill.judging.compare.difference import Difference
    from leakdrill.judging.compare.phases import AlignedPhase
    from leakdrill.judging.compare.stored_run import StoredRun
    from leakdrill.reports.page.chart import Chart
    from leakdrill.reports.page.timeline import Lane, Stretch

_STYLES: Final = {
    Word.WORSE: Outcome.FAIL,
    Word.BETTER: Outcome.PASS,
    Word.NOT_DISTINGUISHABLE: Outcome.UNKNOWN,
}
_SHOWN: Final = 3
_JOINT_S: Final = 0.1
"""Between the end of a phase and the start of the next lies no longer than this."""
_NOTE: Final = (
    "Both runs begin each phase together; of a phase that lasted longer in the run before, the rest is not shown. "
    "Limits, thresholds and phases are those of the run after. A mark with a ring (○) before its sign is of the run "
    "before."
)


def comparison_page(before: StoredRun, after: StoredRun, comparison: Comparison) -> Page:
    """The page of two runs that can be compared, as `compare` found them."""
    return Page(
        kind="comparison",
        name=comparison.name,
        summary=f"{after.label}, compared with {before.label}",
        outcome=_STYLES[comparison.word],
        word=str(comparison.word).upper(),
        sentence=comparison_summary(comparison),
        facts=tuple(_facts(before, after)),
        figures=tuple(_figures(comparison)),
        timeline=_timeline(before, after, comparison),
        claims=(),
        tables=tuple(_tables(comparison)),
        record=(("before", before.place), ("after", after.place)),
    )


def _facts(before: StoredRun, after: StoredRun) -> Iterator[tuple[str, str]]:
    for name, run in (("before", before), ("after", after)):
        yield name, f"{run.label}, started {run.started:%Y-%m-%d %H:%M:%S} UTC"


def _figures(comparison: Comparison) -> Iterator[Figure]:
    """The numbers by which a person knows a run, those that differ first."""
    order = (Word.WORSE, Word.BETTER, Word.NOT_DISTINGUISHABLE)
    for row in sorted(comparison.numbers, key=lambda one: order.index(one.word))[:_SHOWN]:
        both = [show_quantity(one.value, row.unit) if one else "missing" for one in (row.before, row.after)]
        yield Figure(
            label=row.what,
            value=" → ".join(both),
            note=show_change(row),
            word=str(row.word),
            outcome=_STYLES[row.word],
        )


def _timeline(before: StoredRun, after: StoredRun, comparison: Comparison) -> Timeline:
    if before.scenario is None or after.scenario is None or not comparison.aligned:
        return Timeline(axis="time", end=after.history.end_s, charts=())
    old = {chart.key: chart for chart in drill_charts(before.history, before.scenario, before.verdicts)}
    charts = drill_charts(after.history, after.scenario, after.verdicts)
    lanes = [
        *(replace(lane, name=f"{lane.name}, after") for lane in alert_lanes(after.history, after.scenario)),
        *(_moved(lane, comparison.aligned) for lane in alert_lanes(before.history, before.scenario)),
    ]
    return Timeline(
        axis="time",
        end=after.history.end_s,
        charts=tuple(_over(chart, old.get(chart.key), comparison.aligned) for chart in charts),
        phases=drill_phases(after.history),
        marks=_marks(before, after, comparison.aligned),
        lanes=tuple(sorted(lanes, key=lambda lane: lane.name)),
        time_scale=after.scenario.alerts.time_scale,
    )


def _marks(before: StoredRun, after: StoredRun, aligned: Sequence[AlignedPhase]) -> tuple[Mark, ...]:
    """The marks of both runs, in order; those of the run before are moved with their phases."""
    marks = [replace(mark, label=f"{mark.label}, after", run="after") for mark in drill_marks(after.history)]
    for mark in drill_marks(before.history):
        start = _moved_moment(mark.start, aligned)
        if start is not None:
            end = min(start + mark.end - mark.start, after.history.end_s)
            marks.append(replace(mark, start=start, end=end, label=f"{mark.label}, before", run="before"))
    return tuple(sorted(marks, key=lambda mark: mark.start))


def _moved_moment(at_s: float, aligned: Sequence[AlignedPhase]) -> float | None:
    """Where a moment of the run before stands in the run after; None in what is not shown of its phase."""
    phase = next((one for one in aligned if one.before_start_s <= at_s <= one.before_end_s), None)
    moved = at_s - phase.before_start_s + phase.after_start_s if phase else float("inf")
    return moved if phase is not None and moved <= phase.after_end_s else None


def _over(chart: Chart, old: Chart | None, aligned: Sequence[AlignedPhase]) -> Chart:
    """The first curve of a chart in both runs."""
    curves = [replace(chart.curves[0], name=f"{chart.curves[0].name}, after")]
    if old is not None and old.curves[0].name == chart.curves[0].name:
        curves.append(_laid_over(old.curves[0], aligned))
    return replace(chart, curves=tuple(curves), note=_NOTE if chart.key == "latency" else "")


def _laid_over(curve: Curve, aligned: Sequence[AlignedPhase]) -> Curve:
    """A curve of the run before, each phase moved to where it begins in the run after, with a hole after each."""
    x: list[np.typing.NDArray[np.float64]] = []
    values: list[np.typing.NDArray[np.float64]] = []
    for phase in aligned:
        moved = curve.x - phase.before_start_s + phase.after_start_s
        inside = (curve.x >= phase.before_start_s) & (curve.x <= phase.before_end_s) & (moved <= phase.after_end_s)
        if inside.any():
            x += [moved[inside], moved[inside][-1:]]
            values += [curve.values[inside], np.array([np.nan])]
    empty = np.empty(0)
    return Curve(
        name=f"{curve.name}, before",
        x=np.concatenate(x) if x else empty,
        values=np.concatenate(values) if values else empty,
    )


def _moved(lane: Lane, aligned: Sequence[AlignedPhase]) -> Lane:
    """A lane of the run before, moved with its phases; a state that lasts over several goes on from one to the next."""
    stretches = [piece for one in lane.stretches for piece in _joined(_pieces(one, aligned))]
    moved = [(_moved_moment(one.at, aligned), one) for one in lane.deliveries]
    deliveries = tuple(replace(one, at=at) for at, one in moved if at is not None)
    return replace(lane, name=f"{lane.name}, before", stretches=tuple(stretches), deliveries=deliveries)


def _pieces(one: Stretch, aligned: Sequence[AlignedPhase]) -> Iterator[Stretch]:
    """What of a stretch lies in each phase, moved with it; it begins and ends only where it did in the run before."""
    for phase in aligned:
        later_s = phase.after_start_s - phase.before_start_s
        first_s, last_s = phase.after_start_s, min(phase.before_end_s + later_s, phase.after_end_s)
        start, end = max(one.start + later_s, first_s), min(one.end + later_s, last_s)
        if start < end:
            yield replace(
                one,
                start=start,
                end=end,
                begins=one.begins and one.start + later_s >= first_s,
                ends=one.ends and one.end + later_s <= last_s,
            )


def _joined(pieces: Iterable[Stretch]) -> list[Stretch]:
    """The pieces of one stretch, as one where they meet."""
    joined: list[Stretch] = []
    for piece in pieces:
        if joined and piece.start - joined[-1].end <= _JOINT_S:
            joined[-1] = replace(joined[-1], end=piece.end, ends=piece.ends)
        else:
            joined.append(piece)
    return joined


def _tables(comparison: Comparison) -> Iterator[Table]:
    claims = [
        (
            str(row.word),
            f"{row.check} {row.subject}".strip(),
            *(str(one or "missing") for one in (row.before, row.after)),
        )
        for row in comparison.claims
    ]
    changed = tuple(row for row in claims if row[2] != row[3])
    head = ("after is", "claim", "before", "after")
    yield Table(title="Claims whose outcome differs", head=head, rows=changed, note="" if changed else "None.")
    rows = (*comparison.numbers, *comparison.phases)
    for word in (Word.WORSE, Word.BETTER):
        found = tuple(_row(row) for row in rows if row.word is word)
        if found:
            yield Table(title=f"Numbers that are {word}", head=_HEAD, rows=found)
    rest = tuple(_row(row) for row in rows if row.word is Word.NOT_DISTINGUISHABLE)
    if rest:
        yield Table(title="Numbers that are not distinguishable", head=_HEAD, rows=rest, folded=True)
    for title, changes in (("What was asked for", comparison.plan), ("The machine", comparison.machine)):
        if changes:
            told = tuple((one.key, one.before, one.after) for one in changes)
            yield Table(title=f"{title}: what differs", head=("key", "before", "after"), rows=told)


_HEAD: Final = ("number", "phase", "what was seen")


def _row(row: Difference) -> tuple[str, ...]:
    return row.what, row.phase or "whole run", show_change(row)
