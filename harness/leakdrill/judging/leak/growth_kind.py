"""The kind of growth: live objects, native memory, what allocators keep, or something that none of them counts.

Resident memory cannot tell. The interpreter's count of allocated blocks and `mallinfo2` can: blocks are Python's own
small objects (16 to 512 bytes each), `uord + hblkhd` is what everything else holds through malloc, and `ford` is what
malloc keeps although nobody uses it. Under PYTHONMALLOC=malloc there are no blocks, and malloc sees the whole heap.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.slope import NOTHING_KNOWN, Slope, fit_slope

if TYPE_CHECKING:
    from leakdrill.judging.leak.quiescent_points import Points

SMALLEST_BLOCK_BYTES: Final = 16
LARGEST_BLOCK_BYTES: Final = 512
"""Sizes that Python's allocator serves itself (Objects/obmalloc.c); larger ones go to malloc."""

PAGE_BYTES: Final = 4096
MALLOC_STEP_BYTES: Final = 16


class Kind(StrEnum):
    """The kind of growth, as far as the recording's columns tell."""

    NONE = "nothing"
    LIVE_OBJECTS = "live objects"
    NATIVE = "native memory"
    HEAP = "live objects or native memory"
    THREADS = "threads that do not end"
    DESCRIPTORS = "descriptors that are not closed"
    RETAINED = "allocator-retained memory"
    UNCOUNTED = "memory outside the counted allocators"
    FILLING = "a cache that is still filling"
    FOLLOWS_RATE = "memory that follows the request rate"
    STEPS = "a few large steps"
    RESIDENT = "resident memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Memory in use, by the allocators' own count, per request.

    Attributes:
        malloc: bytes in use by malloc; by all allocators when `exact`.
        blocks: small Python objects; None under PYTHONMALLOC=malloc, and when nobody counted.
        kept: bytes that malloc holds although nobody uses them.
        tracked: objects that the garbage collector tracks; None when nobody counted.
        exact: whether `malloc` has the small Python objects too.
    """

    malloc: Slope
    blocks: Slope | None
    kept: Slope
    tracked: Slope | None
    exact: bool

    @property
    def low_bytes(self) -> float:
        """The least that live memory grows: every block at its smallest."""
        return self.malloc.low + self._blocks("low") * SMALLEST_BLOCK_BYTES

    @property
    def least_bytes(self) -> float:
        """The growth of live memory by the estimates, every block at its smallest."""
        return self.malloc.per_request + self._blocks("per_request") * SMALLEST_BLOCK_BYTES

    @property
    def high_bytes(self) -> float:
        """The most that live memory grows: every block at its largest."""
        return self.malloc.high + self._blocks("high") * LARGEST_BLOCK_BYTES

    def _blocks(self, end: str) -> float:
        return 0.0 if self.exact or self.blocks is None else max(0.0, float(getattr(self.blocks, end)))


def live(part: Points, confidence: float) -> Live | None:
    """Growth of what is in use in `part`; None when the recording does not have the counters for it."""
    counters, in_use = part.counters, part.malloc_in_use
    if in_use is None or ("blocks" not in counters and part.exactly_in_use is None):
        return None

    def of(name: str, resolution: float) -> Slope | None:
        values = counters.get(name)
        if values is None or not np.any(values):
            return None
        return fit_slope(part.requests, values, confidence=confidence, resolution=resolution)

    return Live(
        malloc=fit_slope(part.requests, in_use, confidence=confidence, resolution=MALLOC_STEP_BYTES),
        blocks=of("blocks", 1.0),
        kept=of("ford", MALLOC_STEP_BYTES) or NOTHING_KNOWN,
        tracked=of("gcobj", 1.0),
        exact=part.exactly_in_use is not None,
    )


def kind_of(resident: Slope, live_growth: Live | None) -> Kind:
    """The kind that accounts for most of the growth of `resident`."""
    if resident.low <= 0 and (live_growth is None or live_growth.low_bytes <= 0):
        return Kind.NONE
    if live_growth is None:
        return Kind.RESIDENT
    grown, blocks = max(resident.per_request, 0.0), live_growth.blocks
    if blocks is not None and blocks.low > 0 and blocks.high * LARGEST_BLOCK_BYTES >= grown / 2:
        return Kind.LIVE_OBJECTS
    if live_growth.malloc.low > 0 and live_growth.malloc.per_request >= grown / 2:
        return _malloc_kind(live_growth)
    return Kind.RETAINED if live_growth.kept.per_request >= grown / 2 else Kind.UNCOUNTED


def _malloc_kind(live_growth: Live) -> Kind:
    if live_growth.tracked is not None and live_growth.tracked.low > 0:
        return Kind.LIVE_OBJECTS
    return Kind.HEAP if live_growth.blocks is None else Kind.NATIVE


def held(part: Points, confidence: float) -> Kind | None:
    """The thing that the process holds more and more of beside memory: threads, else descriptors, else nothing."""
    for name, kind in (("threads", Kind.THREADS), ("fds", Kind.DESCRIPTORS)):
        counts = part.counters.get(name)
        if counts is not None and fit_slope(part.requests, counts, confidence=confidence).low > 0:
            return kind
    return None


def retained_per_request(resident: Slope, live_growth: Live | None) -> float:
    """Bytes per request that stay resident although nobody uses them: kept by malloc, and no more than unexplained.

    0 where small Python objects grew, since their size is not known, and where nobody counted.
    """
    if live_growth is None or (not live_growth.exact and live_growth.blocks is not None and live_growth.blocks.low > 0):
        return 0.0
    unexplained = resident.per_request - max(0.0, live_growth.malloc.per_request)
    return max(0.0, min(unexplained, live_growth.kept.per_request))


def describe(kind: Kind, live_growth: Live | None) -> str:
    """The kind in words, with the count that shows it."""
    if live_growth is None:
        return str(kind)
    if kind is Kind.LIVE_OBJECTS and live_growth.blocks is not None:
        return f"{kind}: {_count(live_growth.blocks.per_request, 'block')} a request"
    if kind is Kind.LIVE_OBJECTS and live_growth.tracked is not None:
        return f"{kind}: {_count(live_growth.tracked.per_request, 'tracked object')} a request"
    if kind in (Kind.NATIVE, Kind.HEAP):
        return f"{kind}: {live_growth.malloc.per_request:.0f} B a request held through malloc"
    return str(kind)


def _count(per_request: float, noun: str) -> str:
    number = f"{per_request:.2f}".rstrip("0").rstrip(".") if per_request >= 0.01 else f"{per_request:.1g}"  # noqa: PLR2004 - two decimals show nothing below
    return f"{number} more {noun}{'' if number == '1' else 's'}"
