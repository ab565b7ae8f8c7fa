"""What cannot work in a plan, found before anything starts: in a second, and not after the whole drill."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from leakdrill.alerting.cannot_fire import drill_lasts_s, why_it_cannot_fire
from leakdrill.alerting.routing import receivers_in
from leakdrill.alerting.rules import Rules, read_rules
from leakdrill.errors import BadInput
from leakdrill.load.locustfile_check import why_not_loadable
from leakdrill.machine.http_access import access_mistakes, header_mistakes
from leakdrill.runs.drill.places import places
from leakdrill.targets.base.placeholders import find_program
from leakdrill.targets.compose.file import own_config
from leakdrill.targets.compose.reader import read_compose
from leakdrill.targets.kubernetes.found_workload import kind_of_existing
from leakdrill.targets.kubernetes.manifests import read_manifests, service_container, workload_of
from leakdrill.targets.kubernetes.step_check import impossible_steps
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT
from leakdrill.units import quoted, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.alerts import AlertName
    from leakdrill.scenario.rehearsal import Rehearsal
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.yaml_file import Loc

Problem = tuple["Loc", str]
"""Where something is in the scenario, and what is wrong with it."""


def check_plan(path: Path, scenario: Scenario, rehearsal: Rehearsal | None = None) -> Rules:
    """Returns the rules of a plan in which nothing is wrong; `path` is its file, `rehearsal` where its steps are from.

    Raises:
        BadInput: names each mistake with file and line.
    """
    problems = [
        *_unusable_access(path, scenario),
        *_misfits(path, scenario),
        *_impossible_services(scenario),
        *_idle_disk(scenario),
    ]
    read = Rules((), ())
    if scenario.alerts.prometheus is None:  # else its rules are its own, and asked for when the drill begins
        read = read_rules(scenario.alerts.rules)
        problems += [
            *_unknown_alerts(scenario, read.alerts),
            *_too_short_phases(scenario),
            *_idle_rules(scenario, read.alerts),
        ]
    problems += [
        *_absent_programs(path, scenario),
        *_unknown_receivers(scenario),
        *_unloadable_locustfile(scenario),
    ]
    if problems:
        place = places(path, rehearsal)
        raise BadInput("\n".join(f"{place(loc)}: {text}" for loc, text in problems))
    return read


def _named(scenario: Scenario) -> Iterator[tuple[Loc, AlertName]]:
    alerts = scenario.alerts
    for key, names in (("expect", alerts.expect), ("silent", alerts.silent or []), ("may_fire", alerts.may_fire)):
        for index, name in enumerate(names):
            yield ("alerts", key, index), name
    for index, step in enumerate(scenario.steps):
        if step.on is not None:
            yield ("steps", index, "on"), step.on


def _unknown_alerts(scenario: Scenario, rules: Sequence[AlertRule]) -> Iterator[Problem]:
    known = sorted({rule.name for rule in rules})
    for loc, name in _named(scenario):
        of_that_name = [rule for rule in rules if rule.name == name.alert]
        if not of_that_name:
            close = difflib.get_close_matches(name.alert, known, n=1)
            more = f"did you mean {quoted(close[0])}?" if close else f"the rules have {', '.join(known) or 'none'}"
            yield loc, f"no rule has the name {quoted(name.alert)}; {more}"
        elif not any(_may_match(name, rule) for rule in of_that_name):
            seen = "; ".join(sorted({_labels(rule) for rule in of_that_name}))
            yield loc, f"no rule {quoted(name.alert)} has the labels of {name}; those of that name have {seen}"


def _may_match(name: AlertName, rule: AlertRule) -> bool:
    """Whether the labels that the rule sets, as far as they are no templates, are those that `name` asks for."""
    return all(rule.labels.get(key, value) == value or "{{" in rule.labels[key] for key, value in name.labels.items())


def _labels(rule: AlertRule) -> str:
    return ", ".join(f"{key}={value}" for key, value in rule.labels.items()) or "no labels"


def _too_short_phases(scenario: Scenario) -> Iterator[Problem]:
    phases = scenario.phases
    for index, alert in enumerate(scenario.alerts.expect):
        for key, within_s, phase, lasts_s in (
            ("fires_within", alert.fires_within, "load", phases.load),
            ("resolves_within", alert.resolves_within, "recover", phases.recover),
        ):
            if within_s > lasts_s and key in alert.model_fields_set:
                longer = f"{show_duration(within_s)} is longer than the phase `{phase}`, {show_duration(lasts_s)}"
                yield ("alerts", "expect", index, key), f"{longer}; what comes after that is not seen"


def _unusable_access(path: Path, scenario: Scenario) -> Iterator[Problem]:
    """Variables that requests to the service need and the environment lacks, and certificates that cannot be used."""
    plain = scenario.model_dump_json()
    yield from access_mistakes(scenario.target.http, path.resolve().parent, plain=plain)
    calls: list[tuple[Loc, HttpCall]] = [
        (("leaks", index, "switch", key), getattr(leak.switch, key))
        for index, leak in enumerate(scenario.leaks)
        if leak.switch is not None
        for key in ("on", "off")
    ]
    calls += [(("steps", at, "http"), step.http) for at, step in enumerate(scenario.steps) if step.http is not None]
    for loc, call in calls:
        yield from header_mistakes(call.headers, (*loc, "headers"), plain=plain)


def _absent_programs(path: Path, scenario: Scenario) -> Iterator[Problem]:
    """Commands of steps that are not on this machine, where they are to run on it."""
    target = scenario.target
    search = target.env.get("PATH", os.environ.get("PATH"))
    commands: list[tuple[Loc, str]] = [
        (("steps", index, "exec", "command"), step.exec.command[0])
        for index, step in enumerate(scenario.steps)
        if step.exec is not None and step.exec.service is None
    ]
    if target.kind == "process" and target.command:
        commands.insert(0, (("target", "command"), target.command[0]))
    for loc, program in commands if target.runs_here else ():
        if "{" in program + (search or ""):
            continue  # known when the drill runs
        try:
            find_program(program, cwd=path.resolve().parent / (target.cwd or ""), path=search, place="exec")
        except BadInput as e:
            yield loc, e.message.removeprefix("exec: ")


def _unknown_receivers(scenario: Scenario) -> Iterator[Problem]:
    """Receivers that an alert is to reach, and that the routing lacks or that notify nobody."""
    alerts = scenario.alerts
    if alerts.prometheus is not None or not any(alert.receiver for alert in alerts.expect):
        return
    known = receivers_in(alerts.routing)
    for index, alert in enumerate(alerts.expect):
        loc = ("alerts", "expect", index, "receiver")
        if alert.receiver is not None and alert.receiver not in known:
            where = f"{alerts.routing} has" if alerts.routing else "without alerts.routing there is"
            yield loc, f"there is no receiver {quoted(alert.receiver)}; {where} {', '.join(sorted(known)) or 'none'}"
        elif alert.receiver is not None and not known[alert.receiver]:
            yield loc, f"the receiver {quoted(alert.receiver)} has no way to notify anybody, so nothing will arrive"


def _unloadable_locustfile(scenario: Scenario) -> Iterator[Problem]:
    problem = why_not_loadable(scenario.load)
    if problem:
        yield ("load", "locustfile"), problem


def _idle_disk(scenario: Scenario) -> Iterator[Problem]:
    """A size for a disk that the drill does not make."""
    target = scenario.target
    if target.limits.disk is None or target.disk_is_made:
        return
    where = {
        "compose": "a service of a compose file has the volumes that the file gives it",
        "docker": "a container that runs already has the disk that it has",
        "kubernetes": "a workload of your own has the volumes that its manifest gives it",
    }
    why = where.get(target.kind, "the service runs already")
    yield ("target", "limits", "disk"), f"the drill makes no disk here: {why}; expected no limits.disk"


def _misfits(path: Path, scenario: Scenario) -> Iterator[Problem]:
    """What is wrong with the workload of a cluster; what is wrong in its manifests has their file and line."""
    try:
        yield from _impossible_steps(path, scenario)
    except BadInput as e:
        yield _in_scenario(e)


def _impossible_services(scenario: Scenario) -> Iterator[Problem]:
    """A service that its compose file does not have, or that cannot be reached.

    What cannot be read is said by whoever starts it, in the words of the program that is there.
    """
    form = scenario.target.compose
    if scenario.target.kind != "compose" or form is None or form.project is not None:
        return
    try:
        config = read_compose(form.file, os.environ)
    except BadInput:
        return
    try:
        own_config(config, form, labels={}, port=0)
    except BadInput as e:
        yield _in_scenario(e)


def _in_scenario(error: BadInput) -> Problem:
    """`error`, whose message begins with a path in the scenario, as a problem; raises it where it does not."""
    place, _, text = error.message.partition(": ")
    if not place.startswith("target."):
        raise error
    return tuple(place.split(".")), text


def _impossible_steps(path: Path, scenario: Scenario) -> Iterator[Problem]:
    """Steps that the workload of a cluster cannot do, as far as the scenario and its manifests tell."""
    form = scenario.target.kubernetes
    if scenario.target.kind != "kubernetes" or form is None:
        return
    kind, manifest, place = DEPLOYMENT, None, ""
    if form.existing:
        kind = kind_of_existing(form.existing)
    elif form.manifests:
        chosen = workload_of(read_manifests([path.resolve().parent / file for file in form.manifests]), form.workload)
        kind, manifest, place = chosen.kind or kind, chosen.data, f" ({chosen.place})"
        service_container(manifest, form.container)
    for index, action, why in impossible_steps(scenario.steps, kind, manifest):
        yield ("steps", index, action), f"{kind.name}{place}: {why}"


def _idle_rules(scenario: Scenario, rules: Sequence[AlertRule]) -> Iterator[Problem]:
    """Expected alerts of which no rule can fire."""
    lasts_s = drill_lasts_s(scenario)
    for loc, name in _named(scenario):
        if loc[1] != "expect" and loc[0] != "steps":
            continue
        matching = [rule for rule in rules if rule.name == name.alert and _may_match(name, rule)]
        reasons = [(rule, why_it_cannot_fire(rule, scenario.alerts, lasts_s=lasts_s)) for rule in matching]
        if reasons and all(reason for _, reason in reasons):
            rule, reason = reasons[0]
            yield loc, f"{name} cannot fire in this drill ({rule.file}:{rule.line}): {reason}"
