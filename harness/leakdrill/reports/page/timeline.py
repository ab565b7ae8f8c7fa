"""The timeline of a page as plain data: its charts, and what happened beneath them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from leakdrill.reports.page.chart import Chart

Axis = Literal["time", "requests"]
MarkKind = Literal["leak", "step", "restart", "kill", "trouble", "change", "look"]
LaneState = Literal["pending", "firing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch with a name."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened, at a moment or over a stretch.

    Attributes:
        start, end: in the units of the axis; the same for a moment.
        kind: what kind of thing it is.
        label: a few words.
        detail: a sentence more, for the table.
        event: the event that says so; -1 where several do.
        run: of a comparison, the run that it happened in, which its sign tells; else empty.
    """

    start: float
    end: float
    kind: MarkKind
    label: str
    detail: str = ""
    event: int = -1
    run: Literal["", "before", "after"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A state of an alert, from one moment to another.

    Attributes:
        state: what it was.
        start, end: in the units of the axis.
        begins: whether it began at `start`; False where it is only cut off there.
        ends: whether it ended at `end`; False where it is cut off, or lasted to the end of the record.
    """

    state: LaneState
    start: float
    end: float
    begins: bool = True
    ends: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notification that reached a receiver, or what Alertmanager did with an alert instead."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One alert: its states in order, and its notifications.

    Attributes:
        name: the alert with its severity.
        role: `expected`, `may fire`, or empty where it must stay silent.
        stretches: in order; it was inactive between them.
        deliveries: in order.
    """

    name: str
    role: str
    stretches: tuple[Stretch, ...]
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything that has a place on the axis.

    Attributes:
        axis: what is counted on it.
        end: its last value; it begins at 0.
        charts: from top to bottom.
        phases: in order.
        marks: in order.
        lanes: the expected alerts first.
        time_scale: production seconds in a second of the run.
        origin: a moment that others are told from, and its name; None without one.
    """

    axis: Axis
    end: float
    charts: tuple[Chart, ...]
    phases: tuple[Phase, ...] = ()
    marks: tuple[Mark, ...] = ()
    lanes: tuple[Lane, ...] = ()
    time_scale: float = 1.0
    origin: tuple[float, str] | None = None
