"""Whether a record is sealed, and so of a version that wrote everything that is asked for here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.record.events import RecordCovers

if TYPE_CHECKING:
    from leakdrill.record.history import History


def is_sealed(history: History) -> bool:
    """Whether the record has a hash chain, which those of schema version 1 do not have."""
    return bool(history.of(RecordCovers))
