"""What tools print of processes: psrecord's log, and `pidstat -r`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.judging.recordings.cells import DATED, moment, number, unwrapped
from leakdrill.judging.recordings.recorded import Recorded, SeriesMaker
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIB, _KIB = 1024.0**2, 1024.0
_PSRECORD_CELLS: Final = 3
_FIRST: Final = ("UID", "USER", "PID")


def is_psrecord(text: str) -> bool:
    """Whether `text` begins as psrecord's log does."""
    return text.lstrip().lower().startswith("# elapsed time")


def read_psrecord(text: str, place: str) -> Recorded:
    """The recording in psrecord's log: seconds since its start, and resident memory in MiB.

    Raises:
        BadInput: when a cell is no number; names the line.
    """
    memory = SeriesMaker("rss")
    for line, row in enumerate(text.splitlines(), start=1):
        cells = row.split()
        if not cells or cells[0].startswith("#"):
            continue
        if len(cells) < _PSRECORD_CELLS:
            raise BadInput(
                f"{place}:{line}: {show_count(len(cells), 'cell')}; expected elapsed time, CPU and real memory"
            )
        t, real = number(cells[0], f"{place}:{line}: elapsed time"), number(cells[2], f"{place}:{line}: real memory")
        memory.add("the process", t, real * _MIB, line)
    return Recorded(what="psrecord's log", memory=memory.series(), has_dates=False, notes=("Real (MB) in MiB",))


def is_pidstat(text: str) -> bool:
    """Whether `text` is what `pidstat -r` prints."""
    return any(_is_header(line.split()) for line in text.splitlines()[:10])


def read_pidstat(text: str, place: str) -> Recorded:
    """The recording that `pidstat -r` printed: a time of day, or seconds since 1970 with `-H`, and RSS in KiB.

    Raises:
        BadInput: when a row does not fit its header; names the line.
    """
    found = list(_pidstat_rows(text, place))
    by_name: dict[str, list[tuple[float, float, int]]] = {}
    for name, t, rss, line in found:
        by_name.setdefault(name, []).append((t, rss, line))
    memory = SeriesMaker("rss")
    for name, readings in by_name.items():
        for t, (_, rss, line) in zip(unwrapped([t for t, _, _ in readings]), readings, strict=True):
            memory.add(name, t, rss * _KIB, line)
    dated = bool(found) and found[0][1] > DATED
    return Recorded(what="pidstat's output", memory=memory.series(), has_dates=dated, notes=("RSS in KiB",))


def _is_header(words: list[str]) -> bool:
    return "PID" in words and "RSS" in words


def _pidstat_rows(text: str, place: str) -> Iterator[tuple[str, float, float, int]]:
    """Of each row the process, its time, its RSS in KiB, and the line."""
    columns: list[str] = []
    for line, row in enumerate(text.splitlines(), start=1):
        words = row.replace("#", " ").split()
        if _is_header(words):
            columns = words[next(at for at, word in enumerate(words) if word in _FIRST) :]
        elif (
            columns and words and not words[0].startswith("Average") and ":" not in words[0][:1] and words[0] != "Linux"
        ):
            yield _pidstat_row(words, columns, f"{place}:{line}", line)


def _pidstat_row(words: list[str], columns: list[str], where: str, line: int) -> tuple[str, float, float, int]:
    clock = 2 if len(words) > 1 and words[1].upper() in ("AM", "PM") else 1
    cells = dict(zip(columns, words[clock:], strict=False))
    if "RSS" not in cells or "PID" not in cells:
        raise BadInput(f"{where}: {show_count(len(words), 'word')}; expected those of the header, {' '.join(columns)}")
    command = words[clock + columns.index("Command")] if "Command" in cells else ""
    t = moment(" ".join(words[:clock]), f"{where}: time")
    return f"process {cells['PID']} {command}".strip(), t, number(cells["RSS"], f"{where}: RSS"), line
