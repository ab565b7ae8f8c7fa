"""The types of objects that grew with the requests: whole numbers a request say where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.record.events import GateSite, GateTypes
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.record.history import History

_TOP: Final = 4
_SITES: Final = 3
_LEAST_OF_LARGEST: Final = 0.1
_LEAST_PER_REQUEST: Final = 0.02


def growing_sites(history: History, *, build: str, corpus: str) -> list[str]:
    """One clause naming the lines that allocated what was kept; empty when tracemalloc was off."""
    events = [e for e in history.of(GateSite) if (e.build, e.corpus) == (build, corpus)]
    sizes = [(e.size_bytes, e.site.partition(" < ")[0]) for e in events if e.size_bytes is not None]
    least = _LEAST_OF_LARGEST * max((size for size, _ in sizes), default=0.0)
    grown = [f"{site} ({show_size(size)})" for size, site in sizes[:_SITES] if size > 0 and size >= least]
    return [f"allocated at {', '.join(grown)}"] if grown else []


def growing_types(history: History, *, build: str, corpus: str) -> list[str]:
    """One clause naming the types that grew most, by how many a request; empty when nobody counted or nothing grew."""
    counted = [
        event
        for moment in ("before", "after")
        for event in history.of(GateTypes)
        if (event.build, event.corpus, event.moment) == (build, corpus, moment) and event.requests is not None
    ]
    if len(counted) != 2:  # noqa: PLR2004 - before and after
        return []
    before, after = counted
    requests = (after.requests or 0.0) - (before.requests or 0.0)
    if requests <= 0:
        return []
    grown = {
        name: (count - before.counts[name]) / requests for name, count in after.counts.items() if name in before.counts
    }
    top = sorted(((rate, name) for name, rate in grown.items() if rate >= _LEAST_PER_REQUEST), reverse=True)[:_TOP]
    if not top:
        return ["no type of Python object that was counted grew with the requests"]
    return ["objects grown a request: " + ", ".join(f"{name} {rate:+.2f}" for rate, name in top)]
