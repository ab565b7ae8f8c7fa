"""Text from outside (log lines, labels, error messages) made harmless before it is shown."""

from __future__ import annotations

import unicodedata
from typing import Final

_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control and format characters, lone surrogates, private and unassigned ones, separators of lines."""


def printable(text: str) -> str:
    r"""`text` on one line: white space becomes blanks, and what a terminal or XML would obey becomes `\x1b`."""
    return "".join(_escaped(character) for character in " ".join(text.split()))


def _escaped(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def show_number(number: float | str | bool | None) -> str:
    """A figure of a verdict as text: whole where it is whole, else six significant figures."""
    if isinstance(number, float):
        return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"  # noqa: PLR2004
    return printable(str(number))
