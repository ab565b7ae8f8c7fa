"""The place where a tensor was made: the frames of the service's own code, innermost first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

import torch

_TORCH: Final = str(Path(torch.__file__).parent)
_BOOKKEEPING: Final = frozenset({"ledger.py", "site.py"})
_HERE: Final = str(Path(__file__).parent)
_MOST_FRAMES: Final = 4
_DEEPEST: Final = 60


class Frame(NamedTuple):
    """One line of a stack, named as torch's own snapshots name it."""

    filename: str
    line: int
    name: str


def site() -> tuple[Frame, ...]:
    """The four innermost frames that are neither torch's nor the ledger's."""
    found: list[Frame] = []
    frame = sys._getframe(1)  # noqa: SLF001 - what `traceback` does costs a hundred times as much
    for _ in range(_DEEPEST):
        code = frame.f_code
        if not _hidden(code.co_filename):
            found.append(Frame(code.co_filename, frame.f_lineno, code.co_name))
        if len(found) == _MOST_FRAMES or frame.f_back is None:
            break
        frame = frame.f_back
    return tuple(found)


def _hidden(filename: str) -> bool:
    if filename.startswith(_TORCH):
        return True
    return filename.startswith(_HERE) and filename.rpartition("/")[2] in _BOOKKEEPING
