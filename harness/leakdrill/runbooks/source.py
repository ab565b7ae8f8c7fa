"""The text of a runbook's file, as a stranger may have left it: bounded, decoded, one kind of line end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import read_file

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 2**20
"""How long a runbook may be. A hundred printed pages are some 300 KiB."""
MOST_LINES: Final = 10_000
"""How many lines, some two hundred printed pages: two bytes can be a list of its own, and take as long as a page."""
LONGEST_LINE: Final = 16 * 1024
"""How many characters one line may have: the reader of Markdown takes a time that grows faster than the line."""
MOST_BRACKETS: Final = 5_000
"""How many `[` may stand between two empty lines: each may begin a link, and is compared with all that follow."""
_EXPECTED: Final = "a runbook in Markdown"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters that no text has; the escape character comes with coloured output that was pasted."""


def read_source(path: Path) -> str:
    r"""Returns the text of the file at `path`, its lines ended by `\n`.

    Raises:
        BadInput: when it cannot be read, is no plain file, too long, binary, or no UTF-8.
    """
    try:
        content = read_file(path, most_bytes=MOST_BYTES)
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}; expected {_EXPECTED}") from e
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise BadInput(f"{path}:{line}: is not UTF-8 text: {e.reason} at byte {e.start}; expected {_EXPECTED}") from e
    _refuse_binary(text, path)
    return text


def _refuse_binary(text: str, path: Path) -> None:
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"{path}:{line}: is binary: found the byte {ord(found[0]):#04x}; expected {_EXPECTED}")
    brackets, lines = 0, text.removesuffix("\n").split("\n")
    if len(lines) > MOST_LINES:
        raise BadInput(
            f"{path}: has {len(lines):,} lines; expected at most {MOST_LINES:,}", hint="split it into several"
        )
    for number, line_text in enumerate(lines, 1):
        brackets = brackets + line_text.count("[") if line_text.strip() else 0
        if len(line_text) > LONGEST_LINE:
            raise BadInput(f"{path}:{number}: has {len(line_text):,} characters; expected at most {LONGEST_LINE:,}")
        if brackets > MOST_BRACKETS:
            raise BadInput(f"{path}:{number}: more than {MOST_BRACKETS:,} `[` without an empty line; expected fewer")
