"""`leakdrill run`: one drill from start to verdict, or several side by side."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.options import AsJson, On, Runs, Verbose  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.page import OpenPage, leave_page, name_page, open_page
from leakdrill.cli.run_json import run_as_json
from leakdrill.cli.run_many import chosen, run_many, write_report
from leakdrill.judging.time_budget import time_budget
from leakdrill.record.history import read_history
from leakdrill.record.verdict import worst
from leakdrill.reports.budget import print_budget
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.terminal import print_verdicts
from leakdrill.reports.termination_message import leave_termination_message
from leakdrill.runs.drill.run import run_drill

if TYPE_CHECKING:
    from leakdrill.runs.session import FinishedRun


def run(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    scenario: Annotated[
        list[str] | None,
        typer.Argument(help="Scenario files, or names from `leakdrill scenarios`; several run side by side."),
    ] = None,
    runs: Runs = Path("runs"),
    on: On = None,
    allow: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the drill may change: a Kubernetes context, or a service that runs."),
    ] = None,
    as_json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Run the whole catalogue; with --on, also drills that run only there.")
    ] = False,
    subset: Annotated[bool, typer.Option("--subset", help="Run the catalogue's subset for CI.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Drills to run at once; default: 2 per core.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write one JUnit file of all drills.")] = None,
    verbose: Verbose = False,
    show: OpenPage = False,
) -> int:
    """Run a drill from start to verdict, or many side by side."""
    began = time.monotonic()
    paths = chosen(scenario or [], everything=everything, subset=subset, on=on)
    console = SafeConsole(stderr=as_json)
    if len(paths) == 1:
        return _run_one(
            run_drill(paths[0], runs=runs, console=console, on=on, allow=allow),
            as_json=as_json,
            junit=junit,
            verbose=verbose,
            show=show,
            console=console,
            began=began,
        )
    return run_many(paths, runs=runs, jobs=jobs, on=on, allow=allow, as_json=as_json, junit=junit, console=console)


def _run_one(
    done: FinishedRun,
    *,
    as_json: bool,
    junit: Path | None,
    verbose: bool,
    show: bool,
    console: SafeConsole,
    began: float,
) -> int:
    if done.error is not None:
        deliver(0, lambda: leave_page(done))
        name_page(done, console)
        raise done.error
    scenario = done.scenario()
    code = deliver(
        worst(done.verdicts).exit_code,
        lambda: append_step_summary(done.verdicts, name=scenario.name),
        lambda: leave_termination_message(done.verdicts, name=scenario.name),
        *([lambda: write_report(junit, junit_xml(done.verdicts, name=scenario.name))] if junit else []),
        lambda: leave_page(done),
    )
    if show:
        open_page(done)
    if as_json:
        print_json(run_as_json(done.verdicts, done.folder, scenario=scenario.name, chain=done.seal.head))
        return code
    print_verdicts(done.verdicts, console, verbose=verbose)
    print_budget(time_budget(read_history(done.folder.history), scenario), console, wall_s=time.monotonic() - began)
    name_page(done, console)
    return code
