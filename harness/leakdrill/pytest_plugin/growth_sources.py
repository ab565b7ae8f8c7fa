"""The sources of growth: objects by type, allocation sites, threads and descriptors that a call leaves behind.

Measurement after the verdict and only when it is no PASS, by calling the function some more: a test that passes pays
nothing for it, and counting disturbs no reading.
"""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.pytest_plugin.readings import come_to_rest, malloc_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.pytest_plugin.calls import Calls

_FEWEST_CALLS: Final = 20
_MOST_CALLS: Final = 500
_CHUNK: Final = 10_000
_TOP: Final = 5
_LEAST_A_CALL: Final = 0.05
"""One in twenty calls; less is chance at so few calls."""

_FRAMES: Final = 1
_MANY: Final = 10
_ALIKE: Final = 3


@dataclass(frozen=True, slots=True)
class Site:
    """An allocation site whose memory is still held."""

    place: str
    bytes_a_call: float
    blocks_a_call: float


@dataclass(frozen=True, slots=True)
class GrowthSources:
    """The sources of growth: what each call left behind, on average over `calls` calls; the most first."""

    calls: int
    types: Mapping[str, float]
    sites: Sequence[Site]
    threads: float
    descriptors: float
    malloc_bytes: float

    @property
    def traced_bytes(self) -> float:
        """The bytes a call that tracemalloc can place."""
        return sum(site.bytes_a_call for site in self.sites)


def find_growth_sources(calls: Calls, slot_calls: int) -> GrowthSources:
    """Returns what is counted before and after some more calls."""
    count = max(_FEWEST_CALLS, min(slot_calls, _MOST_CALLS))
    malloc_growth = _malloc_grown(calls, count)
    types, (threads, descriptors) = _grown(calls, count)
    return GrowthSources(count, types, _sites(calls, count), threads, descriptors, malloc_growth)


def _malloc_grown(calls: Calls, count: int) -> float:
    come_to_rest()
    before = malloc_bytes()
    calls.many(count)
    come_to_rest()
    return (malloc_bytes() - before) / count


def _grown(calls: Calls, count: int) -> tuple[dict[str, float], tuple[float, float]]:
    first = _types()
    before, threads, descriptors = _types(), threading.active_count(), _descriptors()
    del first  # it was counted in `before` as `before` will be in `after`, so that counting cancels
    calls.many(count)
    after = _types()
    more = {name: (number - before[name]) / count for name, number in after.items()}
    top = sorted((item for item in more.items() if item[1] >= _LEAST_A_CALL), key=lambda item: -item[1])
    others = (threading.active_count() - threads) / count, (_descriptors() - descriptors) / count
    return dict(top[:_TOP]), others


def _types() -> Counter[str]:
    """Returns the objects alive of each type: those the collector tracks, and what they hold that it does not."""
    come_to_rest()
    tracked = gc.get_objects()
    plain = {id(thing): type(thing) for thing in _held_by(tracked) if not gc.is_tracked(thing)}
    counts = Counter(map(type, tracked))
    counts.update(plain.values())
    return Counter(
        {f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."): n for kind, n in counts.items()}
    )


def _held_by(tracked: list[Any]) -> Iterator[Any]:
    for start in range(0, len(tracked), _CHUNK):
        yield from gc.get_referents(*tracked[start : start + _CHUNK])


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only


def _sites(calls: Calls, count: int) -> list[Site]:
    """Returns the lines whose memory is still held after `count` calls; none while somebody else traces."""
    if tracemalloc.is_tracing():
        return []
    tracemalloc.start(_FRAMES)
    try:
        calls.many(1)
        come_to_rest()
        before = _by_line(tracemalloc.take_snapshot())
        calls.many(count)
        come_to_rest()
        after = _by_line(tracemalloc.take_snapshot())
    finally:
        tracemalloc.stop()
    sites = [_site(place, sizes, before.get(place, []), count) for place, sizes in after.items()]
    return sorted((s for s in sites if s.bytes_a_call >= 1), key=lambda site: -site.bytes_a_call)[:_TOP]


def _by_line(snapshot: tracemalloc.Snapshot) -> dict[str, list[int]]:
    """Returns the sizes of what is held, by the line that allocated it; without this module's and tracemalloc's own."""
    sizes: dict[str, list[int]] = {}
    for trace in snapshot.traces:
        frame = trace.traceback[0]
        if frame.filename not in (tracemalloc.__file__, __file__):
            sizes.setdefault(f"{frame.filename}:{frame.lineno}", []).append(trace.size)
    return sizes


def _site(place: str, after: list[int], before: list[int], count: int) -> Site:
    """Returns the growth a call, without the largest piece of many: a list that moved as it grew counts whole, once."""
    *_, second, largest = [0, 0, *sorted(after)]
    moved = largest if len(after) >= _MANY and largest > _ALIKE * second else 0
    return Site(place, (sum(after) - moved - sum(before)) / count, (len(after) - len(before)) / count)
