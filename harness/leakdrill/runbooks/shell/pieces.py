"""A text in pieces that the parser reads rightly: the whole of it, else as few lines at a time as make sense.

The parser takes an end of line for a blank now and then, and so the words of one command for arguments of the one above;
a tree in which that happened is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.lines import is_open
from leakdrill.runbooks.shell.parse import Tree, parse, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

MOST_JOINED: Final = 60
"""Lines that are tried as one command at most: a quote that never closes must not take all that follows."""
MOST_TRIED: Final = 500_000
"""Characters that are parsed again in one text; beyond it, each line stands alone."""
GOES_ON: Final = re.compile(r"(?:\\|\||&&)\s*$")
MAY_GO_ON: Final = re.compile(r"\b(?:if|for|while|until|case|select|function|do|then|else)\b|[({]|(?:\\|\||&&)\s*$")
ONE_LINE: Final = frozenset(
    {"command", "redirected_statement", "declaration_command", "variable_assignments", "unset_command"}
)
"""Parts of the tree within which no bare end of line can stand."""
WORDS: Final = frozenset({"word", "number", "variable_name", "file_descriptor"})
"""Parts without quotes, which no end of line is a part of."""
JOINED: Final = frozenset({"pipeline", "list"})
"""Parts in which one can stand behind an operator only."""
_CONTINUED: Final = re.compile(rb"\\\r?\n")


@dataclass(frozen=True)
class Piece:
    """Some lines of a text."""

    line: int
    """The first of them, from 0."""
    text: str
    tree: Tree | None
    """None where they are too much for the parser."""
    sound: bool
    """Whether the parser read all of them, and rightly."""


def pieces(text: str) -> list[Piece]:
    """Returns the pieces of a text, in order; lines that are blank or a comment are in none."""
    tree = parse(text)
    if tree is None or is_sound(tree):
        return [Piece(0, text, tree, sound=tree is not None)]
    return list(_split(text.split("\n")))


def _split(lines: list[str]) -> Iterator[Piece]:
    tried = at = 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        piece, end, cost = _smallest(lines, at, tried)
        tried += cost
        yield piece
        at = end


def _smallest(lines: list[str], at: int, tried: int) -> tuple[Piece, int, int]:
    """Returns the fewest lines from `at` on that parse, the line behind them, and the characters parsed for it."""
    cost = 0
    most = at + MOST_JOINED if MAY_GO_ON.search(lines[at]) or is_open(lines[at]) else at + 1
    for end in range(at + 1, min(most, len(lines)) + 1):
        text = "\n".join(lines[at:end])
        cost += len(text)
        if tried + cost > MOST_TRIED:
            break
        tree = parse(text)
        if tree is not None and is_sound(tree) and not is_open(text):
            return Piece(at, text, tree, sound=True), end, cost
    end = _logical_end(lines, at)
    text = "\n".join(lines[at:end])
    return Piece(at, text, parse(text), sound=False), end, cost


def _logical_end(lines: list[str], at: int) -> int:
    end = at + 1
    while end < len(lines) and GOES_ON.search(lines[end - 1]):
        end += 1
    return end


def is_sound(tree: Tree) -> bool:
    """Whether a tree has no error, and no end of line was taken for a blank."""
    if tree.root.has_error:
        return False
    source = tree.bound.parseable
    return b"\n" not in source.strip() or not any(_swallows(source, node) for node in walk(tree.root))


def _swallows(source: bytes, node: Node) -> bool:
    if node.type in WORDS:
        return b"\n" in _CONTINUED.sub(b"", source[node.start_byte : node.end_byte])
    one_line = node.type in ONE_LINE
    if not one_line and node.type not in JOINED:
        return False
    end = None
    for child in node.children:
        gap = source[end : child.start_byte] if end is not None else b""
        if b"\n" in gap and (one_line or not child.is_named) and b"\n" in _CONTINUED.sub(b"", gap):
            return True
        end = child.end_byte
    return False
