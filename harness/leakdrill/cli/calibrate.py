"""`leakdrill calibrate`: play a drill once, and write the numbers that it measured into its file."""

from __future__ import annotations

import difflib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.option_value import option_value
from leakdrill.cli.options import On, Runs  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_lines
from leakdrill.errors import BadInput
from leakdrill.files import exists, read_file, write_named
from leakdrill.judging.calibrated import Calibrated, to_measure
from leakdrill.record.history import read_history
from leakdrill.record.verdict import Outcome
from leakdrill.reports.console import SafeConsole
from leakdrill.runs.catalogue.catalogue import catalogue_root, find_scenario
from leakdrill.runs.drill.run import play
from leakdrill.runs.placement import placed
from leakdrill.scenario.edited import edited
from leakdrill.scenario.reader import read_scenario, scenario_document
from leakdrill.units import parse_duration

if TYPE_CHECKING:
    from leakdrill.runs.session import FinishedRun
    from leakdrill.scenario.scenario import Scenario


def calibrate(
    scenario: Annotated[str, typer.Argument(help="A scenario file of your own, with a leak.")],
    runs: Runs = Path("runs"),
    on: On = None,
    allow: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the drill may change: a Kubernetes context, or a service that runs."),
    ] = None,
    longest: Annotated[str, typer.Option(help="How long the leak may take to raise the alerts.")] = "10m",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes, and write nothing.")] = False,
) -> int:
    """Play a drill once, and write the numbers that it measured into its file."""
    path = find_scenario(scenario)
    plan = _own(path, dry_run=dry_run)
    before = read_file(path)
    longest_s = option_value("--longest", longest, parse_duration)
    console = SafeConsole()
    to_play = placed(to_measure(plan, longest_s=longest_s), on, allow)
    done = play(to_play, path, runs=runs, console=console, allow=allow)
    console.print(f"record: {done.folder.path}", markup=False, soft_wrap=True)
    if done.error is not None:
        raise done.error
    found = _measured(plan, done)
    if found.edits:
        _write(path, before, found, dry_run=dry_run)
    for sentence in found.unknown:
        print_lines(f"not as it should be: {sentence}")
    if found.unknown:
        print_lines("calibrate again once this is mended; numbers alone do not mend it")
        return Outcome.UNKNOWN.exit_code
    print_lines(f"run it: leakdrill run {path}")
    return 0


def _own(path: Path, *, dry_run: bool) -> Scenario:
    """The plan at `path`, whose file may be written to.

    Raises:
        BadInput: when it is not the user's, cannot be written, or has no leak.
    """
    if path.resolve().is_relative_to(catalogue_root().resolve()):
        raise BadInput(f"{path}: belongs to the catalogue, whose numbers stand", hint="copy it, and calibrate the copy")
    if not dry_run and not (os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)):
        raise BadInput(f"{path}: cannot be written", hint="--dry-run shows what would be written")
    plan, document = read_scenario(path), scenario_document(path)
    if plan.twin_of is not None:
        raise document.wrong((), f"{path.name} is a twin, which has its numbers from here", hint="calibrate this file")
    if not plan.leaks:
        raise document.wrong((), "there are no leaks, and so nothing to calibrate", hint="add `leaks`")
    return plan


def _measured(plan: Scenario, done: FinishedRun) -> Calibrated:
    found = Calibrated(plan, done.verdicts)
    found.measure(read_history(done.folder.history))
    return found


def _write(path: Path, before: bytes, found: Calibrated, *, dry_run: bool) -> None:
    text = before.decode("utf-8")
    after, day = text, f"{datetime.now(UTC):%Y-%m-%d}"
    for edit in found.edits:
        try:
            after = edited(after, path, [edit], day=day)
        except BadInput as e:  # the others are as good
            found.unknown.append(f"{e.message}; {edit.comment}")
    diff = difflib.unified_diff(text.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=0)
    print_lines("\n".join(diff))
    if dry_run:
        return
    if read_file(path) != before:
        raise BadInput(f"{path}: was changed while the drill ran, and was left alone", hint="the changes are above")
    write_named(copy := _free(path), before)
    write_named(path, after.encode("utf-8"))
    print_lines(f"written; {copy} is as it was before")


def _free(path: Path) -> Path:
    """A name beside `path` that no file has: no copy of earlier is lost."""
    names = [f"{path.name}.bak", *(f"{path.name}.bak{number}" for number in range(2, 1000))]
    return next(path.with_name(name) for name in names if not exists(path.with_name(name)))
