"""`leakdrill doctor`: what this machine can do for a drill."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotation when it runs
from leakdrill.doctor.doctor import examine


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
