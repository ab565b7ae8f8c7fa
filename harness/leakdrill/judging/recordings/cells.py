"""Cells of other tools' tables: times, sizes with units, and the unit that a column's name says."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

from leakdrill.errors import BadInput
from leakdrill.units import quoted

_DAY_S: Final = 86_400.0
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)(?:\s*([AP]M))?", re.IGNORECASE)
_SIZE: Final = re.compile(r"([+-]?[\d.]+(?:e[+-]?\d+)?)\s*(B|bytes|[kKMGT]i?B?)", re.IGNORECASE)
_COLUMN: Final = re.compile(r"(.*?[^A-Za-z])(bytes|B|[KMGT]i?B|[KMGT])[\])]?", re.IGNORECASE)
_POWERS: Final = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 1e11, 1e14, 1e17
"""A time beyond the year 5138 counts something smaller than seconds."""
DATED: Final = 1e8
"""A time beyond three years is a date."""


def number(cell: object, place: str) -> float:
    """The finite number in `cell`.

    Raises:
        BadInput: when it is none.
    """
    try:
        value = float(cell) if isinstance(cell, str | int | float) and not isinstance(cell, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{place}: {quoted(cell)} is not a finite number")
    return value


def moment(cell: object, place: str) -> float:
    """The time in `cell` in seconds: a number (smaller units are recognised by their size), a date, or a time of day.

    Raises:
        BadInput: when it is none.
    """
    if isinstance(cell, str) and not _is_number(cell):
        clock = _CLOCK.fullmatch(cell.strip())
        return _of_day(clock) if clock else _of_date(cell, place)
    value = number(cell, place)
    for limit, per_second in ((_NANOSECONDS, 1e9), (_MICROSECONDS, 1e6), (_MILLISECONDS, 1e3)):
        if value > limit:
            return value / per_second
    return value


def unwrapped(times: list[float]) -> list[float]:
    """Times of day that go on after midnight."""
    days, found = 0.0, list[float]()
    for at, time in enumerate(times):
        if at and time < times[at - 1] - _DAY_S / 2:
            days += _DAY_S
        found.append(time + days)
    return found


def size(cell: object, place: str, *, factor: float = 1.0) -> float:
    """The bytes in `cell`: a number, times `factor`, or one with its own unit, such as `12.3MiB` or `1.2 GB`.

    Raises:
        BadInput: when it is none.
    """
    if isinstance(cell, str) and (found := _SIZE.fullmatch(cell.strip().replace(",", ""))):
        return number(found[1], place) * _factor(found[2])
    return number(cell, place) * factor


def column_unit(name: str) -> tuple[str, float, str]:
    """What a column's name says: the name without its unit, bytes in one of them, and the unit as it was understood.

    `rss_kb`, `RSS (KiB)` and `Real (MB)` are 1024 and 1024² bytes, as ps, /proc and psrecord write them.
    """
    found = _COLUMN.fullmatch(name.strip())
    if found is None:
        return name.strip(), 1.0, ""
    letter = found[2][0].lower()
    short = re.sub(r"[^A-Za-z0-9]+$", "", found[1])
    return short, 1024.0 ** _POWERS[letter], _UNITS[_POWERS[letter]]


def _factor(unit: str) -> float:
    """A unit behind a number: `kB` and `MB` are powers of 1000, `KiB`, `K` and `M` of 1024."""
    letter, rest = unit[0].lower(), unit[1:].lower()
    base = 1000.0 if rest == "b" and letter != "b" else 1024.0
    return float(base ** _POWERS[letter])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _of_day(clock: re.Match[str]) -> float:
    hours = int(clock[1])
    if clock[4]:
        hours = hours % 12 + (12 if clock[4].upper() == "PM" else 0)
    return hours * 3600.0 + int(clock[2]) * 60.0 + float(clock[3])


def _of_date(cell: str, place: str) -> float:
    try:
        date = datetime.fromisoformat(cell.strip().removesuffix(" UTC"))
    except ValueError as e:
        raise BadInput(
            f"{place}: {quoted(cell)} is no time; expected seconds, or a date such as 2026-01-31T09:00:00Z"
        ) from e
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
