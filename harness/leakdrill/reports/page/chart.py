"""The charts of a page as plain data: curves over time or requests, levels, and bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

Unit = Literal["bytes", "count", "cores", "per second", "seconds"]
LevelKind = Literal["limit", "threshold", "wanted"]

_MANY: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: as the legend has it.
        x: shape (n,), ascending: seconds since the start of the run, or requests.
        values: shape (n,), in the chart's unit; NaN where nothing was read.
        steps: whether a value holds until the next one.
        dots: whether each value is a point of its own.
    """

    name: str
    x: NDArray[np.float64]
    values: NDArray[np.float64]
    steps: bool = False
    dots: bool = False

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A value that is drawn from side to side: a limit, an alert's threshold, what the scenario wants.

    Attributes:
        name: as the legend has it.
        value: in the chart's unit; of one that changes, what it is at first.
        kind: what kind of level it is.
        changes: for one that changes, each moment and the value from then on.
    """

    name: str
    value: float
    kind: LevelKind
    changes: tuple[tuple[float, float], ...] = ()

    def shown(self, unit: Unit) -> str:
        """The value as text, with what it becomes."""
        later = list(dict.fromkeys(show(value, unit) for _, value in self.changes))
        return ", then ".join(list(dict.fromkeys([show(self.value, unit), *later])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The values from `low` to `high`, such as a baseline with its margin."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        key: a word that no other chart of the page has.
        title: what it shows.
        unit: of all its values.
        curves: its lines, the most important one first.
        levels: values that are drawn from side to side.
        bands: ranges that are drawn behind the curves.
        stacked: whether each curve is drawn on top of the one before it; they then share their `x`.
        from_zero: whether nothing is at the bottom; else the lowest value is.
        note: a sentence about it.
    """

    key: str
    title: str
    unit: Unit
    curves: tuple[Curve, ...]
    levels: tuple[Level, ...] = ()
    bands: tuple[Band, ...] = ()
    stacked: bool = False
    from_zero: bool = True
    note: str = ""


def show(value: float, unit: Unit) -> str:
    """A value of a chart as text, with its unit."""
    if not np.isfinite(value):
        return "not known"
    if unit == "bytes":
        return show_size(value)
    if unit == "seconds":
        return show_duration(value)
    ending = {"cores": " cores", "per second": "/s"}.get(unit, "")
    return f"{value:.0f}{ending}" if abs(value) >= _MANY or value == round(value) else f"{value:.3g}{ending}"
