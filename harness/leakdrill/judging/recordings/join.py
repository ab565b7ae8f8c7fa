"""A recording of memory laid beside one of requests: what the verdict takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.errors import BadInput
from leakdrill.judging.leak.possible_readings import check_possible, check_unit
from leakdrill.judging.leak.trace import RESIDENT, Trace
from leakdrill.units import quoted, show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leakdrill.judging.recordings.recorded import Recorded, RecordedSeries

_MOST_NAMED: Final = 6
_NO_COUNT: Final = (
    "--requests FILE names a recording that counts them (of k6, Locust, JMeter, a Prometheus); --load 50/s says that "
    "they came evenly; --load 1/s judges growth by the second"
)


def one_series(found: Sequence[RecordedSeries], wanted: str, place: str) -> RecordedSeries:
    """The series of memory to judge: the only one, or the one whose name holds `wanted`.

    Raises:
        BadInput: when there is none, or more than one, or its time goes back.
    """
    named = [one for one in found if wanted in one.name]
    if len(named) == 1:
        _check_order(named[0].t, "time", place, named[0])
        return named[0]
    names = "; ".join(one.name for one in (named or found)[:_MOST_NAMED])
    if not found:
        raise BadInput(f"{place}: holds no memory; expected resident memory, a working set or memory in use")
    if not named:
        raise BadInput(f"{place}: no series is named {quoted(wanted)}; found {names}")
    raise BadInput(f"{place}: holds {len(named)} series of memory: {names}", hint="--series NAME chooses one of them")


def counted_evenly(found: Recorded, memory: RecordedSeries, per_s: float, place: str) -> Trace:
    """The recording under a load that was even, of `per_s` requests a second."""
    requests = (memory.t - memory.t[0]) * per_s
    return _trace(
        found,
        memory,
        np.ones(len(memory.t), dtype=bool),
        requests,
        f"{show_count(per_s, 'request') if per_s == round(per_s) else f'{per_s:g} requests'} a second, as declared",
        place,
        per=f"per request at the declared {per_s:g}/s",
    )


def with_requests(found: Recorded, memory: RecordedSeries, counted: Recorded, *, places: tuple[str, str]) -> Trace:
    """The recording `found`, with the requests that `counted` holds; judged is what both cover.

    Raises:
        BadInput: when nothing counts requests, or the two do not cover the same time.
    """
    if not counted.requests:
        raise BadInput(f"{places[1]}: counts no requests; it is {counted.what}", hint=_NO_COUNT)
    if counted is not found and not (found.has_dates and counted.has_dates):
        undated = places[0] if not found.has_dates else places[1]
        raise BadInput(
            f"{undated}: has no dates, so that it cannot be laid beside the other recording", hint="--load 50/s instead"
        )
    for one in counted.requests:
        _check_order(one.t, "time", places[1], one)
        _check_order(one.values, "requests", places[1], one)
    start = min(one.t[0] for one in counted.requests)
    end = max(one.t[-1] for one in counted.requests)
    covered = (memory.t >= start) & (memory.t <= end)
    if not covered.any():
        raise BadInput(f"{places[0]}: not one reading of memory lies within the requests of {places[1]}")
    parts = [np.interp(memory.t[covered], one.t, one.values - one.values[0]) for one in counted.requests]
    source = "" if counted is found else f" from {places[1]} ({counted.what})"
    requests: NDArray[np.float64] = np.sum(parts, axis=0)
    return _trace(
        found, memory, covered, requests, f"{show_count(requests[-1] - requests[0], 'request')}{source}", places[0]
    )


def _trace(
    found: Recorded,
    memory: RecordedSeries,
    covered: NDArray[np.bool_],
    requests: NDArray[np.float64],
    load: str,
    place: str,
    *,
    per: str = "a request",
) -> Trace:
    t, values = memory.t[covered], memory.values[covered]
    lines = [line for line, taken in zip(memory.places, covered, strict=True) if taken]
    where = place if lines[0] else f"{place}: {memory.name}"
    check_possible({"t": t, memory.column: values}, {memory.column: memory.name}, where, lines)
    check_unit(values, memory.name, where, whole=memory.column in RESIDENT and not found.notes)
    left = len(memory.t) - len(t)
    cut = (
        f"; {show_count(left, 'reading outside of the requests is', 'readings outside of the requests are')} left out"
        if left
        else ""
    )
    took = show_duration(float(t[-1] - t[0]))
    understood = (
        f"{found.what}: {show_count(len(t), 'reading')} of {memory.name} in {took}{cut}; "
        f"{'; '.join((*found.notes, load))}"
    )
    return Trace(
        name=place,
        t=t - t[0],
        requests=requests - requests[0],
        columns={memory.column: values},
        quiet=False,
        understood=understood,
        per=per,
    )


def _check_order(values: NDArray[np.float64], what: str, place: str, series: RecordedSeries) -> None:
    falls = np.flatnonzero(np.diff(values) < 0)
    if not len(falls):
        return
    at = int(falls[0]) + 1
    line = f":{series.places[at]}" if series.places[at] else ""
    raise BadInput(
        f"{place}{line}: {series.name}: {what}: {values[at]:g} after {values[at - 1]:g}; expected it never to fall",
        hint="one recording covers one process from start to end; cut it where the service restarted",
    )
