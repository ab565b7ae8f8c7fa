"""A runbook as it was read: its headings, its fragments in the order of the file, and its links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.runbooks.fragment import Fragment


@dataclass(frozen=True)
class Heading:
    """A heading, and where it stands."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Link:
    """A link to a file or an address."""

    line: int
    target: str
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A stretch of prose, as plain text: a paragraph, an item of a list, a row of a table (`a | b`)."""

    line: int
    text: str
    section: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Runbook:
    """One file; equal to itself alone, so that what is found in it can be kept."""

    path: Path
    title: str
    """The first heading, else the file's name."""
    lines: tuple[str, ...]
    headings: tuple[Heading, ...]
    paragraphs: tuple[Paragraph, ...]
    links: tuple[Link, ...]
    fragments: tuple[Fragment, ...]
    unclosed: tuple[int, ...] = ()
    """The lines of fences that open a block and are never closed."""
