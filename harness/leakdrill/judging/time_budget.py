"""The wall time of a drill: what it had to wait for, and what the harness added.

The parts that must be waited for are read from the record: the service's own start-up, the phases whose length the
scenario states, the leak reaching the rule's threshold (until `pending`), and the rule's `for` (until `firing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.record.events import AlertTransition, TargetStart

if TYPE_CHECKING:
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """Seconds of one drill.

    Attributes:
        parts: what had to be waited for, by name, in order.
        total_s: the whole drill, from its first event to its last.
    """

    parts: dict[str, float]
    total_s: float

    @property
    def needed_s(self) -> float:
        """The sum of the parts."""
        return sum(self.parts.values())

    @property
    def overhead(self) -> float:
        """The time that the harness added, as a share of what was needed; 0.15 is the most we allow ourselves."""
        return self.total_s / self.needed_s - 1 if self.needed_s else float("inf")


def time_budget(history: History, scenario: Scenario) -> TimeBudget:
    """The budget of a finished drill, from its record alone."""
    parts = {"service start-up": _service_start_s(history)}
    parts |= {name: _planned_s(history, scenario, name) for name in ("warmup", "baseline")}
    parts |= _detection(history, scenario)
    parts |= {"steps": _phase_s(history, "mitigate"), "recover": _planned_s(history, scenario, "recover")}
    return TimeBudget(parts={name: s for name, s in parts.items() if s > 0}, total_s=history.end_s)


def _service_start_s(history: History) -> float:
    starts = [act for act in history.acts(TargetStart) if act.end]
    return starts[0].end.t - starts[0].begin.t if starts and starts[0].end else 0.0


def _planned_s(history: History, scenario: Scenario, name: str) -> float:
    """The length that the scenario asked for; a phase that took longer was held up by us."""
    planned: float = getattr(scenario.phases, name)
    return min(planned, _phase_s(history, name))


def _phase_s(history: History, name: str) -> float:
    bounds = history.phase(name)
    return bounds[1] - bounds[0] if bounds else 0.0


def _detection(history: History, scenario: Scenario) -> dict[str, float]:
    load = history.phase("load")
    expected = scenario.alerts.expect
    if load is None or not expected:
        return {"load": _phase_s(history, "load")}
    pending, firing = (_last_of(history, scenario, state, load) for state in ("pending", "firing"))
    if firing is None:
        return {"load": load[1] - load[0]}
    reached = firing if pending is None else min(pending, firing)
    return {"leak reaching the threshold": max(0.0, reached - load[0]), "the rule's `for`": firing - reached}


def _last_of(history: History, scenario: Scenario, state: str, load: tuple[float, float]) -> float | None:
    """The moment at which the last of the expected alerts first took on `state` after the load phase began."""
    firsts = [
        min((e.when for e in events), default=None)
        for events in (
            [e for e in _transitions(history, state) if alert.matches(e.labels) and e.when >= load[0]]
            for alert in scenario.alerts.expect
        )
    ]
    known = [first for first in firsts if first is not None]
    return max(known) if len(known) == len(firsts) else None


def _transitions(history: History, state: str) -> list[AlertTransition]:
    return [e for e in history.of(AlertTransition) if e.state == state]
