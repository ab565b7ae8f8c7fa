"""`leakdrill doctor`: what this machine can do for a drill."""

from __future__ import annotations

import json

from rich.table import Table

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotation when it runs
from leakdrill.cli.output import print_json
from leakdrill.doctor.doctor import examine
from leakdrill.reports.console import SafeConsole


def doctor(as_json: AsJson = False) -> int:
    """Say what this machine can and cannot do, and what to install."""
    findings = examine()
    if as_json:
        print_json(json.dumps([finding.as_dict() for finding in findings]) + "\n")
    else:
        table = Table(box=None)
        for column in ("", "what", "found", "hint"):
            table.add_column(column, overflow="fold")
        for finding in findings:
            table.add_row(finding.mark, finding.name, finding.detail, finding.hint)
        SafeConsole().print(table)
    return 0 if all(finding.ok for finding in findings if finding.required) else 4
