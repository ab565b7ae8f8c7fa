"""What a drill may do to a service that is not its own: only what a step of the scenario names and `--allow` permits.

Everything is refused before the start, with file and line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.runs.drill.places import places
from leakdrill.scenario.reader import scenario_document
from leakdrill.steps.step import kinds_with_step
from leakdrill.targets.base.capabilities import FilesInside
from leakdrill.targets.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.scenario.rehearsal import Rehearsal
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.yaml_file import Loc

_ONLY_ASK: Final = frozenset({"http", "gc", "copy_out"})
"""Steps that ask the service for something, and change nothing of it from outside."""
_DOES: Final = {"restart": "restarts", "kill": "signals", "exec": "runs a command beside"}
"""What other steps do to it."""
_WHERE_ITS_DISK_IS: Final = "target.container.disk, where it is mounted"


def check_permission(path: Path, scenario: Scenario, allow: str | None, rehearsal: Rehearsal | None = None) -> None:
    """Refuse what a drill may not do to a service that runs already.

    Args:
        path: the scenario's file.
        scenario: what is in it, as it will be run.
        allow: what `--allow` names, several separated by commas.
        rehearsal: the way through a runbook that its steps are from.

    Raises:
        BadInput: names each with file and line.
    """
    if not kind_of(scenario.target).left_running:
        return
    given = [word.strip() for word in (allow or "").split(",") if word.strip()]
    place = places(path, rehearsal)
    impossible = [f"{place(loc)}: {text}" for loc, text in _impossible(scenario)]
    if impossible:
        raise BadInput("\n".join(impossible))
    missing = [(loc, text, name) for loc, text, name in needed(scenario) if name not in given]
    if missing:
        found = ",".join(given) or "nothing"
        names = ",".join(dict.fromkeys([*given, *(name for _, _, name in missing)]))
        lines = [f"{place(loc)}: {text}; expected --allow {name}, found {found}" for loc, text, name in missing]
        raise BadInput("\n".join(lines), hint=f"leakdrill run … --allow {names}, when you are sure")


def needed(scenario: Scenario) -> Iterator[tuple[Loc, str, str]]:
    """What must be allowed: where it stands in the scenario, what it does, and what `--allow` must name for it."""
    target = scenario.target
    if not kind_of(target).left_running:
        return
    if target.kind == "existing" and not target.on_loopback:
        yield ("target", "url"), f"the load goes to {target.address}, which is not loopback", target.address
    if target.existing_pod and scenario.load.workers > 1:
        where: Loc = ("load", "workers")
        yield where, "the load's workers are made as pods beside a service that runs already", target.goes_by
    for index, step in enumerate(scenario.steps):
        if step.action_name not in _ONLY_ASK:
            does = f"the step {step.action_name} {_DOES.get(step.action_name, 'changes')} a service that runs already"
            yield ("steps", index, step.action_name), does, target.goes_by


def check_is_there(path: Path, scenario: Scenario) -> None:
    """Refuse a service that should run already and is not there.

    Raises:
        BadInput: with file and line.
        EnvironmentProblem: when nobody can say.
    """
    try:
        kind_of(scenario.target).look(scenario.target)
    except BadInput as e:
        file = scenario_document(path)
        key = e.message.partition(":")[0]
        raise BadInput(f"{path}:{file.line(tuple(key.split('.')))}: {e.message}", hint=e.hint) from e


def _impossible(scenario: Scenario) -> Iterator[tuple[Loc, str]]:
    """Steps that cannot be carried out on a service that was not started by the drill, and leaks that nobody sees."""
    kind = kind_of(scenario.target)
    for index, leak in enumerate(scenario.leaks):
        if leak.resource == "disk" and not scenario.target.disk_is_read:
            where: Loc = ("leaks", index, "resource")
            expected = _WHERE_ITS_DISK_IS if scenario.target.existing_container else "another resource"
            yield where, f"the disk of a service that runs already is not measured; expected {expected}"
    for index, step in enumerate(scenario.steps):
        loc = ("steps", index, step.action_name)
        if kind.name not in kinds_with_step(step.action_name):
            able = ", ".join(kinds_with_step(step.action_name))
            yield loc, f"the step {step.action_name} cannot be done to a service that runs already; expected {able}"
        elif step.copy_out is not None and step.copy_out.path is not None and not kind.has(FilesInside):
            yield loc, "no file can be copied out of a service that runs already; expected http"
        elif scenario.target.kind == "existing" and step.restart is not None and not scenario.target.restarts_with:
            yield loc, _no_restart(scenario)


def _no_restart(scenario: Scenario) -> str:
    if scenario.target.pid is not None:
        return "after a restart its pid is another one; expected pid_file, unit or listens instead of target.pid"
    return "nothing says how the service is restarted; expected target.restart_command or target.unit"
