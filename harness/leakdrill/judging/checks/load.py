"""Whether the load of a drill was what its scenario asks for: users, rate, tasks, hosts, and no stretch without it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.checks.requests import reports_outside
from leakdrill.judging.evidence.check import where
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.load_conduct import Conduct, Problem, count_of, summary
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.service_count import disagreement, service_count
from leakdrill.judging.evidence.windows import Span, down_spans, outside, step_runs, watched_until_s
from leakdrill.record.events import (
    LoadIdle,
    LoadRequests,
    LoadWorkerRequests,
    ProcessTree,
    ServiceMetrics,
    WorkerLost,
)
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_LEAST_RATE: Final = 0.7
"""The share of the rate asked for that must be kept in the baseline: with less, users wait for answers."""

_LEAST_RATE_LATER: Final = 0.3
"""The share that must be kept later, when the leak may slow the service down."""

_LEAST_S: Final = 3.0
_SILENT_S: Final = 5.0
_SILENT_GAPS: Final = 10.0


def load_is_as_asked(history: History, *, scenario: Scenario) -> Verdict:
    """Whether the load was that of the scenario: its users, its rate, all of its tasks, and to the target.

    Steps and the 3 s after each are left out, except for what never ran at all. UNKNOWN where it was not.
    """
    claim = Claim("load_is_as_asked")
    problems = load_problems(history, scenario)
    if not (counts_conduct(history) and reports_outside(history)):
        return claim.unknown("nobody counted what the load did", hint="read load.log in the run folder")
    if problems:
        return claim.unknown(
            summary(problems),
            numbers={"problems": len(problems)},
            events=[index for problem in problems for index in problem.events],
            hint="what rests on requests says nothing about the service; read load.log in the run folder",
        )
    conduct = _conduct(history, scenario)
    numbers = {name: conduct.grown(name) for name in ("tasks", "requests", "exceptions")}
    return claim.holds(
        f"{show_count(scenario.load.users, 'user')} made {numbers['requests']:.0f} requests in "
        f"{numbers['tasks']:.0f} tasks",
        numbers=numbers,
        events=conduct.events,
    )


def load_problems(history: History, scenario: Scenario) -> list[Problem]:
    """Every way in which the load of a drill was not what its scenario asks for; none where nobody counted."""
    if not counts_conduct(history):
        return []
    problems = _lost(history) or _conduct(history, scenario).problems()
    return problems or [
        *_slow(history, scenario),
        *_silent(history),
        *_idle(history, scenario),
        *_lazy(history),
        *_miscounted(history, scenario),
    ]


def _lost(history: History) -> list[Problem]:
    """Workers that Locust lost: whatever else is counted then was counted in part."""
    lost = [event for event in history.of(WorkerLost) if event.lost]
    return [Problem(f"Locust lost {lost[-1].lost:.0f} of {lost[-1].wanted} workers", (lost[-1].index,))] if lost else []


def counts_conduct(history: History) -> bool:
    """Whether any report of the load counts more than requests: records of before version 1.1 do not."""
    return any(report.tasks is not None or report.users_started is not None for report in history.of(LoadRequests))


def _conduct(history: History, scenario: Scenario) -> Conduct:
    spawned = [report.t for report in history.of(LoadRequests) if report.users_started]
    return Conduct(reports_outside(history), scenario.load, scenario.expect.error_rate, min(spawned, default=0.0))


def _slow(history: History, scenario: Scenario) -> Iterator[Problem]:
    rate = scenario.load.rate
    for phase, least in (("baseline", _LEAST_RATE), ("load", _LEAST_RATE_LATER), ("recover", _LEAST_RATE_LATER)):
        bounds = history.phase(phase)
        if rate is None or bounds is None or "lower rate" in scenario.load.allow:
            continue
        inside = [(a, b) for a, b in reports_outside(history) if a.t >= bounds[0] and b.t <= bounds[1]]
        seconds = sum(b.t - a.t for a, b in inside)
        begun = sum(count_of(b, "tasks") - count_of(a, "tasks") for a, b in inside)
        if seconds >= _LEAST_S and begun / seconds < least * rate:
            text = (
                f"{begun / seconds:.3g} tasks/s were begun in the phase `{phase}`; {rate:g}/s were asked for (if that "
                "is meant to be more than the service can answer, `load.allow` may name a lower rate)"
            )
            yield Problem(text, (inside[0][0].index, inside[-1][1].index))


def _silent(history: History) -> Iterator[Problem]:
    """Stretches in which no request ended though the service should have been up, against the usual distance."""
    judged = [pair[1] for pair in reports_outside(history)]
    if not judged:
        return
    # What came back while a step was felt came back too: without it, every step would leave a silence of seconds.
    reports = [report for report in history.of(LoadRequests) if judged[0].t <= report.t <= judged[-1].t]
    excused = [*down_spans(history), *(Span(run.start_s, run.end_s) for run in step_runs(history))]
    total = count_of(reports[-1], "requests") - count_of(reports[0], "requests")
    usual_s = (reports[-1].t - reports[0].t) / max(1.0, total)
    moved = [b.t for a, b in pairwise(reports) if b.requests != a.requests]
    edges = [reports[0].t, *moved, min(reports[-1].t, watched_until_s(history))]
    for start_s, end_s in pairwise(edges):
        rest = outside(Span(start_s, end_s), excused)
        longest = max(rest, key=lambda span: span.length_s, default=None)
        if longest is not None and longest.length_s > max(_SILENT_S, _SILENT_GAPS * usual_s):
            yield Problem(
                f"no request came back for {show_duration(longest.length_s)} from {show_duration(longest.start_s)} on",
                tuple(report.index for report in reports if longest.start_s <= report.t <= longest.end_s),
            )


def _idle(history: History, scenario: Scenario) -> Iterator[Problem]:
    if "idle tasks" not in scenario.load.allow:
        for event in history.of(LoadIdle):
            yield Problem(f"{event.part} never ran; `load.allow` may name idle tasks", (event.index,))


def _lazy(history: History) -> Iterator[Problem]:
    """Workers that sent nothing while others did."""
    workers = history.of(LoadWorkerRequests)
    if any(worker.requests for worker in workers):
        for worker in workers:
            if not worker.requests:
                yield Problem(f"the load worker {worker.worker} sent no request", (worker.index,))


def _miscounted(history: History, scenario: Scenario) -> Iterator[Problem]:
    """A load of which the service counted another number of requests, as one process and until the first step."""
    baseline, pages = history.phase("baseline"), history.of(ServiceMetrics)
    disturbed = [*(run.start_s for run in step_runs(history)), *(span.start_s for span in down_spans(history))]
    trees = [tree.processes for tree in history.of(ProcessTree) if tree.values]
    if baseline is None or not trees or any(count != 1 for count in trees):
        return
    until_s = min((t for t in disturbed if t > baseline[0]), default=watched_until_s(history))
    read = [(page, service_count(page.others)) for page in pages if baseline[0] <= page.t <= until_s]
    counted = [(page, count) for page, count in read if count is not None]
    loads = [report for report in history.of(LoadRequests) if report.completed is not None]
    if len(counted) < 2 or len(loads) < 2:  # noqa: PLR2004 - a difference needs two
        return
    (first, before), (last, after) = counted[0], counted[-1]
    times, completed = [report.t for report in loads], [count_of(report, "completed") for report in loads]
    made = float(np.interp(last.t, times, completed) - np.interp(first.t, times, completed))
    text = disagreement(after - before, made, last.t - first.t, scenario.load)
    if text:
        yield Problem(text, (first.index, last.index))


AS_ASKED: Final = where(
    lambda history, _scenario: counts_conduct(history) or is_sealed(history),
    "load_is_as_asked",
    "The load had the users, the rate and the tasks that the scenario asks for, and reached the target.",
    load_is_as_asked,
)
