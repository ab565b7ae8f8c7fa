"""Whether every meter that the target has was read, throughout, and none of its readings was left out singly."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, REQUESTS, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.possible_values import ABOUT
from leakdrill.judging.evidence.readings import reading_times, readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import (
    CgroupResources,
    FilesystemDisk,
    LoadRequests,
    Notice,
    PodResources,
    ProcessSmaps,
    ProcessTree,
    PrometheusPoll,
    ServiceMetrics,
    TargetReady,
)
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

    Floats = np.typing.NDArray[np.float64]

NO_CGROUP: Final = "the target has no cgroup of its own"
"""What the sandbox says of a target on a machine that gives it none."""

_OF_PROCESSES: Final = (ProcessTree, ProcessSmaps)
_ONE_MISSING: Final = 1.6
"""Two readings further apart than this many periods have lost one between them."""
_WINDOW_S: Final = 6.0
_WINDOW_PERIODS: Final = 40
_REGULAR: Final = 0.8
"""Of what is read at no regular times nobody can tell whether a reading is missing."""
_AT_ONCE: Final = 0.1
_MOST_LOST: Final = 0.15
"""More single readings are not lost by a busy machine."""
_MOST_LOST_OF: Final[dict[type[Reading], float]] = {ProcessTree: 0.25, PrometheusPoll: 0.4}
"""Reading a tree of processes takes longest. A poll of Prometheus that comes late finds what an earlier one would."""
_LEAST_LOST: Final = 5
_PAIR_S: Final = 0.06
_MOST_UNPAIRED: Final = 0.02
_LATE_S: Final = 4.0
"""How late Locust's report of each second may come."""


def presence_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Meters that are missing, and readings of them that are."""
    yield from _missing_meters(history, scenario)
    baseline = history.phase("baseline")
    if baseline is None:
        return
    span, unsettled = Span(baseline[0], watched_until_s(history)), changing(history, scenario)
    for event_class in (CgroupResources, ProcessTree, ProcessSmaps, FilesystemDisk, PrometheusPoll):
        yield from _lost_singly(history, event_class, span, unsettled)
    yield from _unpaired(history, scenario, span, unsettled)
    yield from _late_reports(history, span)


def _missing_meters(history: History, scenario: Scenario) -> Iterator[Doubt]:
    expected: list[type[Reading]] = [LoadRequests, CgroupResources]
    expected += _OF_PROCESSES if scenario.target.runs_here else ()
    expected += [FilesystemDisk] if scenario.target.kind == "process" else []
    expected += [ServiceMetrics] if scenario.target.metrics else []
    expected += [PrometheusPoll] if scenario.alerts.evaluated else []
    if any(notice.message.startswith(NO_CGROUP) for notice in history.of(Notice)):
        expected.remove(CgroupResources)
    for event_class in [*expected, *_of_seen_processes(history, scenario)]:
        if not readings(history, event_class):
            about = ABOUT.get(event_class, HOST_RESOURCES | {REQUESTS})
            yield Doubt(f"nothing was read of {event_class.source}/{event_class.event_name}", (), about)


def _of_seen_processes(history: History, scenario: Scenario) -> list[type[Reading]]:
    """The meters of a container's or a pod's processes that can be seen and of which no line tells, not even why."""
    seen = is_sealed(history) and any(event.process for event in history.of(TargetReady))
    meters: list[type[Reading]] = (
        [ProcessTree, ProcessSmaps] if scenario.target.kind in ("docker", "kubernetes") else []
    )
    meters += [PodResources] if scenario.target.kind == "kubernetes" else []
    return [meter for meter in meters if seen and not history.of(meter)]


def _period_s(times: Floats) -> float:
    """The period of a meter: that of its readings that follow each other most closely, single ones apart."""
    return float(np.quantile(np.diff(times), 0.2)) if len(times) > 1 else 0.0


def _lost_singly(history: History, event_class: type[Reading], span: Span, unsettled: list[Span]) -> Iterator[Doubt]:
    times = reading_times(history, event_class)
    period_s, name = _period_s(times), f"{event_class.source}/{event_class.event_name}"
    inside = times[(times >= span.start_s) & (times <= span.end_s)]
    if len(inside) < 2 or period_s <= 0:  # noqa: PLR2004 - a gap lies between two
        return
    distances = np.diff(inside)
    close = int((distances < _AT_ONCE * float(np.quantile(distances, 0.9))).sum())
    if close > max(_LEAST_LOST, _MOST_LOST * len(inside)):
        yield Doubt(f"{name} has {show_count(close, 'reading')} that follow another at once", (), ABOUT[event_class])
        return
    settled = np.array([not _touches(unsettled, a, b) for a, b in pairwise(inside.tolist())])
    gaps = inside[1:][settled & (distances > _ONE_MISSING * period_s)]
    window_s = max(_WINDOW_S, _WINDOW_PERIODS * period_s)
    for start_s in gaps.tolist() if period_s >= _REGULAR * float(np.median(distances)) else ():
        number = int(((gaps >= start_s) & (gaps < start_s + window_s)).sum())
        most = _MOST_LOST_OF.get(event_class, _MOST_LOST)
        if number > max(_LEAST_LOST, most * window_s / period_s):
            text = f"{name} lacks readings in {show_count(number, 'place')} from {show_duration(start_s)} on"
            text += f", though one came every {show_duration(period_s)}"
            yield Doubt(text, (), ABOUT[event_class], is_silence=True)
            return


def _touches(spans: list[Span], start_s: float, end_s: float) -> bool:
    return any(span.start_s <= end_s and start_s <= span.end_s for span in spans)


def _unpaired(history: History, scenario: Scenario, span: Span, unsettled: list[Span]) -> Iterator[Doubt]:
    """Readings of the control group without those of the processes at the same tick, and the reverse."""
    pair = (CgroupResources, ProcessTree)
    times = [reading_times(history, event_class) for event_class in pair]
    periods_s = [_period_s(one) for one in times]
    if min(len(one) for one in times) < 2 or min(periods_s) <= 0:  # noqa: PLR2004 - none at all is told elsewhere
        return
    if not scenario.target.runs_here and not 0.5 < periods_s[0] / periods_s[1] < 2:  # noqa: PLR2004
        return  # they are read in different ways, each at its own times
    for ours, others, event_class in ((times[0], times[1], pair[1]), (times[1], times[0], pair[0])):
        inside = ours[(ours >= span.start_s) & (ours <= span.end_s)]
        place = np.clip(np.searchsorted(others, inside), 1, len(others) - 1)
        apart = np.minimum(np.abs(others[place] - inside), np.abs(others[place - 1] - inside))
        alone = [float(t) for t in inside[apart > max(_PAIR_S, 0.4 * min(periods_s))]]
        alone = [t for t in alone if not _touches(unsettled, t, t)]
        if len(alone) > max(2, _MOST_UNPAIRED * len(inside)):
            text = (
                f"{event_class.source}/{event_class.event_name} lacks "
                f"{show_count(len(alone), 'reading')} that were taken with "
                f"others, at first at {show_duration(alone[0])}"
            )
            yield Doubt(text, (), HOST_RESOURCES, is_silence=True)


def _late_reports(history: History, span: Span) -> Iterator[Doubt]:
    times = [
        span.start_s,
        *(t for t in reading_times(history, LoadRequests) if span.start_s < t < span.end_s),
        span.end_s,
    ]
    gaps = np.diff(times)
    if len(times) > 2 and gaps.max() > _LATE_S:  # noqa: PLR2004 - none at all is told elsewhere
        start_s = times[int(gaps.argmax())]
        text = f"Locust reported nothing for {show_duration(float(gaps.max()))} from {show_duration(start_s)} on"
        yield Doubt(text, (), frozenset({REQUESTS}), is_silence=True)
