"""The difference of one number between two runs, with its interval, and the word for it.

The interval of a difference of two estimates follows from their own intervals (G. Y. Zou and A. Donner, Construction
of confidence limits about effect measures, Stat. Med. 27 (2008), 1693-1702); of two series it is bootstrapped in
blocks. What is known within bounds (an alert, between two evaluations) differs only when the bounds do not meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from typing import Final, Literal

Direction = Literal["lower", "higher"]

LEAST_SHARE: Final = 0.05
"""A twentieth more or less of a time, a rate or a level is what one machine does from run to run."""


class Word(StrEnum):
    """How the second run is beside the first."""

    BETTER = "better"
    WORSE = "worse"
    NOT_DISTINGUISHABLE = "not distinguishable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number of one run.

    Attributes:
        value: in the unit of its row.
        low: the lower end of its 95 % interval, or its bound; None where the run has none.
        high: the upper end.
        is_bounded: whether `low` and `high` are bounds that hold, and no confidence interval.
        doubt: why it cannot be relied on; empty when it can.
    """

    value: float
    low: float | None = None
    high: float | None = None
    is_bounded: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row of a comparison.

    Attributes:
        what: the number for a person, such as `HighMemoryUsage: time to detect`.
        phase: the phase that it was measured in; empty for the whole run.
        unit: `seconds`, `bytes`, `bytes_per_request`, `count`, `cores`, `share`, `per_second` and the like.
        before: of the first run; None where it is missing.
        after: of the second run.
        change: `after` less `before`; None where one of them is missing.
        low: the lower end of the interval of `change`; None where its noise is not known.
        high: the upper end.
        word: what the second run is beside the first.
        reason: why it is not distinguishable; empty for the other words.
    """

    what: str
    phase: str = ""
    unit: str
    before: Figure | None
    after: Figure | None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    word: Word
    reason: str = ""


def difference(
    what: str,
    unit: str,
    before: Figure | None,
    after: Figure | None,
    *,
    wanted: Direction,
    phase: str = "",
    least: float = 0.0,
    interval: tuple[float, float] | None = None,
) -> Difference:
    """The row of two figures.

    Args:
        what: the number, for a person.
        unit: of both figures.
        before: of the first run; None where it is missing.
        after: of the second run.
        wanted: whether a lower or a higher number is better.
        phase: the phase that it was measured in.
        least: a change that is no larger says nothing, as the scenario itself has it.
        interval: of the difference, where it was measured on both series together.
    """
    missing = _missing(before, after)
    if before is None or after is None or missing:
        change = None if before is None or after is None else after.value - before.value
        return Difference(
            what=what, phase=phase, unit=unit, before=before, after=after, change=change,
            word=Word.NOT_DISTINGUISHABLE, reason=missing,
        )  # fmt: skip
    change = after.value - before.value
    ends = interval or _interval(before, after)
    word, reason = _word(change, ends, wanted, least)
    low, high = ends or (None, None)
    return Difference(
        what=what, phase=phase, unit=unit, before=before, after=after, change=change, low=low, high=high,
        word=word, reason=reason,
    )  # fmt: skip


def _missing(before: Figure | None, after: Figure | None) -> str:
    if before is None or after is None:
        which = "both runs" if before is after else f"the {'first' if before is None else 'second'} run"
        return f"missing in {which}"
    return before.doubt or after.doubt


def _word(change: float, ends: tuple[float, float] | None, wanted: Direction, least: float) -> tuple[Word, str]:
    if ends is None:
        same = change == 0
        return Word.NOT_DISTINGUISHABLE, "the same" if same else "one value a run, without an interval of its own"
    low, high = ends
    if low <= 0 <= high:
        return Word.NOT_DISTINGUISHABLE, "within its noise"
    if abs(change) <= least:
        return Word.NOT_DISTINGUISHABLE, "too small to matter"
    return (Word.BETTER if (change < 0) == (wanted == "lower") else Word.WORSE), ""


def _interval(before: Figure, after: Figure) -> tuple[float, float] | None:
    """The interval of `after` less `before`; None where one of the two has none."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return None
    if before.is_bounded or after.is_bounded:
        return after.low - before.high, after.high - before.low
    change = after.value - before.value
    low = change - hypot(after.value - after.low, before.high - before.value)
    return low, change + hypot(after.high - after.value, before.value - before.low)
