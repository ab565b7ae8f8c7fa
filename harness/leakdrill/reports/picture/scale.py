"""Where a value lies in a picture, and the values at which an axis has its ticks."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf, log, log10
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leakdrill.reports.page.chart import Unit

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_BINARY: Final = 1024.0
_HAIR: Final = 1e-9
_NOTHING: Final = 1e-300
"""A step of an axis is a share of its length, and must still be a number."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Leads values from `low` to `high` to places from `start` to `end`; what lies beyond is kept at the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def ticks(low: float, high: float, *, most: int, unit: Unit | None = None) -> list[float]:
    """Up to `most` + 1 round values from `low` to `high`; of bytes round in binary units."""
    span = high - low
    if not _NOTHING < span < inf:
        return [low]
    base = _BINARY ** floor(log(span, _BINARY)) if unit == "bytes" and span >= 1 else 1.0
    step = _round_step(span / base / most) * base
    return [at * step for at in range(ceil(low / step - _HAIR), floor(high / step + _HAIR) + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - _HAIR))
