"""The process that runs a drill: noted beside the journal, and known to live by the journal's lock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import orjson
import psutil

from leakdrill.files import write_below
from leakdrill.record.journal_header import NAME_PREFIX
from leakdrill.record.stored_journal import owner_lives

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NAME_PREFIX", "OWNER_FILE", "note_owner", "owner_lives"]

OWNER_FILE: Final = "drill.pid"
"""Beside the journal: which process runs the drill, for people and for whoever started it. Nothing is decided by it."""


def note_owner(run_dir: Path) -> None:
    """Write down in `run_dir` that this process runs its drill."""
    created = psutil.Process().create_time()
    write_below(run_dir, OWNER_FILE, orjson.dumps({"pid": os.getpid(), "create_time": created}))
