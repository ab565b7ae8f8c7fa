"""JSON as tools write it: a Prometheus' range query, `docker stats`, VictoriaMetrics' export, lading's capture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from leakdrill.errors import BadInput
from leakdrill.judging.recordings.cells import moment, number, size
from leakdrill.judging.recordings.columns import is_requests, memory_kind
from leakdrill.judging.recordings.recorded import Recorded, RecordedSeries, SeriesMaker
from leakdrill.units import quoted, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Objects = list[tuple[int, dict[str, Any]]]
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIMES: Final = ("time", "timestamp", "ts", "Time", "read")


def objects_of(text: str, place: str) -> _Objects:
    """The JSON objects of `text`, a document or one a line, each with the line where it begins.

    Raises:
        BadInput: when it is no JSON; names the line.
    """
    plain = _ESCAPES.sub("", text)
    try:
        whole = orjson.loads(plain)
    except orjson.JSONDecodeError:
        return [
            (line, _object(row, f"{place}:{line}")) for line, row in enumerate(plain.splitlines(), 1) if row.strip()
        ]
    return [(1, one) for one in (whole if isinstance(whole, list) else [whole]) if isinstance(one, dict)]


def _object(row: str, where: str) -> dict[str, Any]:
    try:
        found = orjson.loads(row)
    except orjson.JSONDecodeError as e:
        raise BadInput(f"{where}: is no JSON: {e}") from e
    if not isinstance(found, dict):
        raise BadInput(f"{where}: {quoted(found)}; expected a JSON object")
    return found


def read_json(text: str, place: str, *, every_s: float) -> Recorded:
    """The recording in JSON, whichever tool wrote it.

    Args:
        text: the content.
        place: the file, for messages.
        every_s: how far apart readings are that have no time of their own, in seconds.

    Raises:
        BadInput: when no tool that is known wrote it; names file and line.
    """
    objects = objects_of(text, place)
    first = objects[0][1] if objects else {}
    if "MemUsage" in first:
        return _docker_stats(objects, place, every_s)
    if "metric_name" in first and "metric_kind" in first:
        return _lading(objects, place)
    if "metric" in first:
        return _by_metric(
            "VictoriaMetrics' export" if "timestamps" in first else "series of a Prometheus", objects, place
        )
    if "status" in first or "resultType" in first:
        return _range_query(first, place)
    raise BadInput(
        f"{place}: no tool that is known writes this JSON; found the keys {', '.join(list(first)[:8]) or 'of nothing'}",
        hint="expected a Prometheus' range query, lines of `docker stats --format json`, or lading's capture",
    )


def _range_query(answer: Mapping[str, Any], place: str) -> Recorded:
    if answer.get("status") == "error":
        raise BadInput(f"{place}: is an error of Prometheus: {quoted(answer.get('error'))}")
    data = answer.get("data", answer)
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    if kind != "matrix" or not isinstance(result, list):
        raise BadInput(
            f"{place}: resultType: {quoted(kind)}; expected matrix, the answer of a range query",
            hint="ask /api/v1/query_range, with start, end and step",
        )
    return _by_metric("a range query of Prometheus", [(0, one) for one in result if isinstance(one, dict)], place)


def _by_metric(what: str, objects: _Objects, place: str) -> Recorded:
    """Series by their labels; one without a name is memory, as an expression's result has none."""
    memory, requests = list[RecordedSeries](), list[RecordedSeries]()
    for line, one in objects:
        labels = one.get("metric")
        if not isinstance(labels, dict):
            raise BadInput(f"{place}: metric: {quoted(labels)}; expected the labels of a series")
        metric, name = str(labels.get("__name__", "")), _selector(labels)
        kind = "requests" if is_requests(metric) else memory_kind(metric) or ("memory" if not metric else None)
        if kind is None:
            raise BadInput(
                f"{place}: {name}: neither memory nor a count of requests",
                hint="expected container_memory_…, …_requests_total",
            )
        found = SeriesMaker(kind)
        for t, value in _values(one, f"{place}: {name}"):
            found.add(name, t, value, line)
        (requests if kind == "requests" else memory).extend(found.series())
    return Recorded(what=what, memory=tuple(memory), requests=tuple(requests))


def _selector(labels: Mapping[str, Any]) -> str:
    shown = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    return f"{labels.get('__name__', '')}{{{shown}}}"


def _values(one: Mapping[str, Any], where: str) -> Iterator[tuple[float, float]]:
    pairs = (
        zip(one["timestamps"], one.get("values") or (), strict=False)
        if "timestamps" in one
        else one.get("values") or ()
    )
    for at, pair in enumerate(pairs, start=1):
        if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 - a time and a value
            raise BadInput(f"{where}: reading {at}: {quoted(pair)}; expected a time and a value")
        yield moment(pair[0], f"{where}: reading {at}: time"), number(pair[1], f"{where}: reading {at}: value")


def _docker_stats(objects: _Objects, place: str, every_s: float) -> Recorded:
    memory, seen = SeriesMaker("usage"), dict[str, int]()
    has_times = any(key in objects[0][1] for key in _TIMES)
    for line, one in objects:
        where, name = f"{place}:{line}", str(one.get("Name") or one.get("Container") or one.get("ID") or "")
        usage = one.get("MemUsage")
        if not isinstance(usage, str):
            raise BadInput(f"{where}: MemUsage: {quoted(usage)}; expected memory and its limit, such as 12.3MiB / 2GiB")
        if usage.startswith("--"):
            continue  # a container that does not run
        time = next((one[key] for key in _TIMES if key in one), None)
        t = moment(time, f"{where}: time") if has_times else seen.get(name, 0) * every_s
        seen[name] = seen.get(name, 0) + 1
        memory.add(f"container {name}", t, size(usage.partition("/")[0], f"{where}: MemUsage"), line)
    every = (
        () if has_times else (f"one line of each container every {show_duration(every_s)}, since they have no time",)
    )
    notes = ("MemUsage, which docker rounds to four digits", *every)
    return Recorded(what="docker stats", memory=memory.series(), has_dates=has_times, notes=notes)


def _lading(objects: _Objects, place: str) -> Recorded:
    memory, requests = dict[str, SeriesMaker](), SeriesMaker("requests")
    for line, one in objects:
        metric, kind = str(one.get("metric_name", "")), memory_kind(str(one.get("metric_name", "")))
        if kind is None and not is_requests(metric):
            continue
        where = f"{place}:{line}: {metric}"
        t, value = moment(one.get("time"), f"{where}: time"), number(one.get("value"), f"{where}: value")
        known = ("run_id", "time", "fetch_index", "metric_name", "metric_kind", "value", "value_histogram")
        name = f"{metric}{_selector({key: text for key, text in one.items() if key not in known})}"
        (requests if kind is None else memory.setdefault(kind, SeriesMaker(kind))).add(name, t, value, line)
    return Recorded(
        what="lading's capture",
        memory=tuple(series for maker in memory.values() for series in maker.series()),
        requests=requests.series(),
    )
