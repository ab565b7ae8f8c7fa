"""`leakdrill scenarios`: the catalogue, and what it covers."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Column, Table

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotation when it runs
from leakdrill.cli.output import print_json
from leakdrill.reports.console import SafeConsole
from leakdrill.runs.catalogue.catalogue import catalogue


def scenarios(
    covers: Annotated[
        bool, typer.Option("--covers", help="Show what the documents ask for and which drills cover it.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """List the catalogue, or what it covers: instructions, alerts and steps."""
    if covers:
        from leakdrill.cli.covers import show_coverage  # noqa: PLC0415 - reads whole scenarios; the list reads names

        return show_coverage(SafeConsole(), as_json=as_json)
    entries = catalogue()
    if as_json:
        content = [{"name": e.name, "summary": e.summary, "rehearses": e.rehearses} for e in entries]
        print_json(json.dumps(content) + "\n")
        return 0
    table = Table(Column("scenario", no_wrap=True), "what it rehearses", "from", box=None)
    for entry in entries:
        table.add_row(entry.name, entry.summary, entry.rehearses)
    SafeConsole().print(table)
    return 0
