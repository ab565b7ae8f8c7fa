"""`leakdrill runbook bind`: writes a first file of bindings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leakdrill.cli.output import print_lines, unwritable
from leakdrill.errors import BadInput
from leakdrill.files import exists, write_named
from leakdrill.runbooks.first_bindings import first_bindings
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.runs.catalogue.runbook import find_runbook
from leakdrill.runs.rehearsal.prepared import named_alert
from leakdrill.scenario.reader import read_scenario

_STDOUT = Path("-")


def runbook_bind(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The runbook: a file, or a name such as runbooks/first.")],
    scenario: Annotated[
        str | None, typer.Option(help="The drill that it is for: its target and its alerts are known then.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; default: NAME.bind.yaml beside the runbook; - prints."),
    ] = None,
) -> int:
    """Write a first file of bindings: what the words of a runbook mean in a drill, as far as they tell."""
    runbook = read_runbook(find_runbook(file))
    drill = None if scenario is None else read_scenario(find_scenario(scenario))
    alert = None if drill is None else named_alert(runbook, drill)
    text = first_bindings(
        runbook, alert=None if alert is None else str(alert), target=None if drill is None else drill.target.name
    )
    if output == _STDOUT:
        print_lines(text.rstrip("\n"))
        return 0
    path = output or runbook.path.with_suffix(".bind.yaml")
    if exists(path):
        raise BadInput(f"{path}: is there already; it is not written over", hint="--output names another, - prints it")
    try:
        write_named(path, text)
    except OSError as e:
        raise unwritable(e, f"{path}:") from e
    print_lines(f"{path} is written; see what comes of it: leakdrill runbook plan {file} --bind {path}")
    return 0
