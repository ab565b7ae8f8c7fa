"""A statement of a runbook: a command, or a block that is no shell, and what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakdrill.runbooks.base.kind import FragmentKind
    from leakdrill.runbooks.base.placeholder import Placeholder


@dataclass(frozen=True)
class Statement:
    """One command with its arguments, pipes and redirections; a loop, a condition or a function as a whole; a block."""

    line: int
    """The first line in the file, from 1."""
    end_line: int
    text: str
    """As it stands in the file, without prompt, list marker or quote marker."""
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
