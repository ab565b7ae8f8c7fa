"""Which fragments stand in one block, and what stands around one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.runbooks.fragment import COMMANDS, FragmentKind, Place

if TYPE_CHECKING:
    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook


def next_in_block(runbook: Runbook, fragment: Fragment) -> Fragment | None:
    """Returns the command that follows `fragment` in the same block; None where none does."""
    at = next(number for number, one in enumerate(runbook.fragments) if one is fragment)
    return next(
        (
            one
            for one in runbook.fragments[at + 1 : at + 2]
            if (one.kind in COMMANDS or one.kind is FragmentKind.UNKNOWN) and _are_one_block(runbook, fragment, one)
        ),
        None,
    )


def _are_one_block(runbook: Runbook, first: Fragment, second: Fragment) -> bool:
    if first.place is not second.place or first.place not in (Place.FENCE, Place.INDENTED):
        return False
    between = runbook.lines[first.end_line : second.line - 1]
    return not any(line.lstrip("> \t-*").startswith(("```", "~~~")) for line in between)
