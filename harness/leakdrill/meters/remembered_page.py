"""A metrics page that differs from the ones before in its values only is not parsed again.

Names and labels are most of a page and stay as they are; parsing them is what costs. So the page is cut into forms
(each line without its value) and values. While the forms are those of the page before, each value belongs to the same
sample. Which line gives which sample the parser itself is asked: by a page with a number of its own in each line.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST_PROBE: Final = 7_340_033.5
"""No page has it for a value and, in the same line, for a time: those are whole numbers."""
_MOST_VALUE_CHARS: Final = 40
_MOST_LINES: Final = 4_000
_MOST_CHARS: Final = 8 * 1024
"""Longer lines are left to the parser, which refuses some."""


class RememberedPage:
    """Gives the samples of one page after another, as `parse` does.

    Args:
        parse: reads a page in Prometheus' text format; which samples it returns must not depend on their values.
    """

    def __init__(self, parse: Callable[[str], dict[str, float]]) -> None:
        self._parse = parse
        self._forms: list[str] = []
        self._line_of: Mapping[str, int] | None = None
        """The line that each sample comes from, in pages of these forms; empty where that cannot be told."""

    def samples(self, text: str) -> dict[str, float]:
        """The samples of a page.

        Raises:
            ValueError: when `parse` does.
        """
        forms, values = _cut(text)
        if not forms or forms != self._forms:
            self._forms, self._line_of = forms, None
            return self._parse(text)
        if self._line_of:
            return {name: values[line] for name, line in self._line_of.items()}
        samples = self._parse(text)
        if self._line_of is None:
            self._line_of = self._told_apart(values, samples)
        return samples

    def _told_apart(self, values: list[float], samples: Mapping[str, float]) -> dict[str, int]:
        probe = "\n".join(
            f"{form} {_FIRST_PROBE + line}" if _is_sample(form) else form for line, form in enumerate(self._forms)
        )
        lines = {name: value - _FIRST_PROBE for name, value in self._parse(f"{probe}\n").items()}
        if list(lines) != list(samples) or any(line not in range(len(values)) for line in lines.values()):
            return {}
        found = {name: int(line) for name, line in lines.items()}
        return found if all(_same(values[line], samples[name]) for name, line in found.items()) else {}


def _cut(text: str) -> tuple[list[str], list[float]]:
    """Each line without its value, and the values; empty for a page with a line that is not plainly cut.

    The form of a comment is itself, its value 0.
    """
    forms, values = [], []
    lines = text.splitlines()
    for line in lines if len(lines) <= _MOST_LINES else ():
        form, _, value = line.rpartition(" ") if _is_sample(line) else (line, "", "0")
        if len(line) > _MOST_CHARS or len(value) > _MOST_VALUE_CHARS or "_" in value:
            return [], []
        try:
            values.append(float(value))
        except ValueError:
            return [], []
        forms.append(form)
    return forms, values


def _is_sample(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
