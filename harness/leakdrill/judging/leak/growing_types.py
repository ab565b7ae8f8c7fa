"""Which types of objects grew with the requests: whole numbers a request say where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.record.history import History

_TOP: Final = 4
_SITES: Final = 3
_LEAST_OF_LARGEST: Final = 0.1
_LEAST_PER_REQUEST: Final = 0.02


def growing_sites(history: History, *, build: str, corpus: str) -> list[str]:
    """One clause naming the lines that allocated what was kept; empty when tracemalloc was off."""
    events = history.where(source="gate", name="site", labels={"build": build, "corpus": corpus})
    sizes = [(e.value["size_bytes"], e.labels["site"].partition(" < ")[0]) for e in events if isinstance(e.value, dict)]
    least = _LEAST_OF_LARGEST * max((size for size, _ in sizes), default=0.0)
    grown = [f"{site} ({show_size(size)})" for size, site in sizes[:_SITES] if size > 0 and size >= least]
    return [f"allocated at {', '.join(grown)}"] if grown else []


def growing_types(history: History, *, build: str, corpus: str) -> list[str]:
    """One clause naming the types that grew most, by how many a request; empty when nobody counted or nothing grew."""
    found = [
        event.value
        for moment in ("before", "after")
        for event in history.where(
            source="gate", name="types", labels={"build": build, "corpus": corpus, "moment": moment}
        )
        if isinstance(event.value, dict)
    ]
    if len(found) != 2:  # noqa: PLR2004 - before and after
        return []
    before, after = found
    requests = after["requests"] - before["requests"]
    if requests <= 0:
        return []
    grown = {
        name: (count - before[name]) / requests
        for name, count in after.items()
        if name in before and name != "requests"
    }
    top = sorted(((rate, name) for name, rate in grown.items() if rate >= _LEAST_PER_REQUEST), reverse=True)[:_TOP]
    if not top:
        return ["no type of Python object that was counted grew with the requests"]
    return ["objects grown a request: " + ", ".join(f"{name} {rate:+.2f}" for rate, name in top)]
