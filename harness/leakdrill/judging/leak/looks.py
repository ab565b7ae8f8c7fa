"""The schedule of a gate run, and the looks at which it may stop.

Looking often and stopping at the first good answer makes wrong answers likelier than the stated confidence. So the
looks are fixed in advance, for as many slots as its time allows, and each has a confidence of its own; by the union
bound the chance that any look's interval misses is at most the sum of what each allows, whatever memory does between.

After the slots that were asked for a run ends, unless its word is UNKNOWN and more slots could settle it: then it goes
on until its time is up. These further looks are planned and paid for like the others, taken or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leakdrill.scenario.gate import Gate

SLOTS: Final = 24
"""Quiescent points of a whole run; a minute of load shows 64 B a request with them at a thousand requests a second."""

FEWEST_SLOTS: Final = 8
"""Two halves of four points each; fewer show no growth that goes on."""

TOTAL_ERROR: Final = 0.01
"""Two-sided; shared out over the looks."""

_EACH_EARLY: Final = 0.1
_ALL_EARLY: Final = 0.5
"""The shares of the error that one look before the last may take, and all of them together."""

_APART: Final = 1.5
"""Looks beyond the slots asked for come each half as late again: sooner, little new could be seen."""

LOAD_PER_REST: Final = 4.0
"""A quiescent point of a large service takes long: the load before it lasts this many times as long, if that helps."""

_LONGEST_SLOT: Final = 1.6
"""The longest slot, as a multiple of the slot asked for. Longer ones would leave too few of them before time is up."""

GENTLE_REQUESTS: Final = 1000
"""The requests in a slot of a service whose memory rises plainly: few enough that its heap does not outgrow its
quiescent points, and enough to tell 64 B a request."""

_BEYOND_BASELINE: Final = 1.5
"""A run that is much longer than the stored baseline shares too few requests with it to be compared."""


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which the run is judged.

    Attributes:
        after_slots: how many quiescent points there are by then.
        confidence: of the intervals of this look.
        last: whether the answer stands as it is, certain or not.
    """

    after_slots: int
    confidence: float
    last: bool


def slot_length_s(slot_s: float, last_rest_s: float) -> float:
    """The time that load lasts before the next quiescent point, so that these take at most a fifth of the time."""
    return min(max(slot_s, LOAD_PER_REST * last_rest_s), _LONGEST_SLOT * slot_s)


def looks(slots: int = SLOTS, most: int | None = None) -> tuple[Look, ...]:
    """The looks of a run of `slots` quiescent points that goes on to `most` where that could settle it.

    The early ones get a tenth of the error each, so that the last is nearly as sharp as it would be alone.
    """
    most = slots if most is None else max(slots, most)
    early = [n for n in (slots // 2, 3 * slots // 4, *_beyond(slots, most)) if n >= FEWEST_SLOTS]
    spent = TOTAL_ERROR * min(_EACH_EARLY, _ALL_EARLY / max(1, len(early)))
    left = TOTAL_ERROR - spent * len(early)
    return (*(Look(n, 1 - spent, last=False) for n in early), Look(most, 1 - left, last=True))


def _beyond(slots: int, most: int) -> list[int]:
    """The looks from `slots` on, without the one at `most`."""
    looks, n = [], slots
    while n < most:
        looks.append(n)
        n = math.ceil(n * _APART)
    return looks


def most_slots(gate: Gate, stored_slots: int | None = None) -> int:
    """The most slots that the time of a run allows: rests, and a warm-up that takes longer, leave fewer.

    With a stored baseline of `stored_slots` it is no more than can be compared with that.
    """
    loaded_s = gate.at_most - max(gate.warmup.at_least, gate.longest_ttl)
    most = max(gate.slots, int(loaded_s / gate.slot))
    return most if stored_slots is None else max(gate.slots, min(most, int(_BEYOND_BASELINE * stored_slots)))


def look_after(slots_done: int, planned: tuple[Look, ...], *, time_is_up: bool = False) -> Look:
    """The look that a run with `slots_done` quiescent points ended at.

    One that ended because its time was up did so whatever its memory looked like: it is judged as the last.
    """
    current = next((look for look in planned if look.after_slots == slots_done), planned[-1])
    return planned[-1] if time_is_up else current
