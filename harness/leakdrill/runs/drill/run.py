"""One drill from its file to its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.machine.signals import interruptible
from leakdrill.record.seal import RUN_JSON
from leakdrill.record.store import write_run_info
from leakdrill.reports.live import LiveView
from leakdrill.runs.drill.conductor import Drill
from leakdrill.runs.drill.environment import Environment
from leakdrill.runs.drill.permission import check_is_there, check_permission
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.runs.drill.rehearsed import RehearsedDrill
from leakdrill.runs.drill.server_versions import server_versions
from leakdrill.runs.drill.torch_snapshot import keep_if_failed
from leakdrill.runs.placement import placed
from leakdrill.runs.session import RunSession, print_to
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from leakdrill.runs.session import FinishedRun
    from leakdrill.scenario.rehearsal import Rehearsal
    from leakdrill.scenario.scenario import Scenario


def run_drill(
    scenario_file: Path, *, runs: Path, console: Console, on: str | None = None, allow: str | None = None
) -> FinishedRun:
    """Run the drill in `scenario_file` and judge it. What earlier drills left behind under `runs` is undone first.

    Args:
        scenario_file: the drill.
        runs: where the record goes.
        console: where its progress is shown.
        on: what the target runs on, instead of what the scenario says: `process`, `docker` or `kubernetes`.
        allow: what the drill may change though it is not its own: a Kubernetes context, a unit, an address.

    Raises:
        BadInput: when the scenario cannot be used; nothing was started then.
    """
    scenario = placed(read_scenario(scenario_file), on, allow)
    return play(scenario, scenario_file, runs=runs, console=console, allow=allow)


def play(
    scenario: Scenario,
    scenario_file: Path,
    *,
    runs: Path,
    console: Console,
    allow: str | None = None,
    rehearsal: Rehearsal | None = None,
) -> FinishedRun:
    """Run the drill `scenario`, which is that of `scenario_file` or a variation of it, and judge it.

    Args:
        scenario: the drill.
        scenario_file: where it, or what it is a variation of, stands.
        runs: where the record goes.
        console: where its progress is shown.
        allow: as for `run_drill`.
        rehearsal: the way through a runbook that its steps are, where they are one.

    Raises:
        BadInput: when it cannot work, or does more than `allow` permits; nothing was started then.
    """
    check_permission(scenario_file, scenario, allow, rehearsal)
    rules = check_plan(scenario_file, scenario, rehearsal)
    check_is_there(scenario_file, scenario)
    with RunSession(runs, scenario.name, notify=print_to(console), signals=interruptible()) as session:
        write_run_info(session.folder, scenario, scenario_file.resolve(), server_versions(), rehearsal=rehearsal)
        session.cover(RUN_JSON)
        environment = Environment(
            scenario,
            rules,
            plan=scenario_file,
            folder=session.folder,
            recorder=session.recorder,
            journal=session.journal,
        )
        session.at_end(environment.down)
        with session.keeping_error(), LiveView(scenario, console) as view:
            session.recorder.subscribe(view.see)
            if rehearsal is None:
                Drill(scenario, environment, session).run()
            else:
                RehearsedDrill(scenario, environment, session, rehearsal).run()
    finished = session.finish()
    keep_if_failed(finished.folder.path, finished.verdicts)
    return finished
