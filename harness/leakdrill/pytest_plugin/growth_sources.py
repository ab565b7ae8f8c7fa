"""The sources of growth: objects by type, allocation sites, threads and descriptors that a call leaves behind.

Measurement after the verdict and only when it is no PASS, by calling the function some more: a test that passes pays
nothing for it, and counting disturbs no reading. What was there before is frozen, so that only what came since is
walked; walking all objects of a large test suite again and again took longer than the measurement.
"""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.pytest_plugin.growth_holders import Holder, grown, latest, sizes, type_name, whose
from leakdrill.pytest_plugin.readings import FrozenHeap, come_to_rest, malloc_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.pytest_plugin.calls import Calls

_FEWEST_CALLS: Final = 3
_MOST_CALLS: Final = 500
_CHUNK: Final = 10_000
_TOP: Final = 5
_LEAST_A_CALL: Final = 0.05
"""One in twenty calls; less is chance at so few calls."""

_CALLS_IN_ALL: Final = 5
"""Each call is made once to count objects and once while tracemalloc watches, which makes it some times as slow."""

_FRAMES: Final = 1
_MANY: Final = 10
_ALIKE: Final = 3
_MOST_HOLDERS: Final = 2


@dataclass(frozen=True, slots=True)
class Site:
    """An allocation site whose memory is still held."""

    place: str
    bytes_a_call: float
    blocks_a_call: float


@dataclass(frozen=True, slots=True)
class GrowthSources:
    """The sources of growth: what each call left behind, on average over `calls` calls; the most first.

    Types of somebody's own code come before those of the language, of which they are made. `watched` says whether
    allocations were looked for.
    """

    calls: int
    types: Mapping[str, float]
    sites: Sequence[Site]
    threads: float
    descriptors: float
    malloc_bytes: float
    holders: Sequence[Holder] = ()
    watched: bool = True

    @property
    def traced_bytes(self) -> float:
        """The bytes a call that tracemalloc can place."""
        return sum(site.bytes_a_call for site in self.sites)


def find_growth_sources(calls: Calls, slot_calls: int, *, call_s: float, within_s: float) -> GrowthSources:
    """Returns what is counted before and after some more calls, of `call_s` seconds each, in about `within_s`."""
    fitting = int(within_s / (_CALLS_IN_ALL * max(call_s, 1e-9)))
    count = max(_FEWEST_CALLS, min(slot_calls, _MOST_CALLS, fitting))
    with FrozenHeap() as heap:
        found = _Growth(calls, count, heap)
        sites = _sites(calls, count) if fitting >= _FEWEST_CALLS else None
    return GrowthSources(
        calls=count,
        types=found.types,
        sites=sites or (),
        threads=found.threads,
        descriptors=found.descriptors,
        malloc_bytes=found.malloc_bytes,
        holders=found.holders(),
        watched=sites is not None,
    )


class _Growth:
    """What `count` calls leave behind, after one that replaces what earlier ones left."""

    def __init__(self, calls: Calls, count: int, heap: FrozenHeap) -> None:
        self._count = count
        calls.many(1)
        come_to_rest()
        before_sizes = sizes(heap.objects())
        first = _types()
        before, threads, descriptors = _types(), threading.active_count(), _descriptors()
        del first  # it was counted in `before` as `before` will be in `after`, so that counting cancels
        held_bytes = malloc_bytes()
        calls.many(count)
        come_to_rest()
        self.malloc_bytes = (malloc_bytes() - held_bytes) / count
        after = _types()
        self._grew = [(thing, more) for thing, more in grown(heap.objects(), before_sizes) if self._often(more)]
        after.update(_plain_elements(self._grew))
        self.types = self._top({name: number - before[name] for name, number in after.items()})
        self.threads = (threading.active_count() - threads) / count
        self.descriptors = (_descriptors() - descriptors) / count

    def holders(self) -> list[Holder]:
        """The containers that grew and have a name; the heap must not be frozen, as what refers to them lies there."""
        ours = {id(self._grew), *map(id, self._grew)}
        named = [(whose(thing, ours), thing, more) for thing, more in self._grew[:_MOST_HOLDERS]]
        return [Holder(name, type_name(type(thing)), more / self._count) for name, thing, more in named if name]

    def _often(self, more: int) -> bool:
        return more > 1 and more >= _LEAST_A_CALL * self._count

    def _top(self, more: Mapping[str, int]) -> dict[str, float]:
        often = [(name, number / self._count) for name, number in more.items() if self._often(number)]
        return dict(sorted(often, key=lambda item: ("." not in item[0], -item[1]))[:_TOP])


def _types() -> Counter[str]:
    """Returns the objects of each type since the heap was frozen: those the collector tracks, and what they hold."""
    come_to_rest()
    tracked = gc.get_objects()
    plain = {id(thing): type(thing) for thing in _held_by(tracked) if not gc.is_tracked(thing)}
    counts = Counter(map(type, tracked))
    counts.update(plain.values())
    return Counter({type_name(kind): number for kind, number in counts.items()})


def _plain_elements(grew: list[tuple[Any, int]]) -> Counter[str]:
    """The elements, of types that the collector does not track, which containers from before have gained."""
    new = {id(thing): type(thing) for container, more in grew for thing in latest(container, more)
           if not gc.is_tracked(thing)}  # fmt: skip
    return Counter(map(type_name, new.values()))


def _held_by(tracked: list[Any]) -> Iterator[Any]:
    for start in range(0, len(tracked), _CHUNK):
        yield from gc.get_referents(*tracked[start : start + _CHUNK])


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only


def _sites(calls: Calls, count: int) -> list[Site] | None:
    """Returns the lines whose memory is still held after `count` calls; None while somebody else traces."""
    if tracemalloc.is_tracing():
        return None
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
    sites = [_site(place, pieces, before.get(place, []), count) for place, pieces in after.items()]
    return sorted((s for s in sites if s.bytes_a_call >= 1), key=lambda site: -site.bytes_a_call)[:_TOP]


def _by_line(snapshot: tracemalloc.Snapshot) -> dict[str, list[int]]:
    """Returns the sizes of what is held, by the line that allocated it; without this module's and tracemalloc's own."""
    pieces: dict[str, list[int]] = {}
    for trace in snapshot.traces:
        frame = trace.traceback[0]
        if frame.filename not in (tracemalloc.__file__, __file__):
            pieces.setdefault(f"{frame.filename}:{frame.lineno}", []).append(trace.size)
    return pieces


def _site(place: str, after: list[int], before: list[int], count: int) -> Site:
    """Returns the growth a call, without the largest piece of many: a list that moved as it grew counts whole, once."""
    *_, second, largest = [0, 0, *sorted(after)]
    moved = largest if len(after) >= _MANY and largest > _ALIKE * second else 0
    return Site(place, (sum(after) - moved - sum(before)) / count, (len(after) - len(before)) / count)
