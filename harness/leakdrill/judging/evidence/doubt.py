"""A reason to doubt a part of the record: it contradicts itself, or says what cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALERTS: Final = "alerts"
REQUESTS: Final = "requests"
TARGET: Final = "target"
HOST_RESOURCES: Final = frozenset({"memory", "cpu", "descriptors", "threads"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """What rests on evidence in doubt is no PASS.

    Attributes:
        text: one clause for a person: what contradicts what, and when.
        events: what says so, or the first of them.
        about: the resources, `alerts`, `requests` or `target` that cannot be told any more; empty: the whole record.
        cut_short: whether the run ended before its time, from which most other doubts follow.
        is_silence: whether readings are missing, as on a busy machine; nothing that is there contradicts itself.
    """

    text: str
    events: tuple[int, ...]
    about: frozenset[str] = frozenset()
    cut_short: bool = False
    is_silence: bool = False
