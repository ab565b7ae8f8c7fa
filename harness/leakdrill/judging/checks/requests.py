"""Whether requests kept their error rate and latency, outside the time in which steps were carried out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.check import always, where
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.load_conduct import count_of, is_number
from leakdrill.judging.evidence.windows import Span, step_runs, watched_until_s
from leakdrill.record.events import LoadErrors, LoadExited, LoadRequests
from leakdrill.units import show_code, show_count, show_duration, show_share

if TYPE_CHECKING:
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

AFTER_STEP_S: Final = 3.0
"""The time after its end in which a step may still be felt: clients reconnect, the percentile window empties."""
_STATUS: Final = re.compile(r"^LocustBadStatusCode\(code=(\d+)\)$")
"""How Locust words an answer with an error status to its faster client."""
_LEAST_REQUESTS: Final = 20
_LEAST_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class _Second:
    """The counts of Locust between two of its reports."""

    span: Span
    requests: float
    failures: float
    p99_ms: float | None
    tasks: float
    raised: float
    event: int


def requests_keep_error_rate(history: History, *, scenario: Scenario) -> Verdict:
    """Whether at most `expect.error_rate` of the requests failed, steps and the 3 s after each left out."""
    claim, allowed = Claim("requests_keep_error_rate"), scenario.expect.error_rate
    return _judge_errors(history, claim, _outside(history), allowed, "outside the steps")


def requests_survive_steps(history: History, *, scenario: Scenario) -> Verdict:
    """Whether at most `expect.step_errors` of the requests failed from a step's beginning to 3 s after its end."""
    claim, windows = Claim("requests_survive_steps"), _step_windows(history)
    if not windows:
        return claim.unknown("no step was carried out", hint="see the verdict step_works")
    inside = [s for s in _seconds(history) if any(s.span.overlaps(window) for window in windows)]
    return _judge_errors(history, claim, inside, scenario.expect.step_errors, "during the steps")


def requests_keep_latency(history: History, *, scenario: Scenario) -> Verdict:
    """Whether the median of the p99 of each second, steps and the 3 s after each left out, is at most `expect.p99`."""
    claim, allowed_s = Claim("requests_keep_latency"), scenario.expect.p99
    seconds = _outside(history)
    doubt = _doubt(history, claim, seconds)
    if doubt:
        return doubt
    measured = [(s.p99_ms, s.event) for s in seconds if s.p99_ms is not None]
    if len(measured) < _LEAST_SECONDS:
        return claim.unknown(
            f"latency was reported for only {show_count(len(measured), 'second')} outside the steps",
            hint="let the phases last longer",
        )
    requests, failures = sum(s.requests for s in seconds), sum(s.failures for s in seconds)
    if failures > max(0.5, scenario.expect.error_rate) * requests:
        return claim.unknown(
            f"{failures:.0f} of {requests:.0f} requests failed, and how long failures take says nothing of the service",
            hint="see the verdict requests_keep_error_rate",
        )
    median_s = float(np.median([p99 for p99, _ in measured])) / 1000
    numbers = {"p99_s": median_s, "p99_wanted_s": allowed_s, "seconds": len(measured)}
    message = (
        f"p99 was {show_duration(median_s)} (median over {show_count(len(measured), 'second')} outside the steps); "
        f"at most {show_duration(allowed_s)} was wanted"
    )
    events = [measured[0][1], measured[-1][1]]
    if median_s > allowed_s:
        return claim.fails(message, numbers=numbers, events=events, hint="is the target, or this machine, overloaded?")
    return _cut_short(history, claim, message) or claim.holds(message, numbers=numbers, events=events)


def _judge_errors(history: History, claim: Claim, seconds: list[_Second], allowed: float, where: str) -> Verdict:
    doubt = _doubt(history, claim, seconds)
    if doubt:
        return doubt
    requests, failures = sum(s.requests for s in seconds), sum(s.failures for s in seconds)
    numbers = {
        "requests": requests,
        "failures": failures,
        "error_rate": failures / requests,
        "error_rate_wanted": allowed,
    }
    top = top_error(history)
    message = (
        f"{failures:.0f} of {requests:.0f} requests {where} failed ({show_share(failures / requests)}); "
        f"at most {show_share(allowed)} was wanted"
    )
    events = [seconds[0].event, seconds[-1].event]
    if failures / requests > allowed:
        reason = f"; most often: {top}" if top else ""
        return claim.fails(message + reason, numbers=numbers, events=events, hint="read target.log in the run folder")
    raised, tasks = sum(s.raised for s in seconds), sum(s.tasks for s in seconds)
    if raised > allowed * max(1.0, tasks):
        reason = f", most often: {top}" if top else ""
        return claim.unknown(
            f"{message}; but {raised:.0f} of {tasks:.0f} tasks raised an exception{reason}",
            numbers=numbers,
            events=events,
            hint="what a task does after it raised is not tried; read load.log in the run folder",
        )
    return _cut_short(history, claim, message) or claim.holds(message, numbers=numbers, events=events)


def _doubt(history: History, claim: Claim, seconds: list[_Second]) -> Verdict | None:
    """UNKNOWN when the counts cannot be true, or there are too few requests to judge; None otherwise."""
    spoilt = _untrue(history)
    if spoilt is not None:
        return claim.unknown(
            f"a report of the load at {show_duration(spoilt.t)} cannot be true: {spoilt.requests} requests so far, "
            f"{spoilt.failures} of them failed",
            events=[spoilt.index],
            hint="expected two counts that never fall, the second no larger than the first",
        )
    requests = sum(s.requests for s in seconds)
    if requests >= _LEAST_REQUESTS:
        return None
    top, ended = top_error(history), _ended(history)
    reason = f": {top}" if top else f": {_end(ended[0])}" if ended else ""
    summary = (
        f"only {show_count(requests, 'request was', 'requests were')} made"
        if requests
        else f"Locust never reached the target{reason}"
    )
    return claim.unknown(
        summary,
        numbers={"requests": requests},
        events=[e.index for e in ended],
        hint="read load.log in the run folder; does the locustfile use the host that it is given?",
    )


def _untrue(history: History) -> LoadRequests | None:
    """The first report whose counts are no numbers, fall, or have more failures than requests."""
    before = LoadRequests(requests=0.0, failures=0.0)
    for report in (event for event in history.of(LoadRequests) if event.values):
        if not _may_follow(before, report):
            return report
        before = report
    return None


def _may_follow(before: LoadRequests, report: LoadRequests) -> bool:
    requests, failures = report.requests, report.failures
    if not (is_number(requests) and is_number(failures)):
        return False
    return (before.requests or 0) <= requests and (before.failures or 0) <= failures <= requests


def _cut_short(history: History, claim: Claim, message: str) -> Verdict | None:
    ended = _ended(history)
    if not ended:
        return None
    return claim.unknown(
        f"{message}; but {_end(ended[0])}, so the rest was not loaded",
        events=[e.index for e in ended],
        hint=_hint_on_end(ended[0]),
    )


def _ended(history: History) -> list[LoadExited]:
    return history.of(LoadExited)


def _end(ended: LoadExited) -> str:
    reason = f", because {ended.reason}" if ended.reason else ""
    return f"Locust ended on its own with exit code {show_code(ended.exit_code)} at {show_duration(ended.t)}{reason}"


def _hint_on_end(ended: LoadExited) -> str:
    if ended.reason:
        return "the load must last for all phases of the drill: let the locustfile go on, or leave out what ends it"
    return "read load.log in the run folder"


def top_error(history: History) -> str:
    """The error that most requests met, as Locust words it; empty when there was none."""
    errors: Counter[str] = Counter()
    for event in history.of(LoadErrors):
        request = " ".join(filter(None, (event.method, event.request)))
        error = _STATUS.sub(r"answered \1", event.error or "?")
        text = f"{error}{f' ({request})' if request else ''}"
        errors[text] = max(errors[text], int(event.count or 0))
    return errors.most_common(1)[0][0] if errors else ""


def reports_outside(history: History) -> list[tuple[LoadRequests, LoadRequests]]:
    """Neighbouring reports of Locust from the baseline on, between which no step was carried out or felt."""
    windows = _step_windows(history)
    return [(a, b) for a, b in _reports(history) if not any(Span(a.t, b.t).overlaps(window) for window in windows)]


def _outside(history: History) -> list[_Second]:
    """The seconds from the baseline on in which no step was carried out or felt."""
    windows = _step_windows(history)
    return [s for s in _seconds(history) if not any(s.span.overlaps(window) for window in windows)]


def _step_windows(history: History) -> list[Span]:
    return [Span(run.start_s, run.end_s + AFTER_STEP_S) for run in step_runs(history)]


def _seconds(history: History) -> list[_Second]:
    return [_second(a, b) for a, b in _reports(history)]


def _reports(history: History) -> list[tuple[LoadRequests, LoadRequests]]:
    baseline = history.phase("baseline")
    from_s, until_s = 0.0 if baseline is None else baseline[0], watched_until_s(history)
    reports = [e for e in history.of(LoadRequests) if e.values]
    return [(a, b) for a, b in pairwise(reports) if a.t >= from_s and b.t <= until_s]


def _second(before: LoadRequests, after: LoadRequests) -> _Second:
    return _Second(
        span=Span(before.t, after.t),
        requests=count_of(after, "requests") - count_of(before, "requests"),
        failures=count_of(after, "failures") - count_of(before, "failures"),
        p99_ms=after.p99_ms if is_number(after.p99_ms) else None,
        tasks=count_of(after, "tasks") - count_of(before, "tasks"),
        raised=count_of(after, "exceptions") - count_of(before, "exceptions"),
        event=after.index,
    )


ERROR_RATE: Final = always(
    "requests_keep_error_rate",
    "At most the expected share of requests failed outside the steps.",
    requests_keep_error_rate,
)
LATENCY: Final = always(
    "requests_keep_latency",
    "The median of each second's 99th percentile stayed within the expected time outside the steps.",
    requests_keep_latency,
)
SURVIVE_STEPS: Final = where(
    lambda _history, scenario: bool(scenario.steps) and scenario.expect.step_errors < 1,
    "requests_survive_steps",
    "At most the expected share of requests failed while steps were carried out.",
    requests_survive_steps,
)
