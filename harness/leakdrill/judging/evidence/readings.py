"""The readings of a meter as the record holds them: the lines that have numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.event_class import Reading, Sample
    from leakdrill.record.history import History, Series


@dataclass(frozen=True, slots=True)
class Numbers:
    """One reading: when, and the numbers by their names."""

    index: int
    t: float
    values: Mapping[str, float]


def readings(history: History, event_class: type[Sample]) -> list[Numbers]:
    """The lines of a class that have numbers, in order."""
    lines = history.where(source=event_class.source, name=event_class.event_name, kind="sample")
    return [Numbers(line.index, line.t, line.value) for line in lines if isinstance(line.value, dict) and line.value]


def without_huge_pages(history: History, event_class: type[Reading], field: str) -> Series:
    """The readings of a field of memory less the huge pages in it, which other meters do not count."""
    series, huge = history.series(event_class, field), history.series(event_class, "hugetlb_bytes")
    known = zip(huge.indices, huge.values.tolist(), strict=True)
    sizes = {index: size for index, size in known if np.isfinite(size)}
    less = np.array([sizes.get(index, 0.0) for index in series.indices]) if sizes else 0.0
    return replace(series, values=series.values - less)


def reading_times(history: History, event_class: type[Sample]) -> np.typing.NDArray[np.float64]:
    """When the readings of a class were taken, shape (n,), in seconds since the start of the run."""
    return np.array([reading.t for reading in readings(history, event_class)])
