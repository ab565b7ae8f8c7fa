"""`leakdrill runbook rehearse`: carries a runbook out on a target that leaks, and judges each of its commands."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.options import AsJson, On, Runs, Verbose  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.page import leave_page, name_page
from leakdrill.cli.run_many import write_report
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.junit import junit_of_runs
from leakdrill.reports.rehearsal import print_options, print_steps
from leakdrill.reports.terminal import print_verdicts
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.runs.catalogue.runbook import find_runbook
from leakdrill.runs.rehearsal.prepared import prepare
from leakdrill.runs.rehearsal.run import rehearse

if TYPE_CHECKING:
    from leakdrill.runs.rehearsal.run import RehearsalResult


def runbook_rehearse(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    file: Annotated[str, typer.Argument(metavar="FILE", help="The runbook: a file, or a name such as runbooks/first.")],
    scenario: Annotated[str, typer.Option(help="The drill whose target leaks; its own steps are not played.")],
    bind: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Bindings; default: NAME.bind.yaml beside the runbook.")
    ] = None,
    option: Annotated[
        str | None, typer.Option(metavar="HEADING", help="Only this option, by the beginning of its heading.")
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Play it again for each change, which is left out then.")
    ] = False,
    runs: Runs = Path("runs"),
    on: On = None,
    allow: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What may be changed: a Kubernetes context, or a service that runs."),
    ] = None,
    as_json: AsJson = False,
    junit: Annotated[Path | None, typer.Option(help="Write one JUnit file of all rehearsals.")] = None,
    verbose: Verbose = False,
) -> int:
    """Carry a runbook out on a target that leaks, once for each option, and judge each command."""
    console, path = SafeConsole(stderr=as_json), find_scenario(scenario)
    ways = prepare(read_runbook(find_runbook(file)), path, bind=bind, option=option, on=on, allow=allow)
    results = rehearse(ways, path, runs=runs, console=console, allow=allow, control=control)
    verdicts = [verdict for result in results for verdict in result.verdicts]
    code = worst(verdicts).exit_code
    if junit is not None:
        suites = [(result.prepared.scenario.name, result.verdicts) for result in results]
        code = deliver(code, lambda: write_report(junit, junit_of_runs(suites)))
    code = deliver(code, *(partial(leave_page, result.done) for result in results))
    if as_json:
        print_json(_as_json(file, path, results, code))
        return code
    for result in results:
        console.print(result.prepared.rehearsal.option or file, style="bold", markup=False, soft_wrap=True)
        print_steps(result.facts.steps, console)
        print_verdicts(result.verdicts, console, verbose=verbose)
        name_page(result.done, console)
    print_options([result.facts for result in results], console)
    return code


def _as_json(file: str, scenario: Path, results: list[RehearsalResult], code: int) -> str:
    content = {
        "runbook": file,
        "scenario": str(scenario),
        "exit_code": code,
        "rehearsals": [
            {
                **result.facts.as_dict(),
                "record": str(result.done.folder.path),
                "verdicts": json.loads(verdicts_as_json(result.verdicts))["verdicts"],
            }
            for result in results
        ],
    }
    return json.dumps(content, indent=2) + "\n"
