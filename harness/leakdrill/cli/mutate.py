"""`leakdrill mutate`: whether drills would notice small wrong changes to the rules."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.named_alerts import read_alerts
from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json
from leakdrill.cli.stored_drill import is_drill, read_stored_drill
from leakdrill.envelope.promtool import promtool_version
from leakdrill.errors import BadInput
from leakdrill.files import is_folder
from leakdrill.mutation.accepted import read_accepted, with_accepted
from leakdrill.mutation.drill_record import StoredDrill
from leakdrill.mutation.score import scores
from leakdrill.mutation.told import outcome, print_scores, scores_as_json
from leakdrill.record.store import RunFolder, open_run
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.index.run_row import run_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def mutate(
    rules: Annotated[Path, typer.Argument(help="A rules file, a folder or a pattern.")],
    drills: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders of drills.")] = None,
    runs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The newest run of each scenario below this folder, too.")
    ] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only runs of this scenario; may be given again.")
    ] = None,
    accept: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Mutants that may survive, each with the reason.")
    ] = None,
    must_hold: Annotated[
        bool, typer.Option("--must-hold", help="Exit 1 where a mutant survives, 2 where no drill expects a rule.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make small wrong changes to each rule, and say which of them stored drills would not have noticed."""
    promtool_version()
    read = read_alerts(rules)
    accepted = [] if accept is None else read_accepted(accept)
    found, unused = with_accepted(scores(read, _drills(drills or [], runs, scenarios or [])), accepted)
    if as_json:
        print_json(json.dumps(scores_as_json(found, unused), indent=2) + "\n")
    else:
        print_scores(found, unused, SafeConsole())
    raise typer.Exit(outcome(found).exit_code if must_hold else 0)


def _drills(named: Sequence[Path], root: Path | None, scenarios: Sequence[str]) -> list[StoredDrill]:
    folders = [open_run(path) for path in named]
    if root is not None:
        if not is_folder(root):
            raise BadInput(f"{root}: is no folder; expected one with run folders, such as runs")
        folders += [folder for folder in _newest(root) if is_drill(folder)]
    found = []
    for folder in folders:
        scenario, history = read_stored_drill(folder)
        if not scenarios or scenario.name in scenarios:
            found.append(StoredDrill(f"{scenario.name} {folder.path.name}", history, scenario))
    if not found:
        which = f" of {', '.join(scenarios)}" if scenarios else ""
        raise BadInput(f"no stored drill{which} is named; expected run folders, or --runs FOLDER")
    return found


def _newest(root: Path) -> Iterator[RunFolder]:
    """The runs below `root` that began last, one of each scenario."""
    yield from {path.parent: RunFolder(path) for path in sorted(run_folders(root.resolve()))}.values()
