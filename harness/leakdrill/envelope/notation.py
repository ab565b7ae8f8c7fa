"""Values of a series as promtool's test files write them: `1+0x40 1+0.5x100 stale _x5`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.units import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.envelope.course import Floats

_ALIKE: Final = 1e-13
"""By how much values may differ from a straight line to be written as one, of the largest of them."""


def notation(values: Floats) -> str:
    """Returns `values` in that notation; NaN is no sample, and the first after a sample ends the series (`stale`)."""
    missing = np.isnan(values)
    edges = np.flatnonzero(np.diff(missing.astype(np.int8))) + 1
    parts: list[str] = []
    for begin, end in zip([0, *edges], [*edges, len(values)], strict=True):
        if missing[begin]:
            parts += _absent(int(end - begin), is_end=begin > 0)
        else:
            parts += _present(values[begin:end])
    return " ".join(parts)


def _absent(count: int, *, is_end: bool) -> Iterator[str]:
    if is_end:
        yield "stale"
        count -= 1
    if count:
        yield f"_x{count}"


def _present(values: Floats) -> Iterator[str]:
    """The parts for values that are all there: each straight stretch is one."""
    alike = max(1.0, float(np.abs(values).max())) * _ALIKE
    bends = np.flatnonzero(np.abs(np.diff(values, 2)) > alike) + 1
    begin = 0
    while begin < len(values):
        behind = bends[np.searchsorted(bends, begin + 1) :]
        end = int(behind[0]) if len(behind) else len(values) - 1
        first, steps = float(values[begin]), end - begin
        rise = (float(values[end]) - first) / steps if steps else 0.0
        yield f"{plain(first)}{'-' if rise < 0 else '+'}{plain(abs(rise))}x{steps}"
        begin = end + 1
