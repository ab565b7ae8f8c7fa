"""A stretch of the past as rules see it: series with a value at each scrape, and what happened beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from leakdrill.errors import BadInput
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Floats = NDArray[np.float64]
HappeningKind = Literal["start", "leak", "step", "restart", "kill", "change", "alert", "end"]

MOST_SCRAPES: Final = 200_000
"""Of one past: seventy days, evaluated every half a minute."""


@dataclass(frozen=True, slots=True, eq=False)
class PastSeries:
    """One series.

    Attributes:
        name: of the series.
        labels: without the name.
        values: shape (n,), one for each scrape from the first moment on; NaN where there was none.
    """

    name: str
    labels: Mapping[str, str]
    values: Floats


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened.

    Attributes:
        t_s: when, in seconds of production time since the beginning.
        kind: what kind of thing it is.
        text: a few words.
        labels: of the alert that was seen, its name as `alertname`; empty where it is something else.
        state: of the alert: `pending`, `firing`, `resolved` or `inactive`.
    """

    t_s: float
    kind: HappeningKind
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)
    state: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The series that some of the alerts see together.

    Attributes:
        alerts: their numbers in the rules.
        series: what there is.
    """

    alerts: tuple[int, ...]
    series: tuple[PastSeries, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Past:
    """A stretch of the past.

    Attributes:
        name: what messages call it.
        kind: where it was read from.
        scrape_s: seconds of production time between two values of a series.
        evaluate_s: seconds of production time between two evaluations, of a group without an interval of its own.
        least_evaluate_s: the shortest interval of a group that was evaluated in it.
        ends_s: seconds of production time from the first scrape to the last moment.
        origin_s: when the first scrape was, in seconds of production time since the beginning.
        worlds: the series; each alert is in one at most.
        unknown: why nothing is known of an alert that is in none, by its number.
        happenings: in their order.
        time_scale: how many times as fast as production it went.
        began: the first moment, where it is a date; None where it is not.
        has_clock: whether the series tell of times since the first moment, so that `time()` may be asked for.
        shown_from_s: what happened before is there for rules that look back, and not told.
        notes: one sentence for each thing that is not as it was.
    """

    name: str
    kind: Literal["run", "recording", "prometheus"]
    scrape_s: float
    evaluate_s: float
    least_evaluate_s: float = 0.0
    ends_s: float
    origin_s: float = 0.0
    worlds: tuple[World, ...]
    unknown: Mapping[int, str] = field(default_factory=dict)
    happenings: tuple[Happening, ...] = ()
    time_scale: float = 1.0
    began: datetime | None = None
    has_clock: bool = True
    shown_from_s: float = 0.0
    notes: tuple[str, ...] = ()


def scrape_count(name: str, length_s: float, scrape_s: float) -> int:
    """Returns how many scrapes there are in `length_s`, the first at its beginning.

    Raises:
        BadInput: when they are more than are played.
    """
    count = int(length_s / scrape_s + 1e-9) + 1
    if count > MOST_SCRAPES:
        most = show_duration(MOST_SCRAPES * scrape_s)
        raise BadInput(
            f"{name}: lasts {show_duration(length_s)}; with a scrape every {show_duration(scrape_s)} at most {most} "
            "are played",
            hint="take a shorter part, or a longer --scrape",
        )
    return count


def at_scrapes(times_s: Floats, values: Floats, scrapes_s: Floats, *, fresh_s: float) -> Floats:
    """Returns the newest of `values` at each scrape; NaN where it is older than `fresh_s` or is no number.

    Args:
        times_s: shape (n,), ascending.
        values: shape (n,).
        scrapes_s: shape (m,).
        fresh_s: how old a value may be.
    """
    at = np.searchsorted(times_s, scrapes_s + 1e-6, side="right") - 1
    known = at >= 0
    ages = np.where(known, scrapes_s - times_s[np.maximum(at, 0)], np.inf)
    found = values[np.maximum(at, 0)]
    return np.where(known & (ages <= fresh_s) & np.isfinite(found), found, np.nan)
