"""Durations as Prometheus and Alertmanager write them: whole numbers with units, largest first, down to 1 ms."""

from __future__ import annotations

import re
from typing import Final

_UNITS_MS: Final = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}
_ALL_MS: Final = {**_UNITS_MS, "ms": 1}
_PATTERN: Final = re.compile("".join(rf"(?:(\d+){unit}(?![a-z]))?" for unit in _ALL_MS))

HELP: Final = "a Prometheus duration, such as 30s, 5m or 1h30m"


def parse_ms(text: object) -> int:
    """Milliseconds in `text`, such as `1h30m`, `500ms` or a plain `0`.

    Raises:
        ValueError: when Prometheus would not read it as a duration.
    """
    written = str(text)
    match = _PATTERN.fullmatch(written)
    if written == "0":
        return 0
    if not match or not written:
        raise ValueError(f'"{text}" is not a duration; expected {HELP}')
    return sum(int(count) * size for count, size in zip(match.groups(), _ALL_MS.values(), strict=True) if count)


def show_ms(milliseconds: int) -> str:
    """`milliseconds` as Prometheus reads it: `5m`, `1s500ms`, `-30s`, `0s`."""
    if milliseconds <= 0:
        return f"-{show_ms(-milliseconds)}" if milliseconds else "0s"
    text, rest = "", milliseconds
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text


def divide_ms(milliseconds: int, scale: float, *, floor_ms: int = 0) -> int:
    """`milliseconds` divided by `scale`, to the nearest millisecond, and at least `floor_ms`; 0 stays 0."""
    return max(round(milliseconds / scale), floor_ms) if milliseconds else 0
