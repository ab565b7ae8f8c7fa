"""Where commands of a shell begin and end in a text, by quotes, continuations and here-documents alone.

The shell's own parser reads commands; this says which lines belong together, and which quote is never closed: a parser
that meets such a quote gives up the rest of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_HERE: Final = re.compile(r"<<-?[ \t]*(?P<quote>['\"]?)(?P<word>[A-Za-z_]\w*)(?P=quote)")
_OPENING: Final = re.compile(r"['\"`(<]")
MOST_UNCLOSED: Final = 8
"""Stretches of one text that are followed to its end in search of a quote; each later one that has none is one line."""
_GOES_ON: Final = re.compile(r"(?:\\|\||&&)[ \t]*$")


@dataclass
class _Scan:
    """How far a text was scanned: what is open, and where it was opened."""

    open: list[tuple[str, int]] = field(default_factory=list)
    over_lines: list[tuple[str, int]] = field(default_factory=list)
    here: str = ""

    @property
    def mode(self) -> str:
        return self.open[-1][0] if self.open else ""


@lru_cache(maxsize=64)
def logical_lines(text: str) -> list[tuple[int, int]]:
    """Returns the first and last line, from 0, of each stretch that a shell reads as one, without empty lines.

    A loop is several: what ends with `do` is not followed.
    """
    lines = text.split("\n")
    ends = Ends(lines)
    stretches = []
    at = 0
    while at < len(lines):
        if lines[at].strip():
            stretches.append((at, ends.of(at)))
            at = stretches[-1][1]
        at += 1
    return stretches


class Ends:
    """Where the stretches of a text end that a shell reads as one; what never closes takes no line that follows."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._unclosed = 0

    def of(self, first: int) -> int:
        """Returns the last line, from 0, of the stretch that begins on line `first`."""
        end = self._closed(first) if self._unclosed < MOST_UNCLOSED else None
        if end is not None:
            return end
        self._unclosed += 1
        end = first
        while end + 1 < len(self._lines) and _GOES_ON.search(self._lines[end]):
            end += 1
        return end

    def _closed(self, first: int) -> int | None:
        scan = _Scan()
        for at in range(first, len(self._lines)):
            line = self._lines[at]
            was_here = scan.here
            _scan_line(scan, line, at)
            plain = not scan.open and not scan.here
            if plain and (was_here or line.lstrip().startswith("#") or not _GOES_ON.search(_uncommented(line))):
                return at
        return None


def is_open(text: str) -> bool:
    """Returns whether a here-document or a quote of `text` is not closed yet."""
    scan = _scanned(text)
    return bool(scan.here) or any(mark in "'\"" for mark, _ in scan.open)


def without_comment_lines(text: str) -> str:
    """Returns `text` with an empty line in place of each that is a comment alone.

    tree-sitter-bash takes what follows a number and a comment (`… | head -10`, `# then`) for more arguments.
    """
    lines = text.split("\n")
    for first, last in logical_lines(text):
        if first == last and lines[first].lstrip().startswith("#"):
            lines[first] = ""
    return "\n".join(lines)


def open_quote(text: str) -> tuple[int, str] | None:
    """Returns the line, from 0, and the character of a quote that never closes; None where all do."""
    scan = _scanned(text)
    unclosed = next((one for one in scan.open if one[0] in "'\"`"), None)
    if unclosed is None:
        return None
    mark, line_number = next((one for one in scan.over_lines if one[0] == unclosed[0]), unclosed)
    return line_number, mark


def _scanned(text: str) -> _Scan:
    scan = _Scan()
    for at, line in enumerate(text.split("\n")):
        _scan_line(scan, line, at)
    return scan


def _uncommented(line: str) -> str:
    return re.sub(r"(?:^|\s)#\s.*", "", line)


def _scan_line(scan: _Scan, line: str, number: int) -> None:
    if scan.here:
        if line.strip() == scan.here:
            scan.here = ""
        return
    if not scan.open and not _OPENING.search(line):
        return
    at, found = 0, None
    while at < len(line):
        step, here = _step(scan, line, at, number)
        found = here or found
        at += step
    scan.over_lines += [one for one in scan.open if one[1] == number and one[0] in "'\"`"]
    if found:
        scan.here = found


def _step(scan: _Scan, line: str, at: int, number: int) -> tuple[int, str]:
    """Takes one character, or what belongs to it; returns how many characters those are, and a here-document's mark."""
    char, mode = line[at], scan.mode
    if mode == "'":
        if char == "'":
            scan.open.pop()
        return 1, ""
    if char == "\\":
        return 2, ""
    if line.startswith("$(", at) or (char == "(" and (mode == "(" or (not mode and _opens_list(line, at)))):
        scan.open.append(("(", number))
        return 2 if char == "$" else 1, ""
    if char in '"`' or (char == "'" and mode != '"'):
        _quote(scan, char, number)
        return 1, ""
    if char == ")" and mode == "(":
        scan.open.pop()
    if char == "#" and mode != '"' and (at == 0 or line[at - 1] in " \t;"):
        return len(line) - at, ""
    here = _HERE.match(line, at) if mode != '"' and line[at - 1 : at] != "<" else None
    return (len(here[0]), here["word"]) if here else (1, "")


def _opens_list(line: str, at: int) -> bool:
    """Whether a bracket opens an array (`NAME=(`) or a subshell at the beginning of a line."""
    return line[at - 1 : at] == "=" or not line[:at].strip()


def _quote(scan: _Scan, char: str, number: int) -> None:
    if scan.mode == char:
        scan.open.pop()
    else:
        scan.open.append((char, number))
