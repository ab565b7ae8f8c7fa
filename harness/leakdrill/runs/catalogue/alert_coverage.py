"""The coverage of alerts and steps: where each alert fires and stays silent, and what each step does.

Read from the scenarios and the rules alone; the drills themselves prove it. Like `coverage` this judges documents and
no run, and only `leakdrill scenarios --covers` asks for it: so it lies with the catalogue and not in `judging`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.rules import read_rules
from leakdrill.scenario.actions import Exec, HttpCall, SetEnv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.judging.matrix_cell import Effect
    from leakdrill.runs.catalogue.matrix_plan import Cell
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.steps import Step


_KINDS: Final[dict[Effect, str]] = {
    "cured": "cures",
    "partly": "cures",
    "not": "cures nothing",
    "worse": "cures nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCoverage:
    """One level of one alert.

    Attributes:
        rules: name of the rules file.
        alert: its name.
        severity: its level; empty where the rule has none.
        fires_in: the drills that expect it.
        silent_in: the drills that fail when it fires; those without a leak, which are twins, first.
        silent_in_twins: those of them that have no leak.
    """

    rules: str
    alert: str
    severity: str
    fires_in: tuple[str, ...]
    silent_in: tuple[str, ...]
    silent_in_twins: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {
            "rules": self.rules,
            "alert": self.alert,
            "severity": self.severity,
            "fires_in": list(self.fires_in),
            "silent_in": list(self.silent_in),
            "silent_in_twins": list(self.silent_in_twins),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCoverage:
    """One runbook action on one service.

    Attributes:
        service: folder of the scenarios.
        action: what is done, such as `http /admin/clear-cache`.
        cures_in: the drills in which it must help, then the cells of the matrix.
        cures_nothing_in: likewise those in which it must not.
        looks_in: the drills in which it is a diagnosis.
    """

    service: str
    action: str
    cures_in: tuple[str, ...]
    cures_nothing_in: tuple[str, ...]
    looks_in: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {
            "service": self.service,
            "action": self.action,
            "cures_in": list(self.cures_in),
            "cures_nothing_in": list(self.cures_nothing_in),
            "looks_in": list(self.looks_in),
        }


def alert_coverage(rules_files: Sequence[Path], scenarios: Sequence[Scenario]) -> list[AlertCoverage]:
    """Every alert of `rules_files`, in their order, with what `scenarios` demand of it.

    Raises:
        BadInput: when a rules file cannot be used.
    """
    return [_alert(rule, scenarios) for path in rules_files for rule in read_rules([path]).alerts]


def _alert(rule: AlertRule, scenarios: Sequence[Scenario]) -> AlertCoverage:
    labels = {"alertname": rule.name, **rule.labels}
    under = [s for s in scenarios if rule.file.resolve() in (path.resolve() for path in s.alerts.rules)]
    silent = [s for s in under if _must_be_silent(s, labels)]
    return AlertCoverage(
        rules=rule.file.name,
        alert=rule.name,
        severity=rule.labels.get("severity", ""),
        fires_in=tuple(s.name for s in under if any(one.matches(labels) for one in s.alerts.expect)),
        silent_in=tuple(s.name for s in sorted(silent, key=lambda s: bool(s.leaks))),
        silent_in_twins=tuple(s.name for s in silent if not s.leaks),
    )


def _must_be_silent(scenario: Scenario, labels: dict[str, str]) -> bool:
    alerts = scenario.alerts
    if any(one.matches(labels) for one in (*alerts.expect, *alerts.may_fire)):
        return False
    return alerts.silent is None or any(one.matches(labels) for one in alerts.silent)


def step_coverage(scenarios: Sequence[Scenario], cells: Sequence[Cell] = ()) -> list[StepCoverage]:
    """Every step of `scenarios`, by service and action, with what it must do there and in the matrix' `cells`."""
    in_drills = [(s.name.partition("/")[0], step, _kind(step), s.name) for s in scenarios for step in s.steps]
    in_cells = [(cell.service, cell.scenario.steps[0], _KINDS[cell.declared], cell.scenario.name) for cell in cells]
    by_action: dict[tuple[str, str], dict[str, list[str]]] = {}
    for service, step, kind, name in [*in_drills, *in_cells]:
        names = by_action.setdefault((service, action_of(step)), {}).setdefault(kind, [])
        if name not in names:
            names.append(name)
    return [
        StepCoverage(
            service=service,
            action=action,
            cures_in=tuple(by_kind.get("cures", ())),
            cures_nothing_in=tuple(by_kind.get("cures nothing", ())),
            looks_in=tuple(by_kind.get("looks", ())),
        )
        for (service, action), by_kind in sorted(by_action.items())
    ]


def action_of(step: Step) -> str:
    """Returns the action of `step` as text, equal where two drills do the same: `http /admin/config batch_size`."""
    action = step.action
    if isinstance(action, HttpCall):
        keys = " ".join(sorted(action.body)) if isinstance(action.body, dict) else ""
        return f"http {action.path.partition('?')[0]} {keys}".strip()
    if isinstance(action, Exec):
        words = [PurePath(word).name for word in action.command if not word.startswith("-")]
        return f"exec {words[1] if words[0] == '{python}' and len(words) > 1 else words[0]}"
    if isinstance(action, SetEnv):
        return f"set_env {' '.join(sorted(action.root))}"
    return step.action_name


def _kind(step: Step) -> str:
    effect = step.seen.effect if step.seen else "falls_by"
    return {"stays_within": "cures nothing", "nothing": "looks"}.get(effect, "cures")
