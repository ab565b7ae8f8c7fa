"""`leakdrill watch -- COMMAND`: parse, run, report; nothing else.

Standard input, output and error are the command's own, untouched. What we have to say goes to standard error, one
line at a time while it runs and a summary at the end.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from leakdrill.cli.option_value import option_value
from leakdrill.cli.options import Verbose  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.page import leave_page
from leakdrill.errors import BadInput
from leakdrill.files import is_file
from leakdrill.judging.watch.plan import MOST_RETRIES, WatchPlan, parse_modes, parse_phases
from leakdrill.judging.watch.run_files import success_line
from leakdrill.judging.watch.watch_baseline import incomparable_reason, read_baseline
from leakdrill.printable import printable_lines
from leakdrill.record.history import read_history
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.page.run_page import PAGE
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.terminal import print_verdicts
from leakdrill.runs.watch.acceptance import check_updatable, update_baseline
from leakdrill.runs.watch.machine import machine_class
from leakdrill.runs.watch.run import run_watch
from leakdrill.runs.watch.summary import print_split
from leakdrill.units import parse_share, parse_size


def watch(  # noqa: PLR0913, PLR0917 - one argument an option
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="Any command, with its arguments.")],
    limit: Annotated[str | None, typer.Option(help="The most that all its processes may use, such as 8GiB.")] = None,
    enforce: Annotated[bool, typer.Option(help="Enforce the limit with a cgroup: the kernel kills.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="A file of earlier runs to compare the peak with.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Add this run to the baseline; compare nothing.")] = False,
    tolerance: Annotated[str, typer.Option(help="How far above the highest recorded peak still passes.")] = "10%",
    mode: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME [below=SIZE] [VAR=VALUE ...]'",
            help="A memory mode, from most to least memory; starts in the last one whose SIZE exceeds what is free.",
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, max=MOST_RETRIES, help="How often to retry in the next mode if memory ran out.")
    ] = 0,
    retry_any: Annotated[bool, typer.Option("--retry-any", help="Retry whatever the cause.")] = False,
    phase: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=REGEX", help="Split by phase: processes whose command line matches, and their children."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdicts as JSON when the command has ended.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs"),
    verbose: Verbose = False,
) -> int:
    """Run any command and hold its memory, children included, to a limit and a baseline."""
    requested = WatchPlan(
        command=tuple(command),
        limit_bytes=option_value("--limit", limit, parse_size) if limit is not None else None,
        enforce=enforce,
        tolerance=option_value("--tolerance", tolerance, parse_share),
        modes=parse_modes(mode or []),
        phases=parse_phases(phase or []),
        retries=retries,
        retry_any=retry_any,
        machine=machine_class(),
    )
    _demand(requested, baseline, update=update)
    plan = _with_stored_baseline(requested, baseline, update=update)
    if plan.incomparable:
        _print(f"{baseline} will not be compared: {plan.incomparable}")
    return _watch(plan, runs, baseline if update else None, as_json=as_json, verbose=verbose)


def _watch(plan: WatchPlan, runs: Path, to_update: Path | None, *, as_json: bool, verbose: bool) -> int:
    done = run_watch(plan, runs=runs, notify=_print)
    if done.error is not None:
        raise done.error
    folder = done.folder
    history, console = read_history(folder.history), SafeConsole(stderr=True)
    print_split(history, plan, console)
    print_verdicts(done.verdicts, console, verbose=verbose)
    _print(success_line(folder.path.parent))
    code = deliver(
        worst(done.verdicts).exit_code,
        lambda: append_step_summary(done.verdicts, name=folder.path.parent.name),
        lambda: leave_page(done),
    )
    if to_update:
        code = deliver(code, lambda: _print(update_baseline(to_update, plan, history, done.verdicts)))
    if is_file(folder.path / PAGE):
        _print(f"page: {folder.path / PAGE}")
    _print(f"record: {folder.path}")
    if as_json:
        print_json(verdicts_as_json(done.verdicts, chain=done.seal.head))
    return code


def _demand(plan: WatchPlan, baseline: Path | None, *, update: bool) -> None:
    """Refuse what makes no sense together, before anything is started."""
    if plan.limit_bytes == 0:
        raise BadInput("--limit: 0 bytes; expected a size above zero")
    if plan.enforce and plan.limit_bytes is None:
        raise BadInput("--enforce: there is no limit to enforce", hint="add --limit, such as --limit 8GiB")
    if update and baseline is None:
        raise BadInput("--update: there is no file to write", hint="add --baseline FILE")
    if (plan.retries or plan.retry_any) and not (plan.modes and plan.retries):
        raise BadInput("a retry runs in the next smaller mode; expected --retries N and at least one --mode")
    if shutil.which(plan.command[0]) is None:
        raise BadInput(f'command: "{plan.command[0]}" was not found, or cannot be run; expected a program')


def _with_stored_baseline(plan: WatchPlan, path: Path | None, *, update: bool) -> WatchPlan:
    if path is None:
        return plan
    if update:
        check_updatable(path, plan)
        return plan
    stored = read_baseline(path)
    reason = incomparable_reason(stored, plan.command, plan.machine)
    return plan.model_copy(update={"baseline": stored, "incomparable": reason})


def _print(sentence: str) -> None:
    sys.stderr.write(printable_lines(f"leakdrill watch: {sentence}") + "\n")
    sys.stderr.flush()
