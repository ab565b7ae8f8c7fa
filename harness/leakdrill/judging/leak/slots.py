"""A gate run's quiescent points, taken out of its history. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.trace import Trace
from leakdrill.record.events import GateSlot

if TYPE_CHECKING:
    from leakdrill.record.history import History

COLUMNS: Final = {
    "rss_before_bytes": "rss_before",
    "rss_after_bytes": "rss",
    "uss_bytes": "uss",
    "pss_bytes": "pss",
    "anon_bytes": "anon",
    "shmem_bytes": "shmem",
    "live_bytes": "live",
    "blocks": "blocks",
    "gc_objects": "gcobj",
    "uordblks_bytes": "uord",
    "hblkhd_bytes": "hblkhd",
    "fordblks_bytes": "ford",
}
"""Names in a slot's event, and the columns of a recording that they become."""

_AGENTS: Final = frozenset({"live_bytes", "blocks", "gc_objects", "uordblks_bytes", "hblkhd_bytes", "fordblks_bytes"})
"""What only an agent in the service says."""


def slot_events(history: History, *, build: str, corpus: str) -> list[GateSlot]:
    """The quiescent points of one build under one corpus, in order."""
    return [e for e in history.of(GateSlot) if (e.build, e.corpus) == (build, corpus) and e.values]


def corpora(history: History, *, build: str) -> list[str]:
    """The corpora under which `build` was measured, in order."""
    return list(dict.fromkeys(event.corpus for event in history.of(GateSlot) if event.build == build))


def slot_trace(history: History, *, build: str, corpus: str) -> Trace:
    """The recording of one build under one corpus; a column that any slot lacks is left out.

    Slots in which an agent was silent that spoke in the others are left out: garbage was not collected there.
    """
    rows = [event.values for event in slot_events(history, build=build, corpus=corpus)]
    spoken = [row for row in rows if _AGENTS & row.keys()]
    rows = spoken if len(spoken) > len(rows) / 2 else rows
    known = [name for name in COLUMNS if rows and all(name in row for row in rows)]

    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([row[name] for row in rows], dtype=float)

    return Trace(
        name=build,
        t=column("load_s") if rows else np.empty(0),
        requests=column("requests") if rows else np.empty(0),
        columns={COLUMNS[name]: column(name) for name in known} or {"anon": np.empty(0)},
        quiet=True,
    )
