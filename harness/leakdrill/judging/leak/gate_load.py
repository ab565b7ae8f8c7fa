"""Whether a gate run's load was what its scenario asks for, for each build and each corpus. Pure.

A gate that measured no load, or answers that were all errors, has measured nothing: growth is per completed request,
and a 404 is one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.checks.requests import top_error
from leakdrill.judging.evidence.load_conduct import Conduct, Problem, count_of, summary
from leakdrill.judging.evidence.service_count import disagreement
from leakdrill.judging.leak.looks import GENTLE_REQUESTS
from leakdrill.judging.leak.slots import slot_events
from leakdrill.record.events import GateEnd, GateServiceCount, LoadExited, LoadIdle, LoadRequests, RunBroken
from leakdrill.units import show_count, show_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.claim import Claim
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

RECORDING: Final = "recording"
"""The corpus of the load that is recorded before a closed corpus can be sent."""

_LEAST_RATE: Final = 0.7
_PHASES: Final = ("warmup", "slots")
_AS_FAST_AS_IT_ANSWERS: Final = 1e5


def keeps_error_rate(history: History, scenario: Scenario, claim: Claim, build: str, corpora: list[str]) -> Verdict:
    """Whether at most `gate.error_rate` of a build's requests failed, in warm-up and slots each."""
    allowed = scenario.gate.error_rate
    parts = [pairs for corpus in corpora for phase in _PHASES if (pairs := _pairs(history, build, corpus, phase))]
    doubt = _uncounted(history, claim, build, corpora)
    if doubt:
        return doubt
    worst = max(parts, key=lambda pairs: _rate(*_failed(pairs)))
    requests, failures = (sum(numbers) for numbers in zip(*map(_failed, parts), strict=True))
    rate = _rate(*_failed(worst))
    numbers = {"requests": requests, "failures": failures, "error_rate": rate, "error_rate_wanted": allowed}
    events = [worst[0][0].index, worst[-1][1].index]
    most = "" if rate == _rate(requests, failures) else f", {show_share(rate)} at worst"
    message = (
        f"{failures:.0f} of {requests:.0f} requests failed ({show_share(_rate(requests, failures))}{most}); "
        f"at most {show_share(allowed)} is allowed"
    )
    if rate > allowed:
        top = top_error(history)
        return claim.fails(
            message + (f"; most often: {top}" if top else ""),
            numbers=numbers,
            events=events,
            hint="an error is answered by other code than a page; read load.log, or raise `gate.error_rate`",
        )
    return claim.holds(message, numbers=numbers, events=events)


def load_is_as_asked(history: History, scenario: Scenario, claim: Claim, build: str, corpora: list[str]) -> Verdict:
    """Whether a build's load had its users, its rate and its tasks, all the time. UNKNOWN where it had not."""
    doubt = _uncounted(history, claim, build, corpora)
    if doubt:
        return doubt
    problems = list(_problems(history, scenario, build, corpora))
    if problems:
        return claim.unknown(
            summary(problems),
            numbers={"problems": len(problems)},
            events=[index for problem in problems for index in problem.events],
            hint="memory under such a load says nothing; read load.log in the run folder",
        )
    conducts = [_conduct(history, scenario, build, corpus) for corpus in corpora]
    numbers = {name: sum(conduct.grown(name) for conduct in conducts) for name in ("tasks", "requests", "exceptions")}
    return claim.holds(
        f"{show_count(scenario.load.users, 'user')} made {numbers['requests']:.0f} requests in "
        f"{numbers['tasks']:.0f} tasks",
        numbers=numbers,
        events=[index for conduct in conducts for index in conduct.events],
    )


def _uncounted(history: History, claim: Claim, build: str, corpora: list[str]) -> Verdict | None:
    """UNKNOWN when the load of a corpus was not counted while the slots were measured."""
    for corpus in corpora:
        if corpus == RECORDING:  # it is short, and what was recorded is sent and counted afterwards
            continue
        pairs = _pairs(history, build, corpus, *_PHASES)
        if not pairs or not _pairs(history, build, corpus, "slots"):
            return claim.unknown(
                f"nobody counted the requests of the load ({corpus or 'no'} corpus)",
                hint="read load.log in the run folder",
            )
        if sum(_failed(pairs)) == 0:
            return claim.unknown(f"no request was made ({corpus} corpus)", hint="read load.log in the run folder")
    return None


def _problems(history: History, scenario: Scenario, build: str, corpora: list[str]) -> Iterator[Problem]:
    for event in history.of(LoadExited):
        yield Problem("Locust ended in the middle", (event.index,))
    for broken in history.of(RunBroken):
        yield Problem(f"the run broke off: {broken.message}", (broken.index,))
    for corpus in corpora:
        if corpus == RECORDING:
            continue
        yield from _conduct(history, scenario, build, corpus).problems()
        yield from _gaps(history, build, corpus)
        yield from _slow(history, scenario, build, corpus)
        yield from _miscounted(history, scenario, build, corpus)
        if "idle tasks" not in scenario.load.allow:
            idle = [e for e in history.of(LoadIdle) if (e.build or build, e.corpus) == (build, corpus)]
            yield from (Problem(f"{e.part} never ran; `load.allow` may name idle tasks", (e.index,)) for e in idle)


def _conduct(history: History, scenario: Scenario, build: str, corpus: str) -> Conduct:
    pairs = _pairs(history, build, corpus, *_PHASES)
    load = scenario.load
    if corpus == "closed":  # the recorded requests are sent by a locustfile of ours, with the users asked for
        load = load.model_copy(update={"args": []})
    began_s = pairs[0][0].t if pairs else 0.0
    return Conduct(pairs[1:] or pairs, load, scenario.gate.error_rate, began_s)


def _gaps(history: History, build: str, corpus: str) -> Iterator[Problem]:
    """Slots without requests, more on end than chance gives, and a load that nearly stopped."""
    slots = slot_events(history, build=build, corpus=corpus)
    made = [(b.requests or 0.0) - (a.requests or 0.0) for a, b in pairwise(slots)]
    if not made:
        return
    mean = sum(made) / len(made)
    empty = longest = 0
    for count in made:
        empty = 0 if count else empty + 1
        longest = max(longest, empty)
    events = tuple(slot.index for slot in slots)
    if mean <= 0 or longest > max(1.0, 10 / mean):
        yield Problem(f"{show_count(longest, 'slot')} on end had no request ({corpus} corpus)", events)
    quarter = max(1, len(made) // 4)
    first, last = sum(made[:quarter]) / quarter, sum(made[-quarter:]) / quarter
    if first >= 20 and last < first / 5:  # noqa: PLR2004 - fewer requests vary that much by chance
        yield Problem(
            f"the load fell from {first:.0f} to {show_count(last, 'request')} a slot ({corpus} corpus)", events
        )


def _slow(history: History, scenario: Scenario, build: str, corpus: str) -> Iterator[Problem]:
    """A rate that was asked for and not kept."""
    rate = scenario.gate.rate
    slots = slot_events(history, build=build, corpus=corpus)
    if rate is None or rate > _AS_FAST_AS_IT_ANSWERS or "lower rate" in scenario.load.allow or len(slots) < 2:  # noqa: PLR2004 - a difference needs two
        return
    loaded_s = sum((b.load_s or 0.0) - (a.load_s or 0.0) - (b.rest_s or 0.0) for a, b in pairwise(slots))
    made = (slots[-1].requests or 0.0) - (slots[0].requests or 0.0)
    gentle = made / (len(slots) - 1) <= GENTLE_REQUESTS < rate * loaded_s / (len(slots) - 1)
    if loaded_s > 0 and made / loaded_s < _LEAST_RATE * rate and not gentle:
        yield Problem(
            f"{made / loaded_s:.3g} requests/s were made ({corpus} corpus); {rate:g}/s were asked for",
            (slots[0].index, slots[-1].index),
        )


def _miscounted(history: History, scenario: Scenario, build: str, corpus: str) -> Iterator[Problem]:
    """A load that the service saw another number of requests of; of several processes each may count its own."""
    slots = slot_events(history, build=build, corpus=corpus)
    counts = [e for e in history.of(GateServiceCount) if (e.build, e.corpus) == (build, corpus)]
    if len(counts) < 2 or any(slot.processes != 1 for slot in slots):  # noqa: PLR2004 - a difference needs two
        return
    first, last = counts[0], counts[-1]
    counted, completed = ((getattr(last, n) or 0.0) - (getattr(first, n) or 0.0) for n in ("counted", "completed"))
    text = disagreement(counted, completed, last.t - first.t, scenario.load)
    if text:
        yield Problem(text, (first.index, last.index))


def _pairs(history: History, build: str, corpus: str, *phases: str) -> list[tuple[LoadRequests, LoadRequests]]:
    """Neighbouring reports of one load in some phases, until the harness was done with it."""
    ends = [end.t for end in history.of(GateEnd) if (end.build, end.corpus) == (build, corpus)]
    until_s = ends[-1] if ends else math.inf
    reports = [
        event
        for event in history.of(LoadRequests)
        if event.values and (event.build, event.corpus) == (build, corpus) and event.run_phase in phases
    ]
    reports = [event for event in reports if event.t <= until_s]
    if corpus == RECORDING and reports:  # it may be over within a second, so that there is one report alone
        reports = [replace(reports[0], requests=0.0, failures=0.0), *reports]
    return list(pairwise(reports))


def _failed(pairs: list[tuple[LoadRequests, LoadRequests]]) -> tuple[float, float]:
    """Requests, and those that failed."""
    requests = sum(count_of(b, "requests") - count_of(a, "requests") for a, b in pairs)
    failures = sum(count_of(b, "failures") - count_of(a, "failures") for a, b in pairs)
    return requests, failures


def _rate(requests: float, failures: float) -> float:
    return failures / requests if requests else 0.0
