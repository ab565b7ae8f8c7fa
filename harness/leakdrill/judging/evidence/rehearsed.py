"""What a rehearsal carried out of its runbook, from its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leakdrill.judging.evidence.alert_states import firing_spans, first_firing, transitions
from leakdrill.judging.evidence.windows import Span, alerts_watched_from_s, step_runs
from leakdrill.record.events import StepSkipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import AlertName
    from leakdrill.scenario.rehearsal import Rehearsal, RehearsedStep
    from leakdrill.scenario.scenario import Scenario


class Rehearsed(NamedTuple):
    """The plan of a rehearsal: the drill, and the way through the runbook that its steps are."""

    scenario: Scenario
    rehearsal: Rehearsal

    def carried_out(self, history: History) -> Scenario:
        """The drill with the steps whose turn came and that were not skipped."""
        skipped = skipped_steps(history)
        return self._with(step.name for step in self.rehearsal.steps if step.name not in skipped)

    def changes(self, history: History) -> Scenario:
        """The same with the changes alone: what the checks of a drill judge as its steps."""
        skipped = skipped_steps(history)
        return self._with(step.name for step in self.rehearsal.steps if step.changes and step.name not in skipped)

    def _with(self, names: Iterable[str]) -> Scenario:
        kept = set(names)
        steps = [step for step in self.scenario.steps if step.name in kept]
        return self.scenario.model_copy(update={"steps": steps})


class AlertSpan(NamedTuple):
    """The alert of a runbook: when it fired, and the stretches for which it did until the runbook was over."""

    fired: AlertTransition
    spans: list[Span]
    until_s: float
    events: list[int]

    @property
    def cleared_s(self) -> float | None:
        """When it last cleared; None where it fires at the end."""
        end_s = self.spans[-1].end_s
        return None if end_s >= self.until_s else end_s


def skipped_steps(history: History) -> dict[str, str]:
    """The commands that were not carried out when their turn came, with the reason."""
    return {event.step: event.reason for event in history.of(StepSkipped)}


def run_of(history: History, name: str) -> StepRun | None:
    """The step called `name` as it was carried out; None where it was not begun."""
    return next((run for run in step_runs(history) if run.act.name == name), None)


def change_runs(history: History, rehearsal: Rehearsal) -> list[tuple[RehearsedStep, StepRun]]:
    """The changes that were begun, in order."""
    begun = {run.act.name: run for run in step_runs(history)}
    return [(step, begun[step.name]) for step in rehearsal.steps if step.changes and step.name in begun]


def over_s(history: History) -> float | None:
    """When the runbook was over: the beginning of `recover`; None where the drill did not come to that."""
    recover = history.phase("recover")
    return None if recover is None else recover[0]


def alert_span(history: History, plan: Rehearsed, until_s: float) -> AlertSpan | None:
    """When the alert of the runbook fired from the leak's beginning on; None where it did not."""
    return fired_span(history, plan.scenario, plan.rehearsal.alert, until_s)


def fired_span(history: History, scenario: Scenario, alert: AlertName, until_s: float) -> AlertSpan | None:
    """When `alert` fired from the leak's beginning to `until_s`; None where it did not."""
    began_s = alerts_watched_from_s(history, scenario) or 0.0
    every = transitions(history, alert)
    fired = first_firing(every, began_s)
    if fired is None or fired.when > until_s:
        return None
    events = [event for event in every if fired.when <= event.when <= until_s]
    spans = firing_spans(events, end_s=until_s)
    return AlertSpan(fired, spans, until_s, [event.index for event in events])
