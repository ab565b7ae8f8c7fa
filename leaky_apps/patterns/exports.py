"""Exports of orders as CSV: streamed row by row, or, as a leak, built whole and kept after they were sent."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW_BYTES: Final = 256
_ROWS_AT_ONCE: Final = 128
DEFAULT_ROWS: Final = 512
DOCUMENT_BYTES: Final = DEFAULT_ROWS * _ROW_BYTES
"""128 KiB: an export of the default length."""


class Exports:
    """The exports of one service.

    Attributes:
        streamed: rows are made as they are sent and then forgotten; false builds each document and keeps it, in case
            somebody asks for it again. Nobody does.
    """

    def __init__(self) -> None:
        self.streamed = True
        self._documents: list[bytes] = []

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def held_bytes(self) -> int:
        """Bytes of the documents kept."""
        return sum(map(len, self._documents))

    def export(self, first: int, rows: int) -> Iterator[bytes]:
        """The export of `rows` orders from number `first` on, in the pieces in which it is sent."""
        if self.streamed:
            return _pieces(first, rows)
        document = b"".join(_pieces(first, rows))
        self._documents.append(document)
        return iter([document])


def _pieces(first: int, rows: int) -> Iterator[bytes]:
    lines = (_row(number) for number in range(first, first + rows))
    while piece := b"".join(islice(lines, _ROWS_AT_ONCE)):
        yield piece


def _row(number: int) -> bytes:
    text = f"{number:012d},customer-{number % 977:04d},{number % 89 + 1},{(number * 37) % 100_000 / 100:.2f},shipped"
    return text.ljust(_ROW_BYTES - 1).encode() + b"\n"
