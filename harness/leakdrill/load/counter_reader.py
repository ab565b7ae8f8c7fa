"""The counter reader: the counters of all Locust processes of one load, summed, and the statistics of a second."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.load.in_locust.counters import (
    ANSWERED,
    CELLS,
    COMPLETED,
    CRASHES_AS_SUCCESS,
    DIVERTED,
    ELSEWHERE,
    EMPTY,
    ERRORS_AS_SUCCESS,
    EVENT_EXCEPTIONS,
    EXCEPTIONS,
    FAILED,
    FILE_BYTES,
    FIRST_BUCKET,
    LISTENER_EXCEPTIONS,
    MASTER,
    SUFFIX,
    TASKS,
    USERS_ENDED,
    USERS_STARTED,
    bucket_middle_ms,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


_BESIDES: Final = {
    "completed": COMPLETED,
    "users_started": USERS_STARTED,
    "users_ended": USERS_ENDED,
    "tasks": TASKS,
    "exceptions": EXCEPTIONS,
    "listener_exceptions": LISTENER_EXCEPTIONS,
    "event_exceptions": EVENT_EXCEPTIONS,
    "errors_as_success": ERRORS_AS_SUCCESS,
    "crashes_as_success": CRASHES_AS_SUCCESS,
    "empty": EMPTY,
    "diverted": DIVERTED,
    "elsewhere": ELSEWHERE,
}
"""What is counted besides requests and failures, by the names of the record."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The counters at one moment: shape (CELLS,), as counters.py lays them out."""

    cells: NDArray[np.uint64]

    @property
    def answered(self) -> int:
        """The requests that succeeded."""
        return int(self.cells[ANSWERED])

    @property
    def failures(self) -> int:
        """The requests that Locust counts as failed: refused, timed out, an error status, or by the locustfile."""
        return int(self.cells[FAILED])

    @property
    def requests(self) -> int:
        """All requests that ended, including those that reached nobody."""
        return self.answered + self.failures

    @property
    def besides(self) -> dict[str, float]:
        """The other counts, by the names that they have in the record."""
        return {name: float(self.cells[cell]) for name, cell in _BESIDES.items()}


NOTHING = Totals(np.zeros(CELLS, dtype=np.uint64))


class CounterReader:
    """The sums over the files in `folder`; they stay readable after the processes and files are gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mapped: dict[str, NDArray[np.uint64]] = {}

    def answered(self) -> int:
        """Returns the requests that succeeded so far; cheap enough for ten readings a second."""
        return self._sum(ANSWERED)

    def completed(self) -> int:
        """Returns the requests that got a response so far, error statuses and all; as cheap."""
        return self._sum(COMPLETED)

    def totals(self) -> Totals:
        """Returns everything counted so far."""
        self._map_new()
        cells = np.zeros(CELLS, dtype=np.uint64)
        for process_cells in self._mapped.values():
            cells += process_cells
        return Totals(cells)

    def by_worker(self) -> Mapping[str, Totals]:
        """Returns the counts of each process that makes requests, by its process id or number."""
        self._map_new()
        files = {name.removesuffix(SUFFIX): cells for name, cells in self._mapped.items()}
        return {name: Totals(cells.copy()) for name, cells in sorted(files.items()) if name != MASTER}

    def _sum(self, cell: int) -> int:
        self._map_new()
        return sum(int(cells[cell]) for cells in self._mapped.values())

    def _map_new(self) -> None:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - names are all that is needed, ten times a second
        except FileNotFoundError:
            return
        for name in names:
            if name.endswith(SUFFIX) and name not in self._mapped:
                with (self._folder / name).open("rb") as file:
                    mapped = mmap.mmap(file.fileno(), FILE_BYTES, access=mmap.ACCESS_READ)
                self._mapped[name] = np.frombuffer(mapped, dtype=np.uint64)


def row(before: Totals, now: Totals, seconds: float) -> dict[str, float]:
    """Returns the statistics of the `seconds` between two totals; percentiles only where a request completed in them.

    Response times of failed requests count, as they do in Locust's own statistics.
    """
    figures: dict[str, float] = {
        "requests": now.requests,
        "failures": now.failures,
        "rps": round((now.requests - before.requests) / seconds, 3),
        "fail_per_s": round((now.failures - before.failures) / seconds, 3),
    }
    times = (now.cells - before.cells)[FIRST_BUCKET:]
    if times.any():
        figures.update({f"p{percent}_ms": percentile_ms(times, percent) for percent in (50, 95, 99)})
    return figures


def percentile_ms(times: NDArray[np.uint64], percent: float) -> float:
    """Returns the response time that `percent` % of the requests in a histogram did not exceed, by nearest rank."""
    running = np.cumsum(times)
    rank = max(1, int(np.ceil(percent / 100 * float(running[-1]))))
    return round(bucket_middle_ms(int(np.searchsorted(running, rank))), 2)
