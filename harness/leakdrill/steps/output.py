"""The output of a command that a step runs: where it is kept, and its end for a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

OUTPUT: Final = "output.txt"
_MOST_CHARS: Final = 300
_READ_BYTES: Final = 4096


def output_tail(output: Path) -> str:
    """Returns the end of the output as the end of a sentence; empty when there is none."""
    text = output.read_bytes()[-_READ_BYTES:].decode(errors="replace") if output.exists() else ""
    line = " ".join(text.split())
    tail = line if len(line) <= _MOST_CHARS else f"…{line[-_MOST_CHARS:]}"
    return f"; it said: {tail}" if tail else ""
