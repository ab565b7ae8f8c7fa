"""The command line: parse, call, map errors to exit codes; nothing else.

Exit codes: 0 PASS, 1 FAIL, 2 UNKNOWN, 3 bad input, 4 the harness or its surroundings broke, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

from leakdrill import __version__
from leakdrill.cli.covers import show_coverage
from leakdrill.cli.gate import gate
from leakdrill.cli.matrix import matrix
from leakdrill.cli.run_many import chosen, run_many, write_report
from leakdrill.cli.trace import trace
from leakdrill.cli.watch import CONTEXT_SETTINGS, watch
from leakdrill.doctor.doctor import examine
from leakdrill.errors import BadInput, Interrupted, LeakdrillError
from leakdrill.first_scenario import write_first_scenario
from leakdrill.judging.analyze import analyze as analyze_run
from leakdrill.judging.time_budget import time_budget
from leakdrill.record.history import event_schema, read_history
from leakdrill.record.store import open_run
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdict_file_schema, verdicts_as_json
from leakdrill.reports.budget import print_budget
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.markdown import markdown
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.terminal import print_verdicts
from leakdrill.reports.termination_message import leave_termination_message
from leakdrill.runs.catalogue.catalogue import catalogue
from leakdrill.runs.drill.run import run_drill
from leakdrill.runs.undo import clean_runs
from leakdrill.scenario.scenario import scenario_schema

app = typer.Typer(
    name="leakdrill",
    help="Fire drills for resource leaks: a leak, a real alert, a runbook step, and proof that memory came back.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# Typer brings a Click of its own, or uses the installed one, as its version pleases; either way this is its base.
_WrongUsage: Final[Any] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

Runs = Annotated[Path, typer.Option(help="Where run folders lie.")]
Platform = Literal["process", "docker", "kubernetes"]
AsJson = Annotated[bool, typer.Option("--json", help="Print the same facts as JSON.")]
RunFolderArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/NAME/latest.")]


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    scenario: Annotated[
        list[str] | None,
        typer.Argument(help="Scenario files, or names from `leakdrill scenarios`; several run at once."),
    ] = None,
    runs: Runs = Path("runs"),
    on: Annotated[
        Platform | None, typer.Option(help="Where the target runs, instead of what the scenario says.")
    ] = None,
    allow: Annotated[
        str | None, typer.Option(metavar="CONTEXT", help="The Kubernetes context that the drill may change.")
    ] = None,
    as_json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Run the whole catalogue; with --on, also what runs only there.")
    ] = False,
    subset: Annotated[bool, typer.Option("--subset", help="Run the catalogue's subset for CI.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Drills at once; left out: 2 for each core.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write one JUnit file of all drills.")] = None,
) -> int:
    """Run a drill from start to verdict, or many side by side."""
    paths = chosen(scenario or [], everything=everything, subset=subset, on=on)
    console = Console(stderr=as_json)
    if len(paths) == 1:
        return _run_one(paths[0], runs=runs, on=on, allow=allow, as_json=as_json, junit=junit, console=console)
    return run_many(paths, runs=runs, jobs=jobs, on=on, allow=allow, as_json=as_json, junit=junit, console=console)


def _run_one(
    path: Path,
    *,
    runs: Path,
    on: Platform | None,
    allow: str | None,
    as_json: bool,
    junit: Path | None,
    console: Console,
) -> int:
    done = run_drill(path, runs=runs, console=console, on=on, allow=allow)
    for problem in done.leftovers:
        console.print(f"could not be undone: {problem}; `leakdrill clean` tries again", markup=False)
    if done.error is not None:
        console.print(f"record: {done.folder.path}", markup=False, soft_wrap=True)
        raise done.error
    append_step_summary(done.verdicts, name=done.scenario.name)
    leave_termination_message(done.verdicts, name=done.scenario.name)
    if junit is not None:
        write_report(junit, junit_xml(done.verdicts, name=done.scenario.name))
    if as_json:
        sys.stdout.write(verdicts_as_json(done.verdicts))
        return worst(done.verdicts).exit_code
    print_verdicts(done.verdicts, console)
    print_budget(time_budget(read_history(done.folder.history), done.scenario), console)
    console.print(f"record: {done.folder.path}", markup=False, soft_wrap=True)
    return worst(done.verdicts).exit_code


@app.command()
def analyze(run_folder: RunFolderArgument, as_json: AsJson = False) -> int:
    """Judge a stored run again; needs nothing but its files."""
    verdicts = analyze_run(open_run(run_folder))
    if as_json:
        sys.stdout.write(verdicts_as_json(verdicts))
    else:
        print_verdicts(verdicts, Console())
    return worst(verdicts).exit_code


@app.command()
def report(
    run_folder: RunFolderArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for the reports; the run folder when left out.")] = None,
) -> int:
    """Write JUnit XML, Markdown, JSON and OpenMetrics of a stored run; the exit code is the run's."""
    folder = open_run(run_folder)
    name, verdicts = folder.path.parent.name, analyze_run(folder)
    target = out or folder.path
    files = {
        "report.xml": junit_xml(verdicts, name=name),
        "report.md": markdown(verdicts, name=name),
        "report.json": verdicts_as_json(verdicts),
        "metrics.txt": openmetrics(verdicts, name=name),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (target / name).write_text(text, encoding="utf-8")
            typer.echo(target / name)
    except OSError as e:
        raise BadInput(f"{target}: reports cannot be written: {e.strerror}") from e
    return worst(verdicts).exit_code


@app.command()
def scenarios(
    covers: Annotated[bool, typer.Option("--covers", help="Show what of the documents is drilled, and where.")] = False,
    as_json: AsJson = False,
) -> int:
    """List the catalogue, or what it covers: instructions, alerts and steps."""
    if covers:
        return show_coverage(Console(), as_json=as_json)
    entries = catalogue()
    if as_json:
        typer.echo(json.dumps([{"name": e.name, "summary": e.summary, "rehearses": e.rehearses} for e in entries]))
        return 0
    table = Table(Column("scenario", no_wrap=True), "what it rehearses", "from", box=None)
    for entry in entries:
        table.add_row(entry.name, entry.summary, entry.rehearses)
    Console().print(table)
    return 0


@app.command()
def schema(
    of: Annotated[str, typer.Argument(help="scenario, history or verdicts")] = "scenario",
) -> int:
    """Print the JSON Schema of a scenario file, of a line of history.jsonl, or of verdicts.json."""
    schemas = {"scenario": scenario_schema, "history": event_schema, "verdicts": verdict_file_schema}
    if of not in schemas:
        raise BadInput(f'"{of}" has no schema; expected one of {", ".join(schemas)}')
    typer.echo(json.dumps(schemas[of](), indent=2))
    return 0


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """Say what this machine can and cannot do, and what to install."""
    findings = examine()
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings]))
    else:
        table = Table("", "what", "found", "hint", box=None)
        for finding in findings:
            table.add_row(finding.mark, finding.name, finding.detail, finding.hint)
        Console().print(table)
    return 0 if all(finding.ok for finding in findings if finding.required) else 4


@app.command()
def clean(runs: Runs = Path("runs")) -> int:
    """Undo what interrupted drills left behind, from their journals."""
    problems = clean_runs(runs)
    for problem in problems:
        typer.echo(problem, err=True)
    if not problems:
        typer.echo("nothing is left behind")
    return 4 if problems else 0


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder; its name becomes the drill's.")],
    command: Annotated[str, typer.Option(help="What starts the service; {port} stands where it expects its port.")],
    health: Annotated[str, typer.Option(help="A path that answers 2xx when the service is ready.")] = "/health",
) -> int:
    """Write a first scenario for a service of your own, which runs as it is."""
    for path in write_first_scenario(folder, command=command, health=health):
        typer.echo(path)
    typer.echo(f"run it: leakdrill run {folder / 'scenario.yaml'}")
    return 0


app.command()(gate)
app.command()(matrix)
app.command()(trace)
app.command(context_settings=CONTEXT_SETTINGS)(watch)


@app.command()
def version() -> int:
    """Print the version."""
    typer.echo(f"leakdrill {__version__}")
    return 0


def main() -> None:
    """Run the command line and exit with the code that its outcome has."""
    sys.exit(_exit_code(sys.argv[1:] or ["--help"]))


def _exit_code(arguments: list[str]) -> int:
    try:
        result = app(args=arguments, standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except LeakdrillError as e:
        return _complain(e)
    except (KeyboardInterrupt, typer.Abort, _WrongUsage) as e:
        return _complain(_from_click(e))
    except Exception:  # noqa: BLE001 - an uncaught error would exit 1, and 1 means FAIL
        traceback.print_exc()
        return LeakdrillError.exit_code
    return result if isinstance(result, int) else 0


def _from_click(error: BaseException) -> LeakdrillError:
    if not isinstance(error, _WrongUsage):
        return Interrupted("interrupted")
    context = getattr(error, "ctx", None)
    return BadInput(error.format_message(), hint=f"{context.command_path if context else 'leakdrill'} --help")


def _complain(error: LeakdrillError) -> int:
    sys.stderr.write(f"leakdrill: {error}\n")
    return error.exit_code
