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

    from leakdrill.judging.evidence.crowded_machine import Crowded
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_HINT: Final = "run the drill again on a machine that does nothing else, or fewer drills at once"
_IN_RECOVER: Final = frozenset({"alert_resolves_and_stays_resolved", RESOURCES["cpu"].returns})
_OF_ALERTS: Final = frozenset({"alert_fires_in_time", "alert_resolves_and_stays_resolved"})
_OF_STEPS: Final = frozenset({"step_works", "step_does_not_cure"})
_LATENCY: Final = "requests_keep_latency"


def excused_by_machine(verdicts: Sequence[Verdict], history: History, scenario: Scenario) -> list[Verdict]:
    """`verdicts`, of which those that failed for want of CPU time are UNKNOWN where others on the machine took it."""
    before, recover = _until_recover(history, scenario), history.phase("recover")
    crowds = {
        False: crowded(history, before) if before else None,
        True: crowded(history, Span(*recover)) if recover else None,
    }
    return [
        _excused(verdict, crowds[verdict.check in _IN_RECOVER]) if _needs_cpu(verdict, scenario) else verdict
        for verdict in verdicts
    ]


def _until_recover(history: History, scenario: Scenario) -> Span | None:
    """From the leak's beginning, without one from the baseline's, to the end of the steps."""
    baseline, recover = history.phase("baseline"), history.phase("recover")
    began_s = leaks_began_s(history, scenario.leaks) if scenario.leaks else baseline[0] if baseline else None
    return None if began_s is None else Span(began_s, recover[0] if recover else watched_until_s(history))


def _excused(verdict: Verdict, crowd: Crowded | None) -> Verdict:
    if crowd is None or verdict.outcome is not Outcome.FAIL:
        return verdict
    return replace(
        verdict,
        outcome=Outcome.UNKNOWN,
        message=f"{verdict.message}; but {crowd}",
        events=tuple(sorted({*verdict.events, *crowd.events})),
        hint=_HINT,
    )


def _needs_cpu(verdict: Verdict, scenario: Scenario) -> bool:
    if verdict.check in _OF_STEPS:
        return any(step.name == verdict.subject and scenario.metric_of(step) == "cpu" for step in scenario.steps)
    if verdict.check in {_LATENCY, RESOURCES["cpu"].returns}:
        return True
    leaks = [leak.name for leak in scenario.leaks if leak.resource == "cpu"]
    if verdict.check == "leak_grows_as_declared":
        return verdict.subject in leaks
    return bool(leaks) and verdict.check in _OF_ALERTS
