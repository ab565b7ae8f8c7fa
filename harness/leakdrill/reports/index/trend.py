"""How the numbers of one scenario went from run to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.reports.quantity import show_quantity
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.judging.key_numbers import KeyNumber
    from leakdrill.record.verdict import Outcome
    from leakdrill.reports.index.run_row import RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A number in one run; `value` is None where that run does not have it, which leaves a gap."""

    place: str
    value: float | None
    low: float | None = None
    high: float | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number over the runs of a scenario, oldest first.

    Attributes:
        what: the number, for a person.
        unit: of its values.
        limit: what was allowed in the newest run that has the number; None where nothing was said.
        points: one for each run.
    """

    what: str
    unit: str
    limit: float | None
    points: tuple[Point, ...]

    @property
    def latest(self) -> str:
        """The newest value, and between which all lay, for a person."""
        known = [point.value for point in self.points if point.value is not None]
        if not known:
            return "not known"
        newest = self.points[-1].value
        now = "missing in the newest run" if newest is None else show_quantity(newest, self.unit)
        low, high = (show_quantity(end, self.unit) for end in (min(known), max(known)))
        return (
            now
            if low == high or len(known) == 1
            else f"{now} (from {low} to {high} in {show_count(len(known), 'run')})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The runs of one scenario.

    Attributes:
        scenario: its name.
        runs: newest first.
        curves: its numbers over those of its runs that have ended.
    """

    scenario: str
    runs: tuple[RunRow, ...]
    curves: tuple[Curve, ...]

    @property
    def finished(self) -> RunRow | None:
        """The newest run that is not under way; None where there is none."""
        return next((run for run in self.runs if not run.runs_still), None)

    @property
    def outcome(self) -> Outcome:
        """Of the newest run that has ended; UNKNOWN where none has."""
        return (self.finished or self.runs[0]).outcome

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {"scenario": self.scenario, "runs": [run.as_dict() for run in self.runs]}


def trends(rows: Iterable[RunRow]) -> list[Trend]:
    """Returns the runs by scenario: the worst of the newest runs that have ended first, then by name."""
    grouped: dict[tuple[str, str], list[RunRow]] = {}
    for row in rows:
        grouped.setdefault((row.scenario, row.kind), []).append(row)
    found = [_trend(runs) for runs in grouped.values()]
    return sorted(found, key=lambda one: (-one.outcome.severity, one.scenario))


def _trend(rows: Sequence[RunRow]) -> Trend:
    oldest_first = sorted(rows, key=lambda row: (row.started.timestamp() if row.started else 0.0, row.place))
    ended = [row for row in oldest_first if not row.runs_still]
    return Trend(scenario=rows[0].scenario, runs=tuple(reversed(oldest_first)), curves=tuple(_curves(ended)))


def _curves(rows: Sequence[RunRow]) -> list[Curve]:
    by_run = [{(one.check, one.subject, one.name): one for one in row.numbers} for row in rows]
    keys = dict.fromkeys(key for numbers in by_run for key in numbers)
    return [_curve([numbers.get(key) for numbers in by_run], rows) for key in keys]


def _curve(numbers: Sequence[KeyNumber | None], rows: Sequence[RunRow]) -> Curve:
    newest = next(one for one in reversed(numbers) if one is not None)
    return Curve(
        what=newest.what,
        unit=newest.unit,
        limit=newest.limit,
        points=tuple(_point(one, row) for one, row in zip(numbers, rows, strict=True)),
    )


def _point(one: KeyNumber | None, row: RunRow) -> Point:
    if one is None:
        return Point(place=row.place, value=None)
    return Point(place=row.place, value=one.value, low=one.low, high=one.high, outcome=str(one.outcome))
