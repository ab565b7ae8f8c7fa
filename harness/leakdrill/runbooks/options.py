"""Ways through a runbook that offers several: under "Option A" and "Option B" a person takes one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

_OPTION: Final = re.compile(
    r"^(?:[\d.]+\s+)?(?:option|alternative|variant|approach|strategy|choice)\s+(?:[A-Z]|\d+)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Way:
    """One way through: the heading that names it, and those of the options that it does not take."""

    option: str
    without: frozenset[tuple[str, ...]]

    def takes(self, fragment: Fragment) -> bool:
        """Whether `fragment` is on it."""
        return not any(fragment.section[: len(path)] == path for path in self.without)


def ways(runbook: Runbook) -> list[Way]:
    """One way for each option; where there are several groups of them, the others take their first option."""
    groups = _groups(runbook)
    chosen: list[Way] = []
    for group, options in groups.items():
        firsts = [others[0] for key, others in groups.items() if key != group]
        for option in options:
            taken = {option, *firsts}
            left = frozenset(path for others in groups.values() for path in others if path not in taken)
            chosen.append(Way(option[-1], left))
    return chosen or [Way("", frozenset())]


def _groups(runbook: Runbook) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """The options below each heading, as paths of headings; a heading with one option only offers no choice."""
    groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for fragment in runbook.fragments:
        for depth, heading in enumerate(fragment.section):
            if _OPTION.match(heading):
                paths = groups.setdefault(fragment.section[:depth], [])
                if fragment.section[: depth + 1] not in paths:
                    paths.append(fragment.section[: depth + 1])
                break
    return {group: paths for group, paths in groups.items() if len(paths) > 1}
