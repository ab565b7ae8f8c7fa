"""The tables of a gate run: its growth with intervals, its slots, and what grew by type and by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.gate import BASELINE, CANDIDATE
from leakdrill.judging.leak.slots import slot_events
from leakdrill.record.events import GateSite, GateTypes
from leakdrill.reports.page.content import Table
from leakdrill.reports.page.growth import growth_rows
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.reports.page.gate_charts import Measured

_TOP: Final = 15
_GROWTH_HEAD: Final = ("", "bytes a request", "from", "to", "points")


def gate_tables(measured: Measured) -> Iterator[Table]:
    """The tables of a gate run, for each corpus and build."""
    names = list(measured.verdicts)
    for corpus in names:
        of = "" if len(names) == 1 else f", {corpus} corpus"
        yield Table(title=f"Growth{of}", head=_GROWTH_HEAD, rows=tuple(growth_rows(measured.verdicts[corpus])))
        for build in (CANDIDATE, BASELINE):
            tables = (_types(measured.history, build, corpus), _sites(measured.history, build, corpus))
            for title, head, rows in tables:
                if rows:
                    yield Table(title=f"{title}, {build}{of}", head=head, rows=tuple(rows))
            yield from _slots(measured.history, build, corpus, of)


def _types(history: History, build: str, corpus: str) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """The types of which there were more after the slots than before, those that grew most first."""
    counted = {e.moment: e for e in history.of(GateTypes) if (e.build, e.corpus) == (build, corpus)}
    before, after = counted.get("before"), counted.get("after")
    rows: list[tuple[str, ...]] = []
    if before is not None and after is not None:
        requests = (after.requests or 0.0) - (before.requests or 0.0)
        grown = {name: count - before.counts.get(name, 0.0) for name, count in after.counts.items()}
        top = sorted(((more, name) for name, more in grown.items() if more > 0), reverse=True)[:_TOP]
        rows = [(name, f"{more:+.0f}", f"{more / requests:+.3f}" if requests > 0 else "") for more, name in top]
    return "What grew by type", ("type", "objects", "a request"), rows


def _sites(history: History, build: str, corpus: str) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    found = [e for e in history.of(GateSite) if (e.build, e.corpus) == (build, corpus) and e.size_bytes is not None]
    top = sorted(found, key=lambda e: -(e.size_bytes or 0.0))[:_TOP]
    rows: list[tuple[str, ...]] = [(e.site, show_size(e.size_bytes or 0.0), f"{e.count or 0:.0f}") for e in top]
    return "Which lines allocated it, in one slot", ("line, and its callers", "left behind", "blocks"), rows


def _slots(history: History, build: str, corpus: str, of: str) -> Iterator[Table]:
    rows = tuple(
        (
            f"{slot.round or 0:.0f}",
            f"{slot.requests or 0:.0f}",
            show_duration(slot.load_s or 0.0),
            *(show_size(value) if value is not None else "not read" for value in _memory(slot.values)),
            f"{slot.threads or 0:.0f}",
            f"{slot.fds or 0:.0f}",
        )
        for slot in slot_events(history, build=build, corpus=corpus)
    )
    if rows:
        head = (
            "slot",
            "requests",
            "under load",
            "RSS",
            "RSS after",
            "PSS after",
            "anonymous",
            "threads",
            "descriptors",
        )
        yield Table(title=f"Slot by slot, {build}{of}", head=head, rows=rows, folded=True)


def _memory(values: dict[str, float]) -> list[float | None]:
    return [values.get(name) for name in ("rss_before_bytes", "rss_after_bytes", "pss_bytes", "anon_bytes")]
