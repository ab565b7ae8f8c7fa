"""The end of a warm-up, read from the memory of the service under load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPAN_S: Final = 4.0
_STILL_SHARE: Final = 0.01
_STILL_BYTES: Final = 256 * 1024
_PLAIN_SPAN_S: Final = 1.5
_PLAIN_BYTES: Final = 16 * 2**20
_PLAIN_SHARE: Final = 0.5


def has_settled(readings: Sequence[tuple[float, float]]) -> bool:
    """Whether memory rose by no more than 1 % (or 256 KiB) from one stretch of 4 s to the next.

    A leak never settles and need not: warm-up is bounded, and what is left of it is found again by the verdict.

    Args:
        readings: (seconds, bytes), in order.
    """
    if not readings or readings[-1][0] - readings[0][0] < 2 * _SPAN_S:
        return False
    end = readings[-1][0]
    late = [value for t, value in readings if t > end - _SPAN_S]
    early = [value for t, value in readings if end - 2 * _SPAN_S < t <= end - _SPAN_S]
    if not early:
        return False
    before = sorted(early)[len(early) // 2]
    return sorted(late)[len(late) // 2] - before <= max(_STILL_SHARE * before, _STILL_BYTES)


def rises_plainly(readings: Sequence[tuple[float, float]]) -> bool:
    """Whether memory rose by 16 MiB or more in each of the last two stretches of 1.5 s, and hardly slower in the last.

    At full load such a service only makes its quiescent points expensive: the more objects, the longer a collection.

    Args:
        readings: (seconds, bytes), in order.
    """
    if not readings or readings[-1][0] - readings[0][0] < 2 * _PLAIN_SPAN_S:
        return False
    end, now = readings[-1]
    before, start = (
        next(value for t, value in reversed(readings) if t <= end - spans * _PLAIN_SPAN_S) for spans in (1, 2)
    )
    earlier, later = before - start, now - before
    return min(earlier, later) >= _PLAIN_BYTES and later >= _PLAIN_SHARE * earlier
