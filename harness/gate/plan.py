"""The schedule of a gate run, and the looks at which it may stop.

Looking often and stopping at the first good answer makes wrong answers likelier than the stated confidence. So the
looks are fixed in advance, and each has a confidence of its own; by the union bound the chance that any look's interval
misses is at most the sum of what each allows, whatever memory does between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SLOTS: Final = 24
"""Quiet points of a whole run; a minute of load shows 64 B a request with them at a thousand requests a second."""

FEWEST_SLOTS: Final = 8
"""Two halves of four points each; fewer show no growth that goes on."""

TOTAL_ERROR: Final = 0.01
"""Two-sided; shared out over the looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which the run is judged.

    Attributes:
        after_slots: how many quiet points there are by then.
        confidence: of the intervals of this look.
        last: whether the answer stands as it is, certain or not.
    """

    after_slots: int
    confidence: float
    last: bool


def looks(slots: int = SLOTS) -> tuple[Look, ...]:
    """The looks of a run of `slots` quiet points: two early ones that must be surer, and the last.

    The early ones get a tenth of the error each, so that the last is nearly as sharp as it would be alone.
    """
    early = [n for n in (slots // 2, 3 * slots // 4) if n >= FEWEST_SLOTS]
    spent = TOTAL_ERROR / 10
    left = TOTAL_ERROR - spent * len(early)
    return (*(Look(n, 1 - spent, last=False) for n in early), Look(slots, 1 - left, last=True))


def look_after(slots_done: int, slots_planned: int) -> Look:
    """The look that a run with `slots_done` quiet points ended at.

    One that ended elsewhere, because its time was up, did so whatever its memory looked like: it is judged as the last.
    """
    planned = looks(slots_planned)
    return next((look for look in planned if look.after_slots == slots_done), planned[-1])
