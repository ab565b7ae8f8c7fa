"""Bounded caches that were still filling: growth that ends by itself and yet looks exactly like a leak.

`functools.lru_cache` can be asked, so it is. A cache of another kind that does not fill within the measurement cannot
be told from a leak by anybody who only looks at memory.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHARE_OF_CALLS: Final = 0.001
"""Fewer new entries than one in a thousand calls are not what every call leaves behind."""

LRU_CACHE: Final[Any] = type(functools.lru_cache(lambda: None))


@dataclass(frozen=True, slots=True)
class CacheFill:
    """The fill of one cache before and after some calls; `most` is None for one without a bound."""

    name: str
    before: int
    after: int
    most: int | None
    calls: int

    @property
    def explains_growth(self) -> bool:
        """Whether it is bounded and took entries in at a rate that matters."""
        return self.most is not None and self.grew

    @property
    def grew(self) -> bool:
        """Whether it took entries in at a rate that matters."""
        return self.after - self.before > _SHARE_OF_CALLS * self.calls

    @property
    def calls_until_full(self) -> int:
        """The calls until a bounded cache is full, at the rate measured; 0 for one without a bound."""
        gained = max(1, self.after - self.before)
        return 0 if self.most is None else -(-(self.most - self.after) * self.calls // gained)

    def __str__(self) -> str:
        bound = "no bound" if self.most is None else f"a bound of {self.most}"
        return f"lru_cache of {self.name}: from {self.before} to {show_count(self.after, 'entry', 'entries')}, {bound}"


class LruCaches:
    """The `functools.lru_cache`s among `objects`, and how full each was at the start."""

    def __init__(self, objects: Iterable[Any]) -> None:
        caches = [thing for thing in objects if type(thing) is LRU_CACHE]
        self._before = [(cache, cache.cache_info().currsize) for cache in caches]

    def since(self, calls: int) -> Sequence[CacheFill]:
        """Returns the fill of each cache that took entries in, over `calls` calls."""
        fills = [_fill(cache, size, calls) for cache, size in self._before]
        return sorted((fill for fill in fills if fill.grew), key=lambda fill: fill.before - fill.after)


def _fill(cache: Any, before: int, calls: int) -> CacheFill:
    info = cache.cache_info()
    name = f"{getattr(cache, '__module__', '?')}.{getattr(cache, '__qualname__', '?')}"
    return CacheFill(name=name, before=before, after=info.currsize, most=info.maxsize, calls=calls)
