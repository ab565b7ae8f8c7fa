"""Masks secrets in the log of a load that has ended: addresses with tokens, and what the user's locustfile says."""

from __future__ import annotations

import contextlib
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from leakdrill.files import new_file, open_below
from leakdrill.masking import masked
from leakdrill.secret_patterns import MASK, SECRET_NAME
from leakdrill.units import show_count

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES: Final = 2**20
_SEVERAL_LINES: Final = re.compile(
    rf"PRIVATE KEY|{SECRET_NAME.pattern}[\"']?[ \t]*:[ \t]*[|>]?[-+\d]*[ \t]*\r?\n", re.IGNORECASE
)
"""What begins a secret on the lines that follow it."""


def mask_log(log: Path, *, within_s: float = 10.0) -> None:
    """Masks the file `log`, if there is one; a disk on which it cannot be rewritten leaves it as it is.

    Lines that cannot be looked through within `within_s` are masked as a whole.
    """
    beside, end = log.with_name(f".{log.name}.masked"), time.monotonic() + within_s
    with contextlib.suppress(OSError), contextlib.ExitStack() as files:
        source = files.enter_context(open_below(log.parent, log.name))
        files.callback(beside.unlink, missing_ok=True)
        with new_file(beside) as sink:
            while lines := source.readlines(_BLOCK_BYTES):
                text = "".join(line.decode("utf-8", "replace") for line in lines)
                shown = _masked(text) if time.monotonic() < end else f"{MASK} {show_count(len(lines), 'line')}\n"
                data = shown.encode()
                if sink.write(data) != len(data):
                    return
        beside.replace(log)


def _masked(text: str) -> str:
    if _SEVERAL_LINES.search(text):
        return masked(text)
    return "".join(_masked_line(line) for line in text.splitlines(keepends=True))


def _masked_line(line: str) -> str:
    """The line; errors repeat, and only the time at their beginning differs."""
    stamp, bracket, rest = line.partition("] ") if line.startswith("[") else ("", "", line)
    return f"{stamp}{bracket}{_masked_text(rest)}"


@lru_cache(maxsize=1024)
def _masked_text(text: str) -> str:
    return masked(text)
