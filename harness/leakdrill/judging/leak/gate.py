"""The verdicts of a gate run from its history. Pure: `leakdrill analyze` calls the same functions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from leakdrill.judging.evidence.check import Case, Check, judge_all
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.leak.correlation import correlating_requests
from leakdrill.judging.leak.counts import descriptors_do_not_grow, threads_do_not_grow
from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET
from leakdrill.judging.leak.gate_baseline import conditions
from leakdrill.judging.leak.growing_types import growing_sites, growing_types
from leakdrill.judging.leak.leak_verdict import LeakOutcome, judge_trace
from leakdrill.judging.leak.looks import look_after, looks, most_slots
from leakdrill.judging.leak.projection import Survival, project
from leakdrill.judging.leak.slots import corpora, slot_events, slot_trace
from leakdrill.record.events import GateAgent, GateTimeIsUp, LoadExited, TargetExited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.judging.leak.gate_baseline import BaselineFile, Conditions
    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.judging.leak.looks import Look
    from leakdrill.judging.leak.trace import Trace
    from leakdrill.record.events import GateSlot
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

CANDIDATE: Final = "candidate"
BASELINE: Final = "baseline"
_EVERY_SLOT_HAS: Final = ("load_s", "requests", "processes")


class GatePlan(NamedTuple):
    """The plan of a gate run, and the baseline that it is compared with, if any."""

    scenario: Scenario
    stored: BaselineFile | None


def judge_gate(history: History, scenario: Scenario, stored: BaselineFile | None = None) -> list[Verdict]:
    """The verdicts on a gate run, compared with `stored` if given. Never raises: a check that does is UNKNOWN."""
    return judge_all(CHECKS, history, GatePlan(scenario, stored))


def verdict_so_far(
    history: History, scenario: Scenario, corpus: str, stored: BaselineFile | None = None
) -> LeakVerdict:
    """The verdict on the quiescent points that there are, as sure as the look after them must be."""
    return _judged(history, scenario, corpus, stored)


def planned_looks(scenario: Scenario, stored: BaselineFile | None = None) -> tuple[Look, ...]:
    """The looks of a run of `scenario`, compared with `stored` if given; the last one has the most slots."""
    return looks(scenario.gate.slots, most_slots(scenario.gate, len(stored.trace()) if stored else None))


def measured_conditions(history: History, scenario: Scenario, corpus: str) -> Conditions:
    """The conditions under which the candidate was measured."""
    agent = next((event for event in history.of(GateAgent) if event.build == CANDIDATE), GateAgent())
    unknown = "unknown (no agent)"
    return conditions(scenario, corpus, python=agent.python or unknown, allocator=agent.allocator or unknown)


def _memory(history: History, scenario: Scenario, corpus: str, claim: Claim, stored: BaselineFile | None) -> Verdict:
    slots = slot_events(history, build=CANDIDATE, corpus=corpus)
    broken = _broken(history, scenario, corpus, stored)
    if broken:
        return claim.unknown(broken, hint="read target.log and load.log in the run folder; run the gate again")
    unlike = measured_conditions(history, scenario, corpus).unlike(stored.conditions) if stored else []
    if unlike:
        return claim.unknown(
            f"the baseline cannot be compared: {'; '.join(unlike)}",
            hint="measure a baseline under these conditions: --update writes it",
        )
    leak_verdict = _judged(history, scenario, corpus, stored)
    verdict = leak_verdict.as_verdict(claim.subject)
    notes = [verdict.message, *_projected(leak_verdict, scenario)]
    if leak_verdict.outcome is LeakOutcome.LEAK:
        notes += growing_types(history, build=CANDIDATE, corpus=corpus)
        notes += correlating_requests(history, build=CANDIDATE, corpus=corpus)
        notes += growing_sites(history, build=CANDIDATE, corpus=corpus)
    return _reworded(verdict, "; ".join(notes), slots)


def _broken(history: History, scenario: Scenario, corpus: str, stored: BaselineFile | None) -> str:
    """The reason why the slots cannot be judged: the run was cut short, or the service did not stay the same."""
    exits = history.of(TargetExited)
    if exits:
        return "the service ended in the middle, so its memory was not that of one process"
    if history.of(LoadExited):
        return "Locust ended in the middle"
    slots = slot_events(history, build=CANDIDATE, corpus=corpus)
    lacking = [name for name in _EVERY_SLOT_HAS if any(name not in slot.values for slot in slots)]
    if lacking or not corpus:
        return f"the record of a slot lacks {' and '.join(lacking) or 'its corpus'}"
    done = len(slots)
    ends = {look.after_slots for look in planned_looks(scenario, stored)}
    if done not in ends and not _time_is_up(history, corpus):
        return f"the run was cut short after {done} of {scenario.gate.slots} slots ({corpus} corpus)"
    processes = history_processes(history, corpus)
    if len(processes) > 1:
        return f"the number of processes changed ({', '.join(f'{p:.0f}' for p in sorted(processes))})"
    return ""


def _time_is_up(history: History, corpus: str) -> bool:
    """Whether the run ended because its time was over."""
    return any(event.corpus == corpus for event in history.of(GateTimeIsUp))


def history_processes(history: History, corpus: str) -> set[float]:
    """The number of processes that the service had, over the slots."""
    events = slot_events(history, build=CANDIDATE, corpus=corpus)
    return {event.processes for event in events if event.processes is not None}


def _judged(history: History, scenario: Scenario, corpus: str, stored: BaselineFile | None = None) -> LeakVerdict:
    candidate = slot_trace(history, build=CANDIDATE, corpus=corpus)
    planned = planned_looks(scenario, stored)
    look = look_after(len(candidate), planned, time_is_up=_time_is_up(history, corpus))
    baseline = stored.trace() if stored else slot_trace(history, build=BASELINE, corpus=corpus)
    return judge_trace(
        candidate,
        baseline if len(baseline) else None,
        budget_bytes_per_request=_budget(scenario, candidate),
        confidence=look.confidence,
        longest_ttl_s=scenario.gate.longest_ttl,
    )


def _budget(scenario: Scenario, candidate: Trace) -> float:
    survive = scenario.gate.survive
    if survive is not None and len(candidate):
        promise = Survival(seconds=survive.lasts, requests_per_s=survive.rate, limit_bytes=survive.within)
        return promise.budget(float(candidate.columns.get("rss", candidate.resident)[-1]))
    return DEFAULT_BUDGET if scenario.gate.budget is None else float(scenario.gate.budget)


def _projected(leak_verdict: LeakVerdict, scenario: Scenario) -> list[str]:
    """The time at which memory runs out in production, where rate and limit are known."""
    survive = scenario.gate.survive
    rate = survive.rate if survive else scenario.load.rate
    limit = survive.within if survive else scenario.target.limits.memory
    if rate is None or limit is None or leak_verdict.outcome is LeakOutcome.UNKNOWN:
        return []
    return [
        str(project(leak_verdict.growth, level_bytes=leak_verdict.level_bytes, limit_bytes=limit, requests_per_s=rate))
    ]


def _reworded(verdict: Verdict, message: str, slots: list[GateSlot]) -> Verdict:
    return replace(verdict, message=message, events=tuple(event.index for event in slots))


def _open_or_closed(history: History, scenario: Scenario) -> Verdict:
    claim = Claim("growth_is_explained")
    outcomes = {corpus: _judged(history, scenario, corpus).outcome for corpus in ("open", "closed")}
    if LeakOutcome.UNKNOWN in outcomes.values():
        return claim.unknown("one of the two corpora gave no certain answer", hint="see memory_does_not_leak")
    if outcomes["closed"] is LeakOutcome.LEAK:
        return claim.holds(
            "memory grows with every request, whatever it contains: the same requests again leak as well"
        )
    if outcomes["open"] is LeakOutcome.LEAK:
        return claim.holds("memory grows only with requests that are new: something is kept by what a request contains")
    return claim.holds("memory grows neither with new requests nor with the same ones again")


def _keeps_running(history: History) -> Verdict:
    claim = Claim("target_keeps_running")
    exits = history.of(TargetExited)
    if exits:
        killed = any(event.oom_kill == "true" for event in exits)
        cause = "it was OOM-killed" if killed else f"it ended with status {exits[0].exit_code}"
        return claim.fails(
            f"the service did not live through the measurement: {cause} after {exits[0].t:.0f} s",
            events=[event.index for event in exits],
            hint="read target.log in the run folder",
        )
    if history.phase("slots") is None:
        return claim.unknown("the run never reached its slots", hint="read target.log and load.log in the run folder")
    return claim.holds("the service never ended unasked")


def _memory_cases(history: History, plan: GatePlan) -> Iterator[Case]:
    measured = corpora(history, build=CANDIDATE) or ["open"]
    for corpus in measured:
        claim = Claim("memory_does_not_leak", f"corpus {corpus}" if len(measured) > 1 else "")
        yield Case(claim, partial(_memory, history, plan.scenario, corpus, claim, plan.stored))


def _explained_cases(history: History, plan: GatePlan) -> Iterator[Case]:
    if len(corpora(history, build=CANDIDATE)) > 1:
        yield Case(Claim("growth_is_explained"), partial(_open_or_closed, history, plan.scenario))


def _always(name: str, sentence: str, judge: Callable[[History], Verdict]) -> Check[GatePlan]:
    return Check({name: sentence}, lambda history, _plan: [Case(Claim(name), partial(judge, history))])


CHECKS: Final[tuple[tuple[Check[GatePlan], ...], ...]] = (
    (
        Check(
            {"memory_does_not_leak": "Memory grows by less than the budget per completed request, beyond doubt."},
            _memory_cases,
        ),
    ),
    (
        Check(
            {"growth_is_explained": "Both corpora were measured, so it is known whether new requests alone leak."},
            _explained_cases,
        ),
    ),
    (
        _always(
            "threads_do_not_grow",
            "As many threads are held at the last quiescent points as at the first.",
            threads_do_not_grow,
        ),
    ),
    (
        _always(
            "descriptors_do_not_grow",
            "As many file descriptors are held at the last quiescent points as at the first.",
            descriptors_do_not_grow,
        ),
    ),
    (_always("target_keeps_running", "The service lived through the measurement.", _keeps_running),),
)
"""The checks of a gate run, in the order in which a person would ask."""
