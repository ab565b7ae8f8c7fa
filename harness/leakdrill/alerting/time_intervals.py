"""Alertmanager's time intervals: whether a moment lies in one, by hours, weekdays, days of the month, months, years."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = tuple(name.lower() for name in calendar.month_name)
_UTC: Final = "UTC"


def is_inside(entries: Any, moment: datetime) -> bool:
    """Whether `moment`, which has a time zone, lies in one of `entries`, which is what a time interval is made of.

    Raises:
        ValueError: when one of them cannot be read.
    """
    try:
        return any(_is_in(entry, moment.astimezone(_zone(entry))) for entry in entries or ())
    except (LookupError, TypeError, AttributeError) as e:
        raise ValueError(f"{entries} is no time interval of Alertmanager's") from e


def _zone(entry: Mapping[str, Any]) -> tzinfo | None:
    """The time zone that `entry` names; None for that of this machine."""
    name = str(entry.get("location") or _UTC)
    try:
        return None if name == "Local" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError(f"{name} is no time zone that is known here") from e


def _is_in(entry: Mapping[str, Any], now: datetime) -> bool:
    length = calendar.monthrange(now.year, now.month)[1]
    minute = now.hour * 60 + now.minute
    conditions: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("times", lambda one: _minute(one["start_time"]) <= minute < _minute(one["end_time"])),
        ("weekdays", lambda one: _between(one, now.isoweekday() % 7, _WEEKDAYS)),
        ("days_of_month", lambda one: _between(one, now.day, (), length=length)),
        ("months", lambda one: _between(one, now.month, _MONTHS)),
        ("years", lambda one: _between(one, now.year, ())),
    )
    return all(any(holds(one) for one in entry[key]) for key, holds in conditions if entry.get(key))


def _minute(text: Any) -> int:
    hours, minutes = str(text).split(":")
    return int(hours) * 60 + int(minutes)


def _between(written: Any, have: int, names: tuple[str, ...], *, length: int = 0) -> bool:
    """Whether `have` lies in a range as Alertmanager writes it: `monday:friday`, `5`, `-3:-1` from the end on."""
    first, _, last = str(written).lower().replace(" ", "").partition(":")
    low, high = _number(first, names, length), _number(last or first, names, length)
    return low <= have <= high


def _number(text: str, names: tuple[str, ...], length: int) -> int:
    number = names.index(text) if text in names else int(text)
    return number + length + 1 if number < 0 else number
