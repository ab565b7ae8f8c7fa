"""A fragment of a runbook: one command, query, rule or piece of configuration, and what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leakdrill.runbooks.base.kind import COMMANDS, FragmentKind
from leakdrill.runbooks.base.placeholder import Placeholder

__all__ = ["COMMANDS", "Fragment", "FragmentKind", "Place", "Placeholder"]


class Place(StrEnum):
    """Where a fragment stands in the Markdown."""

    FENCE = "fenced block"
    INDENTED = "indented block"
    INLINE = "inline code"
    TABLE = "table"


@dataclass(frozen=True)
class Fragment:
    """One command with its arguments, pipes and redirections, or one block that is no shell.

    Commands of one block are fragments of their own, in order; a loop, a condition or a function is one.
    """

    line: int
    """The first line in the file, from 1."""
    end_line: int
    text: str
    """As it stands in the file, without prompt, list marker or quote marker."""
    place: Place
    language: str
    """The language that the fence names, in lower case; empty where none is named."""
    section: tuple[str, ...]
    """The headings above it, the outermost first."""
    kind: FragmentKind
    reason: str
    """Why it is of this kind, in one sentence."""
    undo: str | None = None
    """How a change is taken back, for a person; None for what changes nothing or has no way back that we know."""
    placeholders: tuple[Placeholder, ...] = ()
    tools: tuple[str, ...] = ()
    """The programs that it calls, inner ones too, in order, each once."""
    paths: tuple[str, ...] = ()
    """Absolute or relative paths that it reads or writes."""
    hosts: tuple[str, ...] = ()
    """Host names or addresses, with their port where one is given, that it talks to."""
    inner: tuple[str, ...] = ()
    """Commands that it runs elsewhere: in a container, on another host, or again and again (`watch`)."""
    parsed: bool = True
    """Whether the shell's parser read all of it."""
