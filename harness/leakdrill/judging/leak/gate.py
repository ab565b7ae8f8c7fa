"""The verdicts of a gate run from its history. Pure: `leakdrill analyze` calls the same functions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leakdrill.judging.evidence.check import Case, Check, judge_all
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.in_doubt import found_doubts, in_doubt
from leakdrill.judging.leak.correlation import correlating_requests
from leakdrill.judging.leak.counts import descriptors_do_not_grow, threads_do_not_grow
from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET
from leakdrill.judging.leak.gate_baseline import conditions
from leakdrill.judging.leak.gate_doubts import gate_doubts
from leakdrill.judging.leak.gate_load import RECORDING, keeps_error_rate, load_is_as_asked
from leakdrill.judging.leak.gate_slots import slot_problem
from leakdrill.judging.leak.growing_types import growing_sites, growing_types
from leakdrill.judging.leak.leak_verdict import LeakOutcome, judge_trace
from leakdrill.judging.leak.looks import look_after, looks, most_slots
from leakdrill.judging.leak.more_time import longer_run
from leakdrill.judging.leak.projection import Survival, project
from leakdrill.judging.leak.slots import corpora, slot_events, slot_trace
from leakdrill.record.events import GateAgent, GateTimeIsUp, LoadExited, LoadRequests, RunBroken, TargetExited
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_code, show_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leakdrill.judging.leak.gate_baseline import BaselineFile, Conditions
    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.judging.leak.looks import Look
    from leakdrill.judging.leak.trace import Trace
    from leakdrill.record.events import GateSlot
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

CANDIDATE: Final = "candidate"
MEMORY_CLAIM: Final = "memory_does_not_leak"
BASELINE: Final = "baseline"
_LOAD: Final = ("requests_keep_error_rate", "load_is_as_asked")
_RESTS_ON_LOAD: Final = (
    "memory_does_not_leak",
    "growth_is_explained",
    "threads_do_not_grow",
    "descriptors_do_not_grow",
)


class GatePlan(NamedTuple):
    """The plan of a gate run, and the baseline that it is compared with, if any."""

    scenario: Scenario
    stored: BaselineFile | None


def judge_gate(
    history: History,
    scenario: Scenario,
    stored: BaselineFile | None = None,
    machine: Mapping[str, str | int] = MappingProxyType({}),
) -> list[Verdict]:
    """The verdicts on a gate run, compared with `stored` if given. Never raises: a check that does is UNKNOWN.

    What passed under a load that was not what was asked for is UNKNOWN: it may well be what nobody asked for. So is
    what passed on a record that contradicts itself, or `machine`, as `run.json` describes it.
    """
    with np.errstate(all="ignore"):  # a number that is none is a doubt, and no warning on the terminal
        verdicts = judge_all(CHECKS, history, GatePlan(scenario, stored))
    bad = [v for v in verdicts if v.check in _LOAD and v.outcome is not Outcome.PASS]
    verdicts = [_doubted(v, bad[0]) if bad and v.check in _RESTS_ON_LOAD else v for v in verdicts]
    search = partial(gate_doubts, history, scenario, machine, _builds(history))
    doubts = found_doubts(search) if len(history) else []
    return [in_doubt(verdict, doubts, of_all=False, it="the gate") for verdict in verdicts]


def _doubted(verdict: Verdict, load: Verdict) -> Verdict:
    if verdict.outcome is not Outcome.PASS:
        return verdict
    message = f"{verdict.message}; but {load.check} is {load.outcome}: {load.message}"
    return replace(verdict, outcome=Outcome.UNKNOWN, message=message, hint=load.hint)


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
    longer = "" if stored else longer_run(leak_verdict, scenario.gate)
    hint = f"{verdict.hint}; a run that long: `{longer}` in the scenario" if longer else verdict.hint
    return _reworded(replace(verdict, hint=hint), "; ".join(notes), slots)


def _broken(history: History, scenario: Scenario, corpus: str, stored: BaselineFile | None) -> str:
    """The reason why the slots cannot be judged: the run was cut short, or the service did not stay the same."""
    exits = history.of(TargetExited)
    if exits:
        return "the service ended in the middle, so its memory was not that of one process"
    ended = history.of(LoadExited)
    if ended:
        return f"Locust ended in the middle{f', because {ended[0].reason}' if ended[0].reason else ''}"
    if history.of(RunBroken):
        return f"the run broke off: {history.of(RunBroken)[0].message}"
    done = len(slot_events(history, build=CANDIDATE, corpus=corpus))
    problem = slot_problem(history, CANDIDATE, corpus)
    if problem:
        return problem
    ends = {look.after_slots for look in planned_looks(scenario, stored)}
    if done not in ends and not _time_is_up(history, corpus, done):
        return f"the run was cut short after {done} of {scenario.gate.slots} slots ({corpus} corpus)"
    return _other_broken(history, corpus, done)


def _other_broken(history: History, corpus: str, done: int) -> str:
    """The reason why the other build cannot be judged, where there is one: its slots alternate with the candidate's."""
    if BASELINE not in _builds(history):
        return ""
    others = len(slot_events(history, build=BASELINE, corpus=corpus))
    if others != done:
        return f"the baseline has {show_count(others, 'slot')}, and the candidate {done}"
    problem = slot_problem(history, BASELINE, corpus)
    return f"of the baseline: {problem}" if problem else ""


def _builds(history: History) -> list[str]:
    """The builds that were measured: the candidate, and the one that any line of the record calls the baseline."""
    other = any(event.labels.get("build") == BASELINE for event in history)
    return [CANDIDATE, BASELINE] if other else [CANDIDATE]


def _corpora(history: History, scenario: Scenario) -> list[str]:
    """The corpora that were measured, and those that should have been."""
    wanted = ("open", "closed") if scenario.gate.corpus == "both" else (scenario.gate.corpus,)
    return list(dict.fromkeys([*wanted, *corpora(history, build=CANDIDATE)]))


def _time_is_up(history: History, corpus: str, slots_done: int) -> bool:
    """Whether the run ended after so many slots because its time was over."""
    return any(event.corpus == corpus and event.slots_done == slots_done for event in history.of(GateTimeIsUp))


def _judged(history: History, scenario: Scenario, corpus: str, stored: BaselineFile | None = None) -> LeakVerdict:
    candidate = slot_trace(history, build=CANDIDATE, corpus=corpus)
    planned = planned_looks(scenario, stored)
    done = len(slot_events(history, build=CANDIDATE, corpus=corpus))
    look = look_after(done, planned, time_is_up=_time_is_up(history, corpus, done))
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
        cause = "it was OOM-killed" if killed else f"it ended with status {show_code(exits[0].exit_code)}"
        return claim.fails(
            f"the service did not live through the measurement: {cause} after {exits[0].t:.0f} s",
            events=[event.index for event in exits],
            hint="read target.log in the run folder",
        )
    if history.phase("slots") is None:
        return claim.unknown("the run never reached its slots", hint="read target.log and load.log in the run folder")
    return claim.holds("the service never ended unasked")


def _memory_cases(history: History, plan: GatePlan) -> Iterator[Case]:
    measured = _corpora(history, plan.scenario)
    for corpus in measured:
        claim = Claim(MEMORY_CLAIM, f"corpus {corpus}" if len(measured) > 1 else "")
        yield Case(claim, partial(_memory, history, plan.scenario, corpus, claim, plan.stored))


def _load_cases(
    name: str, judge: Callable[[History, Scenario, Claim, str, list[str]], Verdict], history: History, plan: GatePlan
) -> Iterator[Case]:
    """One case for each build; a closed corpus was recorded under a load of its own."""
    measured = _corpora(history, plan.scenario)
    recorded = [RECORDING] if any(report.corpus == RECORDING for report in history.of(LoadRequests)) else []
    builds = _builds(history)
    for build in builds:
        claim = Claim(name, build if len(builds) > 1 else "")
        yield Case(claim, partial(judge, history, plan.scenario, claim, build, [*recorded, *measured]))


def _explained_cases(history: History, plan: GatePlan) -> Iterator[Case]:
    if len(_corpora(history, plan.scenario)) > 1:
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
    (
        Check(
            {"requests_keep_error_rate": "At most the allowed share of the requests failed."},
            partial(_load_cases, "requests_keep_error_rate", keeps_error_rate),
        ),
    ),
    (
        Check(
            {"load_is_as_asked": "The load had the users, the rate and the tasks that the scenario asks for."},
            partial(_load_cases, "load_is_as_asked", load_is_as_asked),
        ),
    ),
    (_always("target_keeps_running", "The service lived through the measurement.", _keeps_running),),
)
"""The checks of a gate run, in the order in which a person would ask."""
