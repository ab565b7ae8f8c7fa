"""How many of the mutants of each rule stored drills would have noticed, and which survive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leakdrill.alerting.same_alert import title_of
from leakdrill.backtest.play import backtest
from leakdrill.mutation.drill_record import DrillRecord, worse
from leakdrill.mutation.mutants import Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.backtest.alert_past import AlertPast
    from leakdrill.mutation.drill_record import StoredDrill


@dataclass(frozen=True, slots=True)
class Tried:
    """One mutant and what became of it.

    Attributes:
        mutant: the wrong rule.
        noticed: which drill notices it, and by which claim; empty where none does.
        accepted: the reason why it may survive, from a file; empty where there is none.
    """

    mutant: Mutant
    noticed: str
    accepted: str = ""

    @property
    def survives(self) -> bool:
        """Whether no drill notices it, and nobody said why."""
        return not self.noticed and not self.accepted


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the mutants of one rule.

    Attributes:
        alert: the rule.
        tried: its mutants.
        drills: the drills that read what it needs.
        expecting: those that expect it to fire.
    """

    alert: AlertRule
    tried: tuple[Tried, ...]
    drills: tuple[str, ...]
    expecting: tuple[str, ...]

    @property
    def title(self) -> str:
        """The rule's name and severity."""
        return title_of(self.alert)

    @property
    def noticed(self) -> int:
        """How many mutants some drill notices, or need not."""
        return sum(not one.survives for one in self.tried)

    @property
    def survivors(self) -> list[Tried]:
        """The mutants that no drill notices."""
        return [one for one in self.tried if one.survives]


def scores(rules: Rules, drills: Sequence[StoredDrill]) -> list[Score]:
    """Returns the score of each alert of `rules`, in their order.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    mutants = [mutant for number, alert in enumerate(rules.alerts) for mutant in mutants_of(number, alert)]
    noticed: dict[int, str] = {}
    reads: dict[int, list[str]] = {}
    for drill in drills:
        record = DrillRecord(drill, rules)
        for number, one in enumerate(record.alerts):
            if not one.reason:
                reads.setdefault(number, []).append(drill.name)
        left = [n for n, one in enumerate(mutants) if n not in noticed and not record.alerts[one.rule].reason]
        noticed |= {left[n]: text for n, text in _noticed(record, rules, [mutants[n] for n in left]).items()}
    return [
        Score(
            alert=alert,
            tried=tuple(Tried(one, noticed.get(n, "")) for n, one in enumerate(mutants) if one.rule == number),
            drills=tuple(reads.get(number, ())),
            expecting=tuple(drill.name for drill in drills if _expects(drill, alert)),
        )
        for number, alert in enumerate(rules.alerts)
    ]


def _noticed(record: DrillRecord, rules: Rules, mutants: Sequence[Mutant]) -> dict[int, str]:
    """What the drill notices of each mutant, by its place; nothing of those that it does not."""
    if not mutants:
        return {}
    wrong = replace(rules, alerts=tuple(one.alert for one in mutants))
    every = tuple(range(len(mutants)))
    past = replace(record.past, worlds=tuple(replace(world, alerts=every) for world in record.past.worlds))
    found = {}
    for place, (mutant, told) in enumerate(zip(mutants, backtest(wrong, [past]), strict=True)):
        text = _told(record, mutant, told.ways[0])
        if text:
            found[place] = f"{record.drill.name}: {text}"
    return found


def _told(record: DrillRecord, mutant: Mutant, told: AlertPast) -> str:
    """What the drill notices; empty where it notices nothing."""
    if told.reason.startswith("promtool refuses"):
        return "it cannot be evaluated"
    before = record.alerts[mutant.rule]
    if told.stretches == before.stretches:
        return ""
    if _fires_early(told, record.quiet_until_s) and not _fires_early(before, record.quiet_until_s):
        return "it fires where nothing leaks"
    alerts = [told if number == mutant.rule else one for number, one in enumerate(record.alerts)]
    return next(iter(worse(record.told, record.outcomes(alerts))), "")


def _fires_early(alert: AlertPast, quiet_until_s: float) -> bool:
    return alert.fires_s is not None and alert.fires_s < quiet_until_s


def _expects(drill: StoredDrill, alert: AlertRule) -> bool:
    return any(
        one.alert == alert.name and all(alert.labels.get(key, value) == value for key, value in one.labels.items())
        for one in drill.scenario.alerts.expect
    )
