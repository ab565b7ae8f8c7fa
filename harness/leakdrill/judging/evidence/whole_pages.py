"""Whether memory was read in the units in which kernels hold it: whole pages, or the KiB that `smaps` tells.

Only a sealed record is asked: those of earlier versions may hold what was computed from other figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, Doubt
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.record.events import (
    CgroupResources,
    GateSlot,
    PodResources,
    ProcessSmaps,
    ProcessTree,
    ReplicaResources,
    WatchExited,
    WatchMemory,
)
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event_class import Sample
    from leakdrill.record.history import History

_PAGE: Final = 4096
"""Larger pages are multiples of it."""
_KIB: Final = 1024
_GROUP: Final = ("usage_bytes", "working_set_bytes", "anon_bytes", "cache_bytes")
_UNITS: Final[tuple[tuple[type[Sample], tuple[str, ...], int], ...]] = (
    (CgroupResources, _GROUP, _PAGE),
    (PodResources, _GROUP, _PAGE),
    (ReplicaResources, _GROUP, _PAGE),
    (ProcessTree, ("rss_bytes", "ended_bytes"), _PAGE),
    (ProcessSmaps, ("pss_bytes", "uss_bytes", "anon_bytes"), _KIB),
    (GateSlot, ("rss_before_bytes", "rss_after_bytes"), _PAGE),
    (GateSlot, ("pss_bytes", "uss_bytes", "anon_bytes"), _KIB),
    (WatchMemory, ("memory_bytes", "anon_bytes", "shmem_bytes", "cache_bytes"), _PAGE),
    (WatchExited, ("low_bytes", "high_bytes", "largest_process_bytes"), _KIB),
)


def page_doubts(history: History) -> Iterator[Doubt]:
    """The first figure of each meter that no kernel gives."""
    for event_class, names, unit in _UNITS if is_sealed(history) else ():
        for event in readings(history, event_class):
            part = next((name for name in names if event.values.get(name, 0.0) % unit), "")
            if part:
                meter = f"{event_class.source}/{event_class.event_name}"
                text = f"{meter} read {event.values[part]:.0f} B of {part} at {show_duration(event.t)}"
                text = f"{text}, which is no multiple of the {unit} B in which memory is told"
                yield Doubt(text, (event.index,), HOST_RESOURCES)
                break
