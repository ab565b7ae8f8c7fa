"""Tables with a header: CSV of Grafana, of cAdvisor's metrics, of people's own scripts, and of load generators."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.judging.recordings.cells import DATED, column_unit, moment, number, size
from leakdrill.judging.recordings.columns import is_requests, is_time, memory_kind, memory_rank
from leakdrill.judging.recordings.recorded import Recorded, SeriesMaker
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.judging.recordings.recorded import RecordedSeries

_Rows = list[tuple[int, list[str]]]
_MOST_NAMED: Final = 12
_K6: Final = ("metric_name", "timestamp", "metric_value")
_LOCUST: Final = ("Timestamp", "Name", "Total Request Count")
_JMETER: Final = ("timeStamp", "elapsed")


def read_table(text: str, place: str) -> Recorded:
    """The recording in a table with a header.

    Raises:
        BadInput: when it has no column for the time, or none that can be judged; names line and column.
    """
    rows = _rows(text, place)
    if not rows:
        raise BadInput(f"{place}: is empty; expected a recording of memory under load")
    header = [cell.strip() for cell in rows[0][1]]
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise BadInput(f"{place}:{line}: {show_count(len(row), 'cell')}; expected {len(header)}, as in the header")
    for names, read in _LOAD_TOOLS.items():
        if set(names) <= set(header):
            return read(header, rows[1:], place)
    return _plain_table(header, rows[1:], f"{place}:{rows[0][0]}", place)


def _rows(text: str, place: str) -> _Rows:
    reader = csv.reader(_lines_of(text), delimiter=_delimiter(text))
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as e:
        raise BadInput(f"{place}:{reader.line_num}: is no table: {e}") from e


def _lines_of(text: str) -> io.TextIOWrapper:
    """The lines of `text`, without a second copy of four bytes a character."""
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")


def _delimiter(text: str) -> str:
    """What stands between the cells of the first line."""
    head = text.lstrip("\n").partition("\n")[0]
    return max(",;\t", key=head.count)


def _plain_table(header: Sequence[str], rows: _Rows, head: str, place: str) -> Recorded:
    time = next((at for at, name in enumerate(header) if is_time(column_unit(name)[0]) or is_time(name)), None)
    units = [column_unit(name) for name in header]
    kinds = [_kind(name, unit[0]) for name, unit in zip(header, units, strict=True)]
    named = ", ".join(header[:_MOST_NAMED])
    if time is None:
        raise BadInput(f"{head}: no column of time; found {named}", hint="expected t, timestamp, time or elapsed")
    counts = [at for at, name in enumerate(header) if at != time and is_requests(name)]
    memory = [at for at, kind in enumerate(kinds) if kind and at not in (time, *counts)]
    if not memory and not counts:
        raise BadInput(f"{head}: no column of memory; found {named}", hint="expected rss, working_set, memory_usage, …")
    times = [moment(row[time], f"{place}:{line}: {header[time]}") for line, row in rows]
    best = sorted(memory, key=lambda at: (memory_rank(kinds[at] or ""), at))[:1]
    makers = {at: SeriesMaker(kinds[at] or "requests") for at in (*best, *counts)}
    for (line, row), t in zip(rows, times, strict=True):
        for at, maker in makers.items():
            where, factor = f"{place}:{line}: {header[at]}", units[at][1] if at in best else 1.0
            value = size(row[at], where, factor=factor) if at in best else number(row[at], where)
            maker.add(header[at], t, value, line)
    return Recorded(
        what=f"a table, {header[time]} as the time",
        memory=tuple(one for at in best for one in makers[at].series()),
        requests=tuple(one for at in counts for one in makers[at].series()),
        has_dates=bool(times) and times[0] > DATED,
        notes=tuple(_unit_note(header[at], units[at][2]) for at in best),
    )


def _kind(name: str, short: str) -> str | None:
    return memory_kind(name) or memory_kind(short)


def _unit_note(name: str, unit: str) -> str:
    return f"{name} in {unit or 'B'}"


def _of_locust(header: Sequence[str], rows: _Rows, place: str) -> Recorded:
    time, name, done = (header.index(column) for column in _LOCUST)
    counted = SeriesMaker("requests")
    for line, row in rows:
        if row[name] == "Aggregated":
            counted.add(
                "requests", _time(row[time], line, place), number(row[done], f"{place}:{line}: {header[done]}"), line
            )
    return Recorded(what="Locust's history of statistics", requests=_some(counted.series(), place))


def _of_k6(header: Sequence[str], rows: _Rows, place: str) -> Recorded:
    metric, time = header.index("metric_name"), header.index("timestamp")
    counted = SeriesMaker("requests")
    for line, row in rows:
        if row[metric] == "http_reqs":
            counted.count("http_reqs", _time(row[time], line, place), line)
    return Recorded(what="k6's CSV", requests=_some(counted.counted(), place))


def _of_jmeter(header: Sequence[str], rows: _Rows, place: str) -> Recorded:
    time, took = header.index("timeStamp"), header.index("elapsed")
    counted = SeriesMaker("requests")
    for line, row in rows:
        ended = _time(row[time], line, place) + number(row[took], f"{place}:{line}: elapsed") / 1e3
        counted.count("samples", ended, line)
    return Recorded(what="JMeter's results", requests=_some(counted.counted(), place))


def _time(cell: str, line: int, place: str) -> float:
    return moment(cell, f"{place}:{line}: time")


def _some(found: tuple[RecordedSeries, ...], place: str) -> tuple[RecordedSeries, ...]:
    if not found:
        raise BadInput(f"{place}: not one request is counted in it")
    return found


_LOAD_TOOLS: Final[dict[tuple[str, ...], Callable[[Sequence[str], _Rows, str], Recorded]]] = {
    _K6: _of_k6,
    _LOCUST: _of_locust,
    _JMETER: _of_jmeter,
}
