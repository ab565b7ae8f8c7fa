"""A stored drill whose alerts are told anew: its record with the transitions of a backtest, and its verdicts then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leakdrill.backtest.live import is_of
from leakdrill.backtest.past import Happening
from leakdrill.backtest.play import backtest
from leakdrill.backtest.replayed_run import pasts_of_run
from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import AlertTransition
from leakdrill.record.history import History
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.alerting.rules import Rules
    from leakdrill.backtest.alert_past import AlertPast
    from leakdrill.record.event import Event
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_SEEN_AFTER_S: Final = 0.05
"""A poller sees a transition so much later than the evaluation."""

_PHASE: Final = "load"


@dataclass(frozen=True, slots=True, eq=False)
class StoredDrill:
    """One stored drill.

    Attributes:
        name: what messages call it.
        history: its record.
        scenario: what was played.
    """

    name: str
    history: History
    scenario: Scenario


class DrillRecord:
    """A stored drill, as some rules tell its alerts.

    Args:
        drill: that is judged.
        rules: as they should be.

    The record is scraped in the way in which its verdicts with these rules are nearest to those that it got.
    """

    def __init__(self, drill: StoredDrill, rules: Rules) -> None:
        self.drill, self._rules = drill, rules
        pasts = pasts_of_run(drill.history, drill.scenario, rules, name=drill.name)
        found = backtest(rules, pasts)
        self._others = [event for event in drill.history if not self._is_told(event)]
        got = _outcomes(judge_claims(drill.history, drill.scenario))
        tried = []
        for way, past in enumerate(pasts):
            alerts = [one.ways[way] for one in found]
            outcomes = self.outcomes(alerts)
            tried.append((len(worse(got, outcomes)), way, past, alerts, outcomes))
        _, _, self.past, self.alerts, self.told = min(tried, key=lambda one: one[:2])

    @property
    def quiet_until_s(self) -> float:
        """When the first leak was switched on; when the drill ended, where nothing leaks in it."""
        leaks = (one.t_s for one in self.past.happenings if one.kind == "leak")
        return min(leaks, default=self.past.origin_s + self.past.ends_s)

    def outcomes(self, alerts: Sequence[AlertPast]) -> dict[str, Outcome]:
        """Returns the outcome of each claim about the drill, had its alerts done what `alerts` say."""
        scale = self.drill.scenario.alerts.time_scale
        events = [*self._others, *(event for alert in alerts for event in _transitions(alert, scale))]
        ordered = sorted(events, key=lambda event: event.t)
        history = History(replace(event, index=index) for index, event in enumerate(ordered))
        return _outcomes(judge_claims(history, self.drill.scenario))

    def _is_told(self, event: Event) -> bool:
        """Whether `event` is a transition of an alert that the rules tell."""
        seen = AlertTransition.read(event)
        if seen is None:
            return False
        happening = Happening(event.t, "alert", "", seen.labels, seen.state)
        return any(is_of(happening, alert) for alert in self._rules.alerts)


def worse(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> list[str]:
    """Returns the claims that are worse in `after`, each with its outcome there."""
    return [
        f"{name} is {outcome}"
        for name, outcome in after.items()
        if outcome.severity > before.get(name, Outcome.PASS).severity
    ]


def _outcomes(verdicts: Sequence[Verdict]) -> dict[str, Outcome]:
    """The outcome of each claim; the worst where two have one name."""
    found: dict[str, Outcome] = {}
    for one in verdicts:
        name = f"{one.check} {one.subject}".strip()
        found[name] = max(found.get(name, one.outcome), one.outcome, key=lambda outcome: outcome.severity)
    return found


def _transitions(alert: AlertPast, scale: float) -> Iterator[Event]:
    for stretch in alert.stretches:
        labels = dict(stretch.labels)
        over = "resolved" if stretch.firing_s is not None else "inactive"
        states = ((stretch.pending_s, "pending"), (stretch.firing_s, "firing"), (stretch.over_s, over))
        for t_s, state in states:
            if t_s is not None:
                event = AlertTransition(state=state, labels=labels).to_event()
                yield replace(event, t=t_s / scale + _SEEN_AFTER_S, at=t_s / scale, phase=_PHASE)
