"""A rehearsal that can be played: the runbook read and bound, its alert found, and each way through it planned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.rules import read_rules
from leakdrill.errors import BadInput
from leakdrill.files import is_file
from leakdrill.runbooks.alert_name import chosen_alert, named_alerts
from leakdrill.runbooks.bindings import BoundFile
from leakdrill.runbooks.bound_steps import refuse_unused
from leakdrill.runbooks.options import ways
from leakdrill.runbooks.plan import make_plan
from leakdrill.runs.placement import placed
from leakdrill.scenario.alerts import AlertName
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from leakdrill.runbooks.options import Way
    from leakdrill.runbooks.plan import Plan
    from leakdrill.runbooks.runbook import Runbook
    from leakdrill.runbooks.taken_back import PlannedStep
    from leakdrill.scenario.rehearsal import RehearsedStep
    from leakdrill.scenario.scenario import Scenario

_NO_RELIEF: Final = ("nothing", "stays_within")
_SPARE_S: Final = 30.0
_LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class Prepared:
    """One way through a runbook, ready to be played.

    Attributes:
        scenario: the drill, whose steps are the runbook's.
        rehearsal: what those are in the runbook.
    """

    scenario: Scenario
    rehearsal: Rehearsal

    def without(self, name: str, *, unneeded: Collection[str] = ()) -> Prepared:
        """The control run in which the step `name` is left out when its turn comes.

        Args:
            name: of the change.
            unneeded: changes that were not carried out with it, because the alert had cleared: what is compared are
                runs that differ in one change, so these are left out too.
        """
        steps = [step for step in self.scenario.steps if step.name not in unneeded]
        kept = [step for step in self.rehearsal.steps if step.name not in unneeded]
        return Prepared(
            _waiting(self.scenario.model_copy(update={"steps": steps}), self.rehearsal.alert),
            self.rehearsal.model_copy(update={"steps": kept, "without": name}),
        )

    def relieving(self) -> list[RehearsedStep]:
        """The changes that are to relieve: what takes another one back is none, nor what is to change no metric."""
        no_effect = {step.name for step in self.scenario.steps if step.seen and step.seen.effect in _NO_RELIEF}
        steps = self.rehearsal.steps
        return [one for one in steps if one.changes and one.takes_back is None and one.name not in no_effect]


def beside(runbook: Path) -> Path | None:
    """The bindings that lie beside `runbook`: `NAME.bind.yaml` for `NAME.md`; None where there are none."""
    path = runbook.with_suffix(".bind.yaml")
    return path if is_file(path) else None


def prepare(
    runbook: Runbook,
    scenario_file: Path,
    *,
    bind: Path | None = None,
    option: str | None = None,
    on: str | None = None,
    allow: str | None = None,
) -> list[Prepared]:
    """Each way through `runbook` on the scenario in `scenario_file`, or the one that `option` names.

    Args:
        runbook: what was read.
        scenario_file: the drill that leaks; its own steps are not played.
        bind: the bindings; default: those beside the runbook, if any.
        option: the beginning of the heading of one option.
        on: what the target runs on, instead of what the scenario says.
        allow: what may be changed though it is not the drill's own.

    Raises:
        BadInput: when something cannot be used, or something has no value; nothing was started then.
    """
    bound = BoundFile(bind or beside(runbook.path))
    scenario = placed(read_scenario(scenario_file), on, allow)
    alert = _alert(runbook, bound, scenario)
    chosen = _chosen(runbook, option)
    plans = [(way, plan_for(runbook, bound, way, scenario)) for way in chosen]
    refuse_unbound(runbook, [plan for _, plan in plans], bound)
    return [_prepared(runbook, way, plan, scenario, alert) for way, plan in plans]


def plan_for(runbook: Runbook, bound: BoundFile, way: Way, scenario: Scenario) -> Plan:
    """The plan for one way through a runbook on the target of `scenario`."""
    target = scenario.target
    return make_plan(runbook, bound.bindings, way, platform=target.platform, target=target.name)


def refuse_unbound(runbook: Runbook, plans: Sequence[Plan], bound: BoundFile) -> None:
    """Refuse plans with something in them that has no value, and bindings of what the runbook does not have.

    Raises:
        BadInput: names each with file and line.
    """
    refuse_unused(runbook, bound)
    missing = dict.fromkeys((one.line, one.text) for plan in plans for one in plan.unbound)
    if missing:
        where = bound.path or runbook.path.with_suffix(".bind.yaml")
        lines = [f"{runbook.path}:{line}: nothing says what {text} means" for line, text in missing]
        hint = (
            f"`leakdrill runbook bind {runbook.path}` writes a first {where.name}; give each placeholder a value in it"
        )
        raise BadInput("\n".join(lines), hint=hint)


def _chosen(runbook: Runbook, option: str | None) -> list[Way]:
    every = ways(runbook)
    if option is None:
        return every
    matching = [way for way in every if way.option.lower().startswith(option.lower())]
    if len(matching) != 1:
        known = "; ".join(way.option for way in every if way.option) or "none"
        raise BadInput(f'{runbook.path}: {len(matching) or "no"} options begin with "{option}"; found {known}')
    return matching


def _alert(runbook: Runbook, bound: BoundFile, scenario: Scenario) -> AlertName:
    """The alert of the runbook: the one that the bindings give, else one that its text names."""
    found = bound.bindings.alert or named_alert(runbook, scenario)
    if found is not None:
        return found
    known = ", ".join(sorted(set(_rule_names(scenario)))) or "none"
    raise BadInput(
        f"{runbook.path}: names no alert of the scenario's rules, which have {known}",
        hint="say in the bindings which alert it is for: `alert: NAME`",
    )


def named_alert(runbook: Runbook, scenario: Scenario) -> AlertName | None:
    """The alert that `runbook` names: one that `scenario` expects, else one of its rules; None where it names none."""
    expected = chosen_alert(runbook, scenario.alerts.expect)
    if expected is not None:
        return AlertName(alert=expected.alert, labels=expected.labels)
    named = named_alerts(runbook, _rule_names(scenario))
    return AlertName(alert=named[0]) if named else None


def _rule_names(scenario: Scenario) -> list[str]:
    return [] if scenario.alerts.prometheus else [rule.name for rule in read_rules(scenario.alerts.rules).alerts]


def _prepared(runbook: Runbook, way: Way, plan: Plan, scenario: Scenario, alert: AlertName) -> Prepared:
    if not plan.steps:
        why = f"; line {plan.left_out[0].line}: {plan.left_out[0].why}" if plan.left_out else ""
        raise BadInput(f"{runbook.path}: nothing in it can be carried out on this target{why}")
    rehearsal = Rehearsal(
        runbook=str(runbook.path),
        alert=alert,
        option=way.option,
        steps=[planned.rehearsed for planned in plan.steps],
        left_out=plan.left_out,
    )
    drill = scenario.model_copy(
        update={
            "name": _name(runbook.path.stem, way.option),
            "summary": f"{runbook.title}, rehearsed",
            "steps": [planned.step for planned in plan.steps],
            "phases": scenario.phases.model_copy(update={"mitigate": _longest_s(scenario, plan.steps)}),
        }
    )
    return Prepared(_waiting(drill, alert), rehearsal)


def _waiting(scenario: Scenario, alert: AlertName) -> Scenario:
    """`scenario`, whose first step waits for `alert`."""
    first = [step.model_copy(update={"on": alert}) for step in scenario.steps[:1]]
    return scenario.model_copy(update={"steps": [*first, *scenario.steps[1:]]})


def _longest_s(scenario: Scenario, steps: Sequence[PlannedStep]) -> float:
    """The longest that the runbook may take: the load runs as long."""
    within = [planned.step.seen.within if planned.step.seen else 0.0 for planned in steps]
    return scenario.phases.mitigate + sum(planned.step.timeout for planned in steps) + sum(within) + _SPARE_S


def _name(stem: str, option: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{stem} {option}").strip("-").lower()[:_LONGEST_NAME].strip("-")
    return f"runbook/{words or 'unnamed'}"
