"""Whether the numbers in a log still grow: `python numbers_grow.py FILE 'cache size: ([0-9]+)'`; exit 0 when they do.

What a person does who searches a log for sizes and counts and looks down the column. A collection that fills up to its
bound grows too, at first; so it is asked of the second half of the lines alone, which has to end a quarter higher than
it began.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_LEAST: Final = 4
_GROWN: Final = 1.25


def numbers(text: str, pattern: str) -> list[float]:
    """The matches of the group of `pattern`, in order, as numbers."""
    return [float(found[1]) for found in re.finditer(pattern, text)]


def still_growing(found: list[float]) -> bool:
    """Whether the second half of `found` ends a quarter above its beginning."""
    return len(found) >= _LEAST and found[-1] >= _GROWN * max(found[len(found) // 2], 1.0)


def main(file: str, pattern: str) -> int:
    """0 when the numbers that `pattern` finds in `file` still grow, 1 when they do not."""
    found = numbers(Path(file).read_text(encoding="utf-8"), pattern)
    growing = still_growing(found)
    shown = [found[at] for at in sorted({0, len(found) // 2, len(found) - 1})] if found else []
    words = "still growing" if growing else "not growing"
    sys.stdout.write(f"{pattern}: {len(found)} lines, {words}: first, middle and last {shown}\n")
    return 0 if growing else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
