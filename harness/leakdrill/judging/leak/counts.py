"""Whether threads and file descriptors pile up over the quiescent points: counts are exact, so the rule is simple."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.leak.slots import corpora, slot_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.record.events import GateSlot
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict

_CANDIDATE: Final = "candidate"
_FEWEST: Final = 8
_MOST: Final = 8
"""More than these left behind, and still growing in the second half, is no pool that fills."""


def threads_do_not_grow(history: History) -> Verdict:
    """Whether the service holds as many threads at its last quiescent points as at its first."""
    return _count_does_not_grow(history, Claim("threads_do_not_grow"), "threads", "thread")


def descriptors_do_not_grow(history: History) -> Verdict:
    """Whether the service holds as many file descriptors at its last quiescent points as at its first."""
    return _count_does_not_grow(history, Claim("descriptors_do_not_grow"), "fds", "file descriptor")


def _count_does_not_grow(history: History, claim: Claim, field: str, noun: str) -> Verdict:
    measured = corpora(history, build=_CANDIDATE)
    slots = slot_events(history, build=_CANDIDATE, corpus=measured[0]) if measured else []
    counts = _column(slots, field)
    if len(counts) < _FEWEST:
        return claim.unknown(
            f"{len(counts)} quiet points; expected {_FEWEST} or more",
            hint="see memory_does_not_leak for what broke off",
        )
    requests = _column(slots, "requests")
    first, middle, last = (float(np.median(part)) for part in (counts[:3], _middle(counts), counts[-3:]))
    numbers = {"first": first, "last": last, "requests": float(requests[-1] - requests[0])}
    grown = last - first
    if grown > _MOST and last - middle > grown / 4:
        per_1000 = 1000 * grown / max(1.0, numbers["requests"])
        return claim.fails(
            f"{grown:.0f} {noun}s were left behind ({first:.0f} to {last:.0f}), {per_1000:.2f} per 1000 requests, and "
            "they still grew in the second half",
            numbers=numbers,
            events=[event.index for event in slots],
            hint=f"look for what opens a {noun} on a request and closes it only if the request succeeds",
        )
    return claim.holds(f"{last:.0f} {noun}s at the end, {first:.0f} at the beginning", numbers=numbers)


def _column(slots: list[GateSlot], field: str) -> NDArray[np.float64]:
    return np.array([event.values[field] for event in slots if field in event.values])


def _middle(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    at = len(counts) // 2
    return counts[at - 1 : at + 2]
