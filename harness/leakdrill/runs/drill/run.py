"""One drill from its file to its verdicts: the run folder, the recorder, the stage, the conductor, the judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.judging.analyze import analyze
from leakdrill.machine.signals import interruptible
from leakdrill.record.journal import Journal
from leakdrill.record.ownership import note_owner
from leakdrill.record.recorder import Recorder
from leakdrill.record.store import create_run, write_run_info
from leakdrill.reports.live import LiveView
from leakdrill.runs.drill.conductor import Drill
from leakdrill.runs.drill.environment import Environment, server_versions
from leakdrill.runs.drill.torch_snapshot import keep_if_failed
from leakdrill.runs.undo import clean_runs
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.kubernetes.form import check_allowed, in_context

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Finished:
    """A drill that is over: its folder, its verdicts, and what broke it, if anything did."""

    folder: RunFolder
    scenario: Scenario
    verdicts: list[Verdict]
    error: LeakdrillError | None
    leftovers: list[str]


def run_drill(
    scenario_file: Path, *, runs: Path, console: Console, on: str | None = None, allow: str | None = None
) -> Finished:
    """Run the drill in `scenario_file` and judge it. What earlier drills left behind under `runs` is undone first.

    Args:
        scenario_file: the drill.
        runs: where the record goes.
        console: where its progress is shown.
        on: what the target runs on, instead of what the scenario says: `process`, `docker` or `kubernetes`.
        allow: the Kubernetes context that the drill may change.

    Raises:
        BadInput: when the scenario cannot be used; nothing was started then.
    """
    scenario = placed(read_scenario(scenario_file), on, allow)
    for problem in clean_runs(runs):
        console.print(f"left by an earlier drill: {problem}", markup=False)
    folder = create_run(runs, scenario.name)
    write_run_info(folder, scenario, scenario_file.resolve(), server_versions())
    error, leftovers = _drill(scenario, scenario_file, folder, console)
    verdicts = analyze(folder)
    keep_if_failed(folder.path, verdicts)
    return Finished(folder, scenario, verdicts, error, leftovers)


def placed(scenario: Scenario, on: str | None, allow: str | None = None) -> Scenario:
    """`scenario` with its target on the platform `on`, where that is given, and in the context `allow`.

    Raises:
        BadInput: when the drill would change a workload that is not its own, and `allow` does not name its context.
    """
    target = scenario.target
    if on not in (None, target.platform):
        target = target.model_copy(update={"kind": on})
    check_allowed(target, allow)
    if allow is not None and target.kind == "kubernetes":
        target = target.model_copy(update={"kubernetes": in_context(target, allow)})
    return scenario if target is scenario.target else scenario.model_copy(update={"target": target})


def _drill(
    scenario: Scenario, scenario_file: Path, folder: RunFolder, console: Console
) -> tuple[LeakdrillError | None, list[str]]:
    note_owner(folder.path)
    recorder, journal = Recorder(folder.history), Journal(folder.journal)
    stage = Environment(
        scenario, scenario_dir=scenario_file.resolve().parent, folder=folder, recorder=recorder, journal=journal
    )
    error: LeakdrillError | None = None
    try:
        with LiveView(scenario, console) as view, interruptible():
            recorder.subscribe(view.see)
            try:
                Drill(scenario, stage, recorder).run()
            finally:
                stage.down()  # done already, unless Ctrl-C came at the very moment at which it was to begin
    except LeakdrillError as e:
        error = e
    finally:
        recorder.close()
        journal.close()
    return error, stage.leftovers
