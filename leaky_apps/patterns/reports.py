"""Reports over many orders: worked through in chunks, or, as a leak, as one table held until all of it is sent."""

from __future__ import annotations

import asyncio
import mmap
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Table = NDArray[np.float64]

_COLUMNS: Final = 64
_ROW_BYTES: Final = _COLUMNS * 8
DEFAULT_ROWS: Final = 12_288
DEFAULT_CHUNK_ROWS: Final = 1024
TABLE_BYTES: Final = DEFAULT_ROWS * _ROW_BYTES
"""6 MiB: the whole table of a report of the default length."""
_SENT_ROWS_PER_S: Final = 12_288
"""How fast the warehouse takes the rows of a report, whatever the size of its pieces."""


class Reports:
    """The reports of one service.

    Attributes:
        whole: each table is made at once and held until all of it is sent.
        largest_bytes: the largest table ever made.
        last_bytes: the table made last.
    """

    def __init__(self) -> None:
        self.whole = False
        self.largest_bytes = 0
        self.last_bytes = 0
        self._chunk_rows = DEFAULT_CHUNK_ROWS

    @property
    def chunk_rows(self) -> int:
        """Rows in a chunk."""
        return self._chunk_rows

    @chunk_rows.setter
    def chunk_rows(self, rows: int) -> None:
        self._chunk_rows = rows
        self.whole = False

    async def totals(self, rows: int) -> list[float]:
        """The sum of each column over `rows` rows, after every row was sent."""
        totals = np.zeros(_COLUMNS)
        for part in self._parts(rows):
            totals += part.sum(axis=0)
            await asyncio.sleep(len(part) / _SENT_ROWS_PER_S)
        return [float(total) for total in totals]

    def _parts(self, rows: int) -> Iterator[Table]:
        size = self._chunk_rows
        starts = range(0, rows, size)
        if not self.whole:
            for start in starts:
                yield self._table(start, min(size, rows - start))
            return
        table = self._table(0, rows)
        for start in starts:
            yield table[start : start + size]

    def _table(self, first: int, rows: int) -> Table:
        """Rows `first` and following. Mapped, so that it goes back to the system as a whole when it is let go."""
        pages = mmap.mmap(-1, rows * _ROW_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        table: Table = np.frombuffer(pages, dtype=np.float64).reshape(rows, _COLUMNS)
        table[:] = np.arange(first, first + rows, dtype=np.float64)[:, np.newaxis]
        self.last_bytes = table.nbytes
        self.largest_bytes = max(self.largest_bytes, table.nbytes)
        return table
