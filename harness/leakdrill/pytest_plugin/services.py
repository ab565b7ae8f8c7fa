"""The gate and the drill on a service, as a test asks for them: on a scenario, and on a container that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.pytest_plugin.containers import form_of
from leakdrill.reports.console import SafeConsole
from leakdrill.runs.drill.permission import needed
from leakdrill.runs.drill.run import play
from leakdrill.runs.gate.run import measure_service
from leakdrill.runs.placement import in_container, placed
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.verdict import Verdict
    from leakdrill.runs.session import FinishedRun
    from leakdrill.scenario.scenario import Scenario


def gate_verdicts(scenario_file: Path, *, container: object = None, runs: Path) -> list[Verdict]:
    """The verdicts of the gate on the service in `scenario_file`, on a `container` that runs already if one is given.

    Raises:
        LeakdrillError: when it could not be measured.
    """
    scenario = _scenario(scenario_file, container)
    return _verdicts(measure_service(scenario, scenario_file, runs=runs, console=SafeConsole(stderr=True)))


def drill_verdicts(
    scenario_file: Path, *, container: object = None, runs: Path, allow: str | bool = False
) -> list[Verdict]:
    """The verdicts of the drill `scenario_file`, on a `container` that runs already where one is given.

    It may change what `allow` names, as `--allow` does; True means whatever its steps change.

    Raises:
        LeakdrillError: when it ended before its time.
    """
    scenario = _scenario(scenario_file, container)
    allowed = allowed_names(scenario, allow)
    scenario = placed(scenario, None, allowed)
    return _verdicts(play(scenario, scenario_file, runs=runs, console=SafeConsole(stderr=True), allow=allowed))


def allowed_names(scenario: Scenario, allow: str | bool) -> str | None:
    """What `--allow` would name: with True, whatever the steps of `scenario` change though it is not the drill's."""
    names = [name for _, _, name in needed(scenario)] if allow is True else [allow or ""]
    return ",".join(dict.fromkeys(names)) or None


def _scenario(scenario_file: Path, container: object) -> Scenario:
    scenario = read_scenario(scenario_file)
    return scenario if container is None else in_container(scenario, form_of(container))


def _verdicts(done: FinishedRun) -> list[Verdict]:
    if done.error is not None:
        raise done.error
    return done.verdicts
