"""Where commands of a shell begin and end in a text, by quotes, continuations and here-documents alone.

The shell's own parser reads commands; this says which lines belong together, and which quote is never closed: a parser
that meets such a quote gives up the rest of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_HERE: Final = re.compile(r"<<-?[ \t]*(?P<quote>['\"]?)(?P<word>[A-Za-z_]\w*)(?P=quote)")
_OPENING: Final = re.compile(r"['\"`(<]")
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
    scan, stretches, start = _Scan(), [], -1
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if start < 0 and not line.strip():
            continue
        start = at if start < 0 else start
        was_here = scan.here
        _scan_line(scan, line, at)
        plain = not scan.open and not scan.here
        if plain and (was_here or line.lstrip().startswith("#") or not _GOES_ON.search(_uncommented(line))):
            stretches.append((start, at))
            start = -1
    if start >= 0:
        stretches.append((start, len(lines) - 1))
    return stretches


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
    scan = _Scan()
    for at, line in enumerate(text.split("\n")):
        _scan_line(scan, line, at)
    unclosed = next((one for one in scan.open if one[0] in "'\"`"), None)
    if unclosed is None:
        return None
    mark, line_number = next((one for one in scan.over_lines if one[0] == unclosed[0]), unclosed)
    return line_number, mark


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
    if line.startswith("$(", at) or (char == "(" and mode == "("):
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


def _quote(scan: _Scan, char: str, number: int) -> None:
    if scan.mode == char:
        scan.open.pop()
    else:
        scan.open.append((char, number))
