"""The requests that growth goes with, where the mix of a slot varied enough to tell.

What a slot left behind is taken for a sum over its requests, each kind with a cost of its own that is not negative. The
count of allocated blocks is exact, so the chance variation of a mix is enough for it; resident memory comes in pages
and rarely tells kinds apart. Nothing is said unless the kinds explain far more than the number of requests does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.slots import slot_events
from leakdrill.record.events import GateRequestsByName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.record.history import History

_FEWEST_SLOTS: Final = 8
_LEAST_SHARE: Final = 0.01
"""A kind that is less than a hundredth of the load cannot be distinguished from noise."""

_EXPLAINED: Final = 0.5
"""The share that the kinds must explain of what the number of requests alone leaves unexplained."""

_LEAST_OF_LARGEST: Final = 0.05


def correlating_requests(history: History, *, build: str, corpus: str) -> list[str]:
    """One clause that names the requests which leave something behind, and those which do not; empty when none can."""
    kinds, counts, blocks = _table(history, build, corpus)
    if len(kinds) < 2 or len(blocks) < _FEWEST_SLOTS:  # noqa: PLR2004 - one kind explains everything
        return []
    from scipy.optimize import nnls

    per_kind, left = nnls(counts, blocks)
    total = counts.sum(axis=1, keepdims=True)
    _, left_alike = nnls(total, blocks)
    if left_alike**2 <= 0 or 1 - left**2 / left_alike**2 < _EXPLAINED:
        return []
    leaking = per_kind > _LEAST_OF_LARGEST * per_kind.max()
    guilty = [
        f"{name} ({cost:.1f} blocks each)" for name, cost, yes in zip(kinds, per_kind, leaking, strict=True) if yes
    ]
    innocent = [name for name, yes in zip(kinds, leaking, strict=True) if not yes]
    return [f"it grows with {', '.join(guilty)}" + (f", not with {', '.join(innocent)}" if innocent else "")]


def _table(history: History, build: str, corpus: str) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The kinds of requests, how many of each a slot had (slots, kinds), and the blocks it left behind (slots,)."""
    named = [
        e.requests
        for e in history.of(GateRequestsByName)
        if (e.build, e.corpus) == (build, corpus) and e.requests is not None
    ]
    slots = [e.values for e in slot_events(history, build=build, corpus=corpus)]
    if len(named) != len(slots) or not slots or not all("blocks" in slot for slot in slots):
        return [], np.empty((0, 0)), np.empty(0)
    whole = sum(named[-1].values()) or 1.0
    kinds = [name for name, count in named[-1].items() if count >= _LEAST_SHARE * whole]
    counts = np.array([[row.get(kind, 0.0) for kind in kinds] for row in named], dtype=float).reshape(
        len(named), len(kinds)
    )
    blocks = np.array([slot["blocks"] for slot in slots], dtype=float)
    return kinds, np.diff(counts, axis=0), np.diff(blocks)
