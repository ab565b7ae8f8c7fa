"""What `leakdrill runbook lint` has to say about one place of a runbook."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs; errors and warnings end `lint` with exit code 1."""

    ERROR = "error"
    """It cannot work as it is written."""
    WARNING = "warning"
    """It may not work, or nobody can tell."""
    NOTE = "note"
    """A person should know."""


@dataclass(frozen=True)
class Finding:
    """One finding."""

    rule: str
    """The name by which a comment in the file silences it."""
    level: Level
    line: int
    message: str
    """One sentence: what was found and what follows from it."""
    fix: str | None = None
    """What to write instead, where that is known."""
