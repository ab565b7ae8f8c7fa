"""A failure for want of CPU time is not attributed to the service, nor to the rule, when others took that time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.crowded_machine import crowded
from leakdrill.judging.evidence.windows import Span, leaks_began_s, watched_until_s
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_HINT: Final = "run the drill again on a machine that does nothing else, or fewer drills at once"
_LATENCY: Final = "requests_keep_latency"
_OF_CPU_ALERTS: Final = frozenset({"alert_fires_in_time", "alert_resolves_and_stays_resolved"})
_OF_STEPS: Final = frozenset({"step_works", "step_does_not_cure"})


def excused_by_machine(verdicts: Sequence[Verdict], history: History, scenario: Scenario) -> list[Verdict]:
    """`verdicts`, of which those that failed for want of CPU time are UNKNOWN where others on the machine took it."""
    began_s = leaks_began_s(history, scenario.leaks) if scenario.leaks else None
    baseline = history.phase("baseline")
    start_s = began_s if began_s is not None else baseline[0] if baseline else None
    crowd = None if start_s is None else crowded(history, Span(start_s, watched_until_s(history)))
    if crowd is None:
        return list(verdicts)
    return [
        replace(
            verdict,
            outcome=Outcome.UNKNOWN,
            message=f"{verdict.message}; but {crowd}",
            events=tuple(sorted({*verdict.events, *crowd.events})),
            hint=_HINT,
        )
        if verdict.outcome is Outcome.FAIL and _needs_cpu(verdict, scenario)
        else verdict
        for verdict in verdicts
    ]


def _needs_cpu(verdict: Verdict, scenario: Scenario) -> bool:
    if verdict.check in _OF_STEPS:
        return any(step.name == verdict.subject and scenario.metric_of(step) == "cpu" for step in scenario.steps)
    leaks = [leak for leak in scenario.leaks if leak.resource == "cpu"]
    if verdict.check == "leak_grows_as_declared":
        return any(leak.name == verdict.subject for leak in leaks)
    return verdict.check in {_LATENCY, RESOURCES["cpu"].returns} or (bool(leaks) and verdict.check in _OF_CPU_ALERTS)
