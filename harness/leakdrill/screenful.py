"""Text that fits on a screen: what a person is told is never longer, whatever a name, a log or a server put into it."""

from __future__ import annotations

from typing import Final

from leakdrill.units import show_count

WIDTH: Final = 80
HEIGHT: Final = 24
_MOST_ROWS: Final = HEIGHT - 2
_ROWS_OF_A_LINE: Final = 12
_AT_THE_END: Final = 6
"""Lines kept of the end, where the hint stands."""


def shortened(text: str, most: int) -> str:
    """Returns `text`, of which the middle is left out where it has more than `most` characters."""
    if len(text) <= most:
        return text
    left_out = f" … ({len(text) - most:,} characters) … "
    room = max(most - len(left_out), 0)
    return f"{text[: room - room // 3]}{left_out}{text[len(text) - room // 3 :]}"


def screenful(text: str) -> str:
    """Returns the lines of `text`, each shortened to half a screen and together to one; the end stays."""
    lines = [shortened(line, _ROWS_OF_A_LINE * WIDTH) for line in text.split("\n")]
    if _rows(lines) <= _MOST_ROWS:
        return "\n".join(lines)
    end = lines[-_AT_THE_END:]
    while len(end) > 1 and _rows(end) > _MOST_ROWS // 2:
        end = end[1:]
    begin = lines[: min(len(lines) - len(end), _MOST_ROWS)]
    while begin and _rows([*begin, *end]) + 1 > _MOST_ROWS:
        begin = begin[:-1]
    left_out = len(lines) - len(begin) - len(end)
    return "\n".join([*begin, f"… ({show_count(left_out, 'line')}) …", *end])


def _rows(lines: list[str]) -> int:
    return sum(max(1, -(-len(line) // WIDTH)) for line in lines)
