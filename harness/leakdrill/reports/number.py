"""The figures of verdicts as text."""

from __future__ import annotations

from leakdrill.printable import printable


def show_number(number: float | str | bool | None) -> str:
    """A figure of a verdict as text: whole where it is whole, else six significant figures."""
    if isinstance(number, float):
        return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"  # noqa: PLR2004
    return printable(str(number))
