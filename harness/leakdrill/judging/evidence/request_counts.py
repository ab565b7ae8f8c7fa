"""Whether the counts of requests agree: Locust's reports, the sampler's, Locust's errors, and the service's own."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import REQUESTS, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.windows import Span, step_runs, watched_until_s
from leakdrill.record.events import (
    CgroupResources,
    FilesystemDisk,
    LoadErrors,
    LoadRequests,
    ProcessSmaps,
    ProcessTree,
    ServiceMetrics,
    TorchAllocator,
    WorkerLost,
)
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.judging.evidence.readings import Numbers
    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

    Floats = np.typing.NDArray[np.float64]

_COUNTED_BESIDE: Final = (CgroupResources, ProcessTree, ProcessSmaps, FilesystemDisk, TorchAllocator)
_FEW: Final = 20.0
_LATE_S: Final = 2.0
_IN_A_ROW: Final = 3
_USERS: Final = 1.0
_USERS_SHARE: Final = 0.2
"""Users that come or go are counted at other moments than those that run."""
_RATE_SHARE: Final = 0.25
_RATE: Final = 5.0
_ERRORS_SHARE: Final = 0.05
_ERRORS_LATE_S: Final = 5.0
"""Errors are reported by their kinds less often than failures in sum, and later on a busy machine."""
_STALL_S: Final = 5.0
_STALL_REQUESTS: Final = 40.0
_AFTER_STEP_S: Final = 3.0
_OWN_SHARE: Final = 0.9
_LEAST_OWN_SHARE: Final = 0.5
_LEAST_REQUESTS: Final = 100
_TOLD: Final = frozenset(
    ["requests", "failures", "completed", "rps", "fail_per_s", "users", "workers", "users_started", "users_ended"]
)
_QUANTILES: Final = ("p50_ms", "p95_ms", "p99_ms")
_SERVED: Final = "http_requests_total"


def request_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Counts of requests that contradict each other, and a load that stands still."""
    baseline = history.phase("baseline")
    if baseline is None:
        return
    span = Span(baseline[0], watched_until_s(history))
    reports = [e for e in readings(history, LoadRequests) if {"requests", "failures"} <= set(e.values)]
    reports = [e for e in reports if span.start_s <= e.t <= span.end_s]
    if not reports:
        return
    for event_class in _COUNTED_BESIDE:
        yield from _counted_beside(history, event_class, reports)
    yield from rate_doubts(reports)
    yield from _errors(history, reports)
    yield from _unanswered(reports)
    yield from user_doubts(_before_a_loss(history, reports), scenario.load.workers)
    yield from _standstill(history, scenario, span)
    yield from _served(history, scenario, reports)


def _about(text: str, *events: int) -> Doubt:
    return Doubt(text, events, frozenset({REQUESTS}))


def _counted_beside(history: History, event_class: type[Reading], reports: list[Numbers]) -> Iterator[Doubt]:
    """The answered requests that a meter noted with its readings, against Locust's reports."""
    read = [(e.t, e.values["requests"]) for e in readings(history, event_class) if "requests" in e.values]
    if len(read) < 2:  # noqa: PLR2004 - between two
        return
    times, counts = (np.array(column, dtype=float) for column in zip(*read, strict=True))
    rate = (reports[-1].values["requests"] - reports[0].values["requests"]) / max(1.0, reports[-1].t - reports[0].t)
    apart, row = max(_FEW, _LATE_S * rate), 0
    for event in reports:
        answered = event.values["requests"] - event.values["failures"]
        near = counts[(times >= event.t - _LATE_S) & (times <= event.t + _LATE_S)]
        wrong = bool(len(near)) and not near.min() - apart <= answered <= near.max() + apart
        row = row + 1 if wrong else 0
        if row == _IN_A_ROW:
            yield _about(
                f"at {show_duration(event.t)} Locust had reported {show_count(answered, 'request')} as answered, and "
                f"{event_class.source} {event_class.event_name} was read at {near[-1]:.0f}",
                event.index,
            )
            return
    if np.any(np.diff(counts[times >= reports[0].t]) < 0):
        yield _about(f"the count of requests beside {event_class.source} {event_class.event_name} falls")


def rate_doubts(reports: Sequence[Numbers]) -> Iterator[Doubt]:
    """Rates that are not those of the counts, and answers that took longer than there was time, or no time at all."""
    for report in reports:
        p99_ms = report.values.get("p99_ms")
        at_least = 0.0 if report.values.get("completed") else -1.0
        if p99_ms is not None and not at_least < p99_ms <= 1000 * report.t + _LATE_S * 1000:
            yield _about(f"99 % of the answers took up to {p99_ms:g} ms at {show_duration(report.t)}", report.index)
            break
    for name, count in (("rps", "requests"), ("fail_per_s", "failures")):
        row = 0
        for before, after in pairwise(reports):
            told = after.values.get(name)
            real = (after.values[count] - before.values[count]) / max(1e-3, after.t - before.t)
            wrong = told is not None and abs(told - real) > _RATE + _RATE_SHARE * max(abs(real), abs(told))
            row = row + 1 if wrong else 0
            if row == _IN_A_ROW:
                yield _about(
                    f"Locust's {name} was {told:g} at {show_duration(after.t)}, and its counts say {real:.1f}",
                    before.index,
                    after.index,
                )
                break


def report_doubts(reports: Sequence[Numbers]) -> Iterator[Doubt]:
    """Reports that lack what Locust always tells, and quantiles that are in the wrong order."""
    for report in reports:
        lacking = sorted(_TOLD - set(report.values))
        quantiles = [report.values[name] for name in _QUANTILES if name in report.values]
        if lacking or (report.values.get("rps") and len(quantiles) < len(_QUANTILES)):
            what = lacking[0] if lacking else "a quantile of the response times"
            yield _about(f"Locust's report at {show_duration(report.t)} lacks {what}", report.index)
            return
        if quantiles != sorted(quantiles):
            told = ", ".join(f"{ms:g}" for ms in quantiles)
            yield _about(f"Locust's quantiles at {show_duration(report.t)} cannot be: {told} ms", report.index)
            return


def _errors(history: History, reports: list[Numbers]) -> Iterator[Doubt]:
    """More errors by their kinds than failures in sum, or the reverse."""
    kinds: dict[tuple[str, str, str], float] = {}
    for event in history.of(LoadErrors):
        if event.t <= reports[-1].t:
            key = (event.method, event.request, event.error)
            kinds[key] = max(kinds.get(key, 0.0), event.count or 0.0)
    told, failed = sum(kinds.values()), reports[-1].values["failures"]
    known_s = reports[-1].t - _ERRORS_LATE_S
    least = max((report.values["failures"] for report in reports if report.t <= known_s), default=0.0)
    slack = _FEW + _ERRORS_SHARE * max(told, failed)
    if not least - slack <= told <= failed + slack:
        yield _about(f"Locust counted {failed:.0f} failures, and {told:.0f} of them by their error", reports[-1].index)


def _unanswered(reports: Sequence[Numbers]) -> Iterator[Doubt]:
    """Requests that got no response and are no failures."""
    for report in reports:
        if not report.values.get("completed"):
            continue  # what is not HTTP has no response that Locust knows of
        unanswered = report.values["requests"] - report.values["completed"]
        if unanswered > report.values["failures"] + 1:
            when = show_duration(report.t)
            yield _about(
                f"{show_count(unanswered, 'request')} had got no response by {when}, and fewer had failed", report.index
            )
            return


def _before_a_loss(history: History, reports: Sequence[Numbers]) -> list[Numbers]:
    """The reports until a worker was lost: nobody tells of the end of the users that went with it."""
    lost_s = min((e.t for e in history.of(WorkerLost)), default=math.inf)
    return [report for report in reports if report.t < lost_s]


def user_doubts(reports: Sequence[Numbers], workers: int) -> Iterator[Doubt]:
    """Users that are others than were started and have not ended, and fewer workers than were asked for."""
    row, before = 0, -1.0
    for report in reports:
        values = report.values
        running = values.get("users_started", 0.0) - values.get("users_ended", 0.0)
        most = _USERS + _USERS_SHARE * running if running == before else math.inf
        apart = "users_started" in values and abs(values.get("users", running) - running) > most
        before = running
        row = row + 1 if apart or 0 <= values.get("workers", workers) < workers else 0
        if row == _IN_A_ROW:
            users = show_count(values.get("users", 0), "user")
            told = f"{users} and {show_count(values.get('workers', 0), 'worker')} were told"
            asked = (
                f"{show_count(running, 'user')} had not ended, and "
                f"{show_count(workers, 'worker was', 'workers were')} asked for"
            )
            yield _about(f"{told} at {show_duration(report.t)}; {asked}", report.index)
            return


def _standstill(history: History, scenario: Scenario, span: Span) -> Iterator[Doubt]:
    """A stretch outside the steps in which nothing was answered, and nothing failed."""
    rows = sorted((e.t, e.values["requests"]) for e in readings(history, LoadRequests) if "requests" in e.values)

    rows = [row for row in rows if span.start_s <= row[0] <= span.end_s]
    if len(rows) < 2 or rows[-1][1] <= rows[0][1]:  # noqa: PLR2004 - between two
        if rows:
            yield _about("no request was made from the baseline on")
        return
    rate = float(np.median([(b[1] - a[1]) / max(1e-3, b[0] - a[0]) for a, b in pairwise(rows)]))
    longest_s = max(_STALL_S, _STALL_REQUESTS / rate) if rate else np.inf
    busy = [Span(run.start_s, run.end_s + _AFTER_STEP_S) for run in step_runs(history)] + changing(history, scenario)
    since_s = rows[0][0]
    for (_, before), (t, now) in pairwise(rows):
        stood = Span(since_s, t)
        if now == before and stood.length_s > longest_s and not any(one.overlaps(stood) for one in busy):
            yield _about(
                f"no request was answered or failed for more than {show_duration(stood.length_s)} from "
                f"{show_duration(since_s)} on, at a load of {rate:.0f} a second before"
            )
            return
        since_s = t if now != before else since_s


def _served(history: History, scenario: Scenario, reports: list[Numbers]) -> Iterator[Doubt]:
    """Fewer requests by the service's own count than Locust says were answered, where the service is one process."""
    pages = [(e.t, total, e.index) for e in readings(history, ServiceMetrics) if (total := _total(e)) is not None]
    times = np.array([e.t for e in reports])
    answered = np.array([e.values["requests"] - e.values["failures"] for e in reports])
    for name in ("baseline", "load", "recover"):
        bounds = history.phase(name)
        if bounds is None or any(one.overlaps(Span(*bounds)) for one in changing(history, scenario)):
            continue
        inside = [page for page in pages if bounds[0] <= page[0] <= bounds[1]]
        if len(inside) < 2:  # noqa: PLR2004 - a rise needs two
            continue
        first, last = inside[0], inside[-1]
        ours = float(np.interp(last[0], times, answered) - np.interp(first[0], times, answered))
        theirs = last[1] - first[1]
        if name == "baseline" and theirs < _OWN_SHARE * ours:
            return
        if ours > _LEAST_REQUESTS and theirs < _LEAST_OWN_SHARE * ours:
            yield _about(
                f"in `{name}` Locust says that "
                f"{show_count(ours, 'request was', 'requests were')} answered, and the service counted {theirs:.0f}",
                first[2],
                last[2],
            )


def _total(event: Numbers) -> float | None:
    counts = [count for name, count in event.values.items() if name.startswith(_SERVED)]
    return sum(counts) if counts else None
