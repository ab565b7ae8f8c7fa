"""A recording of one process' memory under load, read from CSV.

Any recording will do that has `t` (seconds), `requests` (completed so far) and one `*_bytes` column or more. A
recording with a reading after each drained, collected and trimmed slot (`rss_after` or `anon_after`) is worth much
more, and the interpreter's own counts beside it tell what grew.
"""

from __future__ import annotations

import array
import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.judging.leak.possible_readings import check_possible, check_unit, impossible_reading
from leakdrill.units import quoted, show_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RESIDENT: Final = ("anon", "uss", "pss", "rss")
"""Resident memory, the best column first: anonymous pages are the process' own; PSS and RSS also move with others'."""

COUNTERS: Final = ("blocks", "gcobj", "uord", "hblkhd", "ford", "live", "threads", "fds")
"""Allocators' own counters: `sys.getallocatedblocks()`, objects that the collector tracks, and `mallinfo2`
(bytes in use, bytes in mappings of their own, bytes free); `live_bytes` is all that is in use, where that is known. And
what the process holds beside memory: threads and open descriptors."""

BESIDE: Final = {"anon": ("swap", "shmem"), "uss": ("swap",), "pss": ("swap",), "rss": ("swap",)}
"""What a process holds beside each column of resident memory, and has not given back."""

_PLAIN: Final = (*RESIDENT, *COUNTERS, "round", "rss_before", "swap", "shmem")
_MANY_SECONDS: Final = 1e8
"""A `t` beyond three years is a date, so that nothing is known of the time before it."""
MOST_BYTES: Final = 64 * 2**20
"""How long a recording may be: ten columns of 300,000 samples have half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One recording; every array has one entry per sample.

    Attributes:
        name: what messages call it, usually its file.
        t: seconds since load began.
        requests: completed since load began; never decreases.
        columns: readings by name, in bytes (`anon`, `rss`, `uord`, …) or as a count (`blocks`, `gcobj`).
        quiet: whether every sample was taken at a quiescent point: requests drained, garbage collected, heap trimmed.
        understood: what another tool's file was taken for; empty for our own.
        per: what growth is counted by; where nobody counted requests, it names the rate that was declared.
    """

    name: str
    t: NDArray[np.float64]
    requests: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    quiet: bool
    understood: str = ""
    per: str = "a request"

    def __len__(self) -> int:
        return len(self.t)

    @property
    def resident_name(self) -> str:
        """The column that the verdict rests on: the first of `RESIDENT`, else the first one in the file."""
        others = (name for name in self.columns if name not in _PLAIN)
        return next((name for name in RESIDENT if name in self.columns), None) or next(others)

    @property
    def impossible(self) -> str:
        """The first number that is none, or too large to be reckoned with; empty when there is none."""
        return impossible_reading({"t": self.t, "requests": self.requests, **self.columns})

    @property
    def resident(self) -> NDArray[np.float64]:
        """The readings of resident memory, in bytes, with what is swapped out where that was recorded."""
        name = self.resident_name
        parts = BESIDE.get(name, ())
        return sum((self.columns[part] for part in parts if part in self.columns), start=self.columns[name])


def read_trace(path: Path, *, read: Callable[..., bytes] = read_file) -> Trace:
    """The recording in the CSV file `path`, whose content `read` returns.

    Raises:
        BadInput: when the file cannot be read, lacks a column, or a cell is not a number that can follow the one
            before it; names file, line and column.
    """
    try:
        text = read(path, most_bytes=MOST_BYTES).decode("utf-8-sig")
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint="name a CSV file with t, requests, …") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not CSV text: {e}; expected columns t, requests and *_bytes") from e
    return trace_in(text, str(path))


def is_trace(text: str) -> bool:
    """Whether `text` begins as our own CSV does, with `t`, `requests` and memory in bytes among its columns."""
    header = [cell.strip() for cell in text.partition("\n")[0].split(",")]
    return {"t", "requests"} <= set(header) and any(_resident(cell) for cell in header)


def trace_in(text: str, place: str) -> Trace:
    """The recording in the CSV `text` of the file `place`.

    Raises:
        BadInput: as `read_trace` does.
    """
    try:
        return _trace(csv.reader(io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")), place)
    except csv.Error as e:
        raise BadInput(f"{place}: is not CSV text: {e}; expected columns t, requests and *_bytes") from e


def _trace(rows: Iterator[list[str]], place: str) -> Trace:
    header = [cell.strip() for cell in next(rows, [])]
    names = _names(header, f"{place}:1")
    lines, cells = array.array("q"), array.array("d")  # a list of numbers takes four times as much memory
    for line, row in enumerate(rows, start=2):
        if row:
            lines.append(line)
            cells.extend(_numbers(row, header, names, f"{place}:{line}"))
    table = np.array(cells, dtype=float).reshape(len(lines), len(names))
    columns = {name: table[:, index] for index, name in enumerate(names)}
    for column in ("t", "requests"):
        _check_order(columns[column], column, place, lines)
    check_possible(columns, {name: header[at] for name, at in names.items()}, place, lines)
    for name in _judgeable(names, header):
        check_unit(columns[name], header[names[name]], f"{place}:{lines[-1] if lines else 1}", whole=name in RESIDENT)
    t = columns.pop("t")
    return Trace(
        name=place,
        t=t - t[0] if len(t) and t[0] > _MANY_SECONDS else t,
        requests=columns.pop("requests"),
        columns=columns,
        quiet=any(_without_unit(cell) in ("rss_after", "anon_after") for cell in header),
    )


def _names(header: list[str], place: str) -> dict[str, int]:
    """The known columns by their short name and where they stand: `rss_after` and `rss_bytes` are both `rss`."""
    for needed in ("t", "requests"):
        if needed not in header:
            raise BadInput(f"{place}: {needed}: is missing; found {', '.join(header) or 'an empty file'}")
    names: dict[str, int] = {}
    for index, cell in enumerate(header):
        if _known(cell) and names.setdefault(_short(cell), index) != index:
            raise BadInput(f"{place}: {cell}: is given twice; expected every reading once")
    if not any(_resident(header[index]) for index in names.values()):
        raise BadInput(
            f"{place}: no column of memory; found {', '.join(header)}",
            hint="expected rss, anon_after or any name that ends in _bytes",
        )
    return names


def _judgeable(names: Mapping[str, int], header: list[str]) -> list[str]:
    """The columns that hold resident memory, and the one that is judged where none does."""
    found = [name for name, index in names.items() if _resident(header[index])]
    return [name for name in found if name in RESIDENT] or found[:1]


def _known(cell: str) -> bool:
    return cell in ("t", "requests") or cell.endswith("_bytes") or _short(cell) in _PLAIN


def _resident(cell: str) -> bool:
    """Whether a column can be judged: resident memory, or any other bytes, but no allocator's count."""
    return _short(cell) in RESIDENT or (cell.endswith("_bytes") and _short(cell) not in _PLAIN)


def _short(cell: str) -> str:
    return _without_unit(cell).removesuffix("_after")


def _without_unit(cell: str) -> str:
    return cell.removesuffix("_bytes")


def _numbers(row: list[str], header: list[str], names: Mapping[str, int], place: str) -> list[float]:
    """The numbers of a row, those of the columns that are known."""
    if len(row) != len(header):
        raise BadInput(f"{place}: {show_count(len(row), 'cell')}; expected {len(header)}, as in the header")
    return [_number(row[at], place, header[at]) for at in names.values()]


def _number(cell: str, place: str, column: str) -> float:
    try:
        number = float(cell)
    except ValueError as e:
        raise BadInput(f"{place}: {column}: {quoted(cell)} is not a number") from e
    if not math.isfinite(number):
        raise BadInput(f"{place}: {column}: {quoted(cell)} is not a finite number")
    return number


def _check_order(values: NDArray[np.float64], column: str, place: str, lines: Sequence[int]) -> None:
    """Refuse a column that falls: its samples come from two processes, or are out of order."""
    falls = np.flatnonzero(np.diff(values) < 0)
    if not len(falls):
        return
    at = int(falls[0]) + 1
    raise BadInput(
        f"{place}:{lines[at]}: {column}: {values[at]:g} after {values[at - 1]:g}; expected it never to fall",
        hint="one recording covers one process from start to end; split the file where the service restarted",
    )
