"""Durations, sizes, rates and shares as people write them: `1h30m`, `256MiB`, `50/s`, `10%`.

A bare number is refused where a unit matters: `timeout: 30` has cost people an evening more than once.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w)){1,6}", re.ASCII)

_BYTES: Final = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?i?B)", re.ASCII)
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)", re.ASCII)
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)

_SHOWN_CHARS: Final = 300
_MOST_BYTES: Final = math.nextafter(2.0**63, 0)
"""No kernel counts that many bytes, and no record holds such a number."""

_LONGEST_S: Final = 100 * 365 * 86_400.0
_FASTEST: Final = 1e15
_MOST_TIMES: Final = 1e9
"""A century; a request each femtosecond; a billion times as much. What is beyond is a slip."""

DURATION_HELP: Final = "a number with a unit, such as 30s, 5m or 1h30m"
SIZE_HELP: Final = "a number with a unit, such as 64KiB, 256MiB or 2GiB"
RATE_HELP: Final = "a number per time, such as 50/s or 600/m"
SHARE_HELP: Final = "a percentage, such as 10% or 0.5%"


def parse_duration(text: object) -> float:
    """Seconds in `text`, such as `30s`, `1h30m` or `500ms`.

    Raises:
        ValueError: when it is not a number with a unit.
    """
    if not isinstance(text, str) or not _DURATION.fullmatch(text.strip()):
        raise ValueError(f"{quoted(text)} is not a duration; expected {DURATION_HELP}")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    return _sane(seconds, _LONGEST_S, text, "duration", DURATION_HELP)


def parse_size(text: object) -> int:
    """Bytes in `text`, such as `64KiB` (1024) or `5MB` (1000).

    Raises:
        ValueError: when it is not a number with a unit.
    """
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{quoted(text)} is not a size; expected {SIZE_HELP}")
    return round(_sane(float(match[1]) * _BYTES[match[2]], _MOST_BYTES, text, "size", SIZE_HELP))


def parse_rate(text: object) -> float:
    """Events per second in `text`, such as `50/s` or `600/m`.

    Raises:
        ValueError: when it is not a number per time.
    """
    match = _RATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a rate; expected {RATE_HELP}")
    return _sane(float(match[1]) / _SECONDS[match[2]], _FASTEST, text, "rate", RATE_HELP)


def parse_share(text: object) -> float:
    """The ratio in a percentage: `10%` is 0.1.

    Raises:
        ValueError: when it is not a percentage.
    """
    match = _SHARE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a percentage; expected {SHARE_HELP}")
    return _sane(float(match[1]) / 100, _MOST_TIMES, text, "percentage", SHARE_HELP)


def _sane(number: float, most: float, text: object, what: str, expected: str) -> float:
    if number > most:
        raise ValueError(f"{quoted(text)} is larger than any {what}; expected {expected}")
    return number


def plain(number: float) -> str:
    """`number` in digits alone, as the quantities here are read: `1099511627776`, `0.00001`; never `1e-05`."""
    short = f"{number:.12g}"
    return f"{Decimal(short if float(short) == number else repr(number)):f}"


def show_code(code: float | None) -> str:
    """An exit code for a person: `2`; `?` where nobody knows it."""
    return "?" if code is None else f"{code:g}"


def quoted(value: object) -> str:
    """`value` as a message shows it, at most its beginning: text in double quotes, the rest as YAML would show it."""
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= _SHOWN_CHARS else f'"{value[:_SHOWN_CHARS]}…"'
    text = str(value).lower() if value is None else repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def show_duration(seconds: float) -> str:
    """`seconds` for a person: `450 ms`, `41 s`, `5 min`, `1 h 30 min`, `5 d 4 h`."""
    if seconds < 0:
        return f"-{show_duration(-seconds)}"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth is worth reading
        return f"{seconds:.1f} s".replace(".0 s", " s")
    return _two_largest(round(seconds))


def show_durations(*seconds: float) -> list[str]:
    """Several durations of one sentence for a person: different ones read differently, from a millisecond on."""
    texts = [show_duration(one) for one in seconds]
    if len(set(texts)) == len({round(one, 3) for one in seconds}):
        return texts
    return [f"{one:.3f}".rstrip("0").rstrip(".") + " s" for one in seconds]


def _two_largest(seconds: int) -> str:
    parts: list[tuple[int, str]] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count) or "0 s"


def show_size(count_bytes: float) -> str:
    """`count_bytes` for a person, in binary units with three significant figures: `1.25 MiB`."""
    sign, rest = ("-", -count_bytes) if count_bytes < 0 else ("", count_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if rest < 1024 or unit == "GiB":  # noqa: PLR2004 - the binary step
            return f"{sign}{rest:.3g} {unit}" if rest < 999.5 else f"{sign}{rest:.0f} {unit}"  # noqa: PLR2004
        rest /= 1024
    raise AssertionError


def show_share(ratio: float) -> str:
    """`ratio` as a percentage with up to two decimals: 0.1 is `10 %`."""
    return f"{ratio * 100:.2f}".rstrip("0").rstrip(".") + " %"


def show_count(number: float, noun: str, plural: str = "") -> str:
    """`number` of what `noun` names, a whole number: `1 reading`, `2 readings`; `plural` where it has no plain s."""
    text = f"{number:.0f}"
    return f"{text} {noun if text == '1' else plural or f'{noun}s'}"
