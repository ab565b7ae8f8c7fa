r"""Text from outside (log lines, names, labels, messages) made harmless before it is shown.

What a terminal obeys (escape sequences), what turns text around (bidirectional overrides), and what a CI runner obeys
(`::set-output …::`, `##vso[…]`) are written as `\x1b`, `\u202e`, `\x3a`: they are seen, and do nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from leakdrill.masking import masked

_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control and format characters, lone surrogates, private and unassigned ones, separators of lines."""
_COMMAND: Final = re.compile(r":(?=:[A-Za-z][\w-]*(?:\s[^\n]*?)?::)|#(?=#(?:vso|teamcity)?\[)", re.ASCII)
"""The first character of what GitHub's, Azure's and TeamCity's runners take for a command in a log."""


def printable(text: str) -> str:
    r"""`text` on one line: white space becomes blanks, and what a terminal or XML would obey becomes `\x1b`."""
    return _escaped(" ".join(masked(text).split()))


def printable_lines(text: str) -> str:
    """`text` with its lines, each of them harmless; tabulators become blanks."""
    return "\n".join(_escaped(line.replace("\t", "    ").rstrip("\r")) for line in masked(text).split("\n"))


def printable_json(text: str) -> str:
    """JSON text of the same value, without a character that a terminal or a reader of logs would obey."""
    escaped = "".join(_json_escaped(character) for character in text) if not text.isascii() else text
    return _COMMAND.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped.replace("\x7f", "\\u007f"))


def _escaped(line: str) -> str:
    if line.isprintable() and "::" not in line and "##" not in line:
        return line  # whatever is invisible is not printable, as Python counts, and every command has one of the two
    shown = "".join(_character(character) for character in line)
    return _COMMAND.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)


def _character(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def _json_escaped(character: str) -> str:
    if character.isascii() or unicodedata.category(character) not in _INVISIBLE:
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
