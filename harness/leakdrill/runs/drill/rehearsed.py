"""A drill whose steps are a runbook's: carried out in its order, until the alert that it is for has cleared.

Looks and what takes a change back are carried out to the end, as a person would. Other changes are not, once one was
made and the alert has cleared; an alert that is gone before that has flapped. Where it never fires, nothing is carried
out: the runbook was not called for. A control run leaves one change out, and waits as long as for its effect.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import StepSkipped
from leakdrill.runs.drill.conductor import Drill
from leakdrill.scenario.rehearsal import CLEARED, CONTROL
from leakdrill.scenario.seen import Seen

if TYPE_CHECKING:
    from leakdrill.runs.drill.environment import Environment
    from leakdrill.runs.session import RunSession
    from leakdrill.scenario.rehearsal import Rehearsal, RehearsedStep
    from leakdrill.scenario.scenario import Scenario

AFTERWARDS_S: Final = 4.0
"""How long the load, and the leak, go on after the last step: whether what was freed comes back is seen in it."""


class RehearsedDrill(Drill):
    """The drill `scenario`, whose steps are those of `rehearsal`."""

    def __init__(self, scenario: Scenario, environment: Environment, session: RunSession, rehearsal: Rehearsal) -> None:
        super().__init__(scenario, environment, session)
        self._rehearsal = rehearsal

    def _mitigate(self) -> None:
        self._stop_leaks("first_step")
        began = time.monotonic()
        if not self._wait_for_alert():
            for unneeded in self._rehearsal.steps:
                self._skip(unneeded, f"the alert {self._rehearsal.alert} did not fire")
            return
        done: set[str] = set()
        for step in self._scenario.steps:
            rehearsed = self._rehearsal.step(step.name)
            why = self._why_not(rehearsed, done) if rehearsed else ""
            if rehearsed and why:
                self._skip(rehearsed, why)
                if why == CONTROL:
                    self._hold((step.seen or Seen()).within, until=self._cleared)
                continue
            self._carry_out(step, began=began, deadline=time.monotonic() + step.timeout)
            done.add(step.name)
            if rehearsed and rehearsed.changes:
                self._hold((step.seen or Seen()).within, until=self._cleared)
        self._hold(AFTERWARDS_S)

    def _wait_for_alert(self) -> bool:
        alert, alerts = self._rehearsal.alert, self._environment.alerts
        self._hold(self._scenario.phases.mitigate, until=lambda: alerts.has_fired(alert))
        return alerts.has_fired(alert)

    def _cleared(self) -> bool:
        alert, environment = self._rehearsal.alert, self._environment
        return environment.alerts.has_fired(alert) and not environment.alerting.firing(alert)

    def _why_not(self, step: RehearsedStep, done: set[str]) -> str:
        """Why `step` is not carried out now; empty where it is."""
        if step.name == self._rehearsal.without:
            return CONTROL
        if step.takes_back is not None:
            return "" if step.takes_back in done else f"{step.takes_back} was not carried out, so nothing is taken back"
        changed = any(other.changes and other.name in done for other in self._rehearsal.steps)
        return CLEARED if step.changes and changed and self._cleared() else ""

    def _skip(self, step: RehearsedStep, why: str) -> None:
        self._recorder.record(StepSkipped(step.name, why))
