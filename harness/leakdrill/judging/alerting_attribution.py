"""A step that waits for an alert is not carried out when that cannot fire; what follows is not the service's doing.

An alert cannot fire, or is not seen to, while Prometheus is silent or late, and a leak is slower than planned once a
part of the load is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.alert_states import unanswered
from leakdrill.judging.evidence.trouble import Trouble
from leakdrill.judging.evidence.windows import Span, step_runs, watched_until_s
from leakdrill.record.events import WorkerLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.attribution import Attribution
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_HINT: Final = "see the verdict measurements_are_complete"
_FIRES: Final = "alert_fires_in_time"
_RETURNS: Final = "_returns_to_baseline"


def excused_by_alerting(
    verdicts: Sequence[Verdict], history: History, scenario: Scenario, attribution: Attribution
) -> list[Verdict]:
    """`verdicts`, of which those that failed for an alert which nobody could see are UNKNOWN and say so."""
    troubles = [*_lost_workers(history), *_silences(history, scenario)]
    waited = any(step.on is not None for step in scenario.steps) and not all(
        run.act.succeeded for run in step_runs(history)
    )
    return [
        attribution.excused(verdict, troubles, hint=_HINT) if _rests_on_alert(verdict, waited=waited) else verdict
        for verdict in verdicts
    ]


def _rests_on_alert(verdict: Verdict, *, waited: bool) -> bool:
    return verdict.check == _FIRES or (waited and verdict.check.endswith(_RETURNS))


def _lost_workers(history: History) -> list[Trouble]:
    return [Trouble("a part of the load was lost", event.t, (event.index,)) for event in history.of(WorkerLost)]


def _silences(history: History, scenario: Scenario) -> list[Trouble]:
    baseline = history.phase("baseline")
    if baseline is None or not scenario.alerts.evaluated:
        return []
    span = Span(baseline[0], watched_until_s(history))
    return [Trouble(str(gap), gap.start_s, gap.events) for gap in unanswered(history, scenario.alerts, span)]
