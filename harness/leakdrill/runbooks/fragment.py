"""A fragment of a runbook: a statement, and where in the Markdown it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leakdrill.runbooks.base.kind import COMMANDS, FragmentKind
from leakdrill.runbooks.base.placeholder import Placeholder
from leakdrill.runbooks.base.statement import Statement

__all__ = ["COMMANDS", "Fragment", "FragmentKind", "Place", "Placeholder", "Statement"]


class Place(StrEnum):
    """Where a fragment stands in the Markdown."""

    FENCE = "fenced block"
    INDENTED = "indented block"
    INLINE = "inline code"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True)
class Fragment(Statement):
    """One command, or one block that is no shell. Commands of one block are fragments of their own, in order."""

    place: Place
    language: str = ""
    """The language that the fence names, in lower case; empty where none is named."""
    section: tuple[str, ...] = ()
    """The headings above it, the outermost first."""

    @classmethod
    def at(cls, statement: Statement, place: Place, language: str, section: tuple[str, ...]) -> Fragment:
        """`statement` as it stands in the file: in `place`, under the headings of `section`."""
        return cls(**vars(statement), place=place, language=language, section=section)
