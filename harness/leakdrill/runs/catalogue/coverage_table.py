"""The coverage of the catalogue, for a person: every instruction, every alert, every step, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.runs.catalogue.alert_coverage import AlertCoverage, StepCoverage
    from leakdrill.runs.catalogue.coverage import Coverage, Instruction

_MOST_NAMES: Final = 3


def print_coverage(documents: Sequence[Coverage], console: Console) -> None:
    """A table for each document: its instructions, and the drills of each or the reason why there is none."""
    for document in documents:
        counts = document.counts()
        also = f", {counts['open']} with neither" if counts["open"] else ""
        in_runbooks = f" ({counts['in_runbooks']} through a runbook)" if counts["in_runbooks"] else ""
        console.print(
            Text(
                f"{document.document}: {printable(document.title)}: {len(document.instructions)} instructions, "
                f"{counts['drilled']} drilled{in_runbooks}, {counts['reason']} with a reason{also}",
                style="bold",
            )
        )
        table = _table("section", "what it says", "drilled in")
        for one in document.instructions:
            table.add_row(Text(printable(one.section)), Text(printable(one.says)), _drills(one))
        console.print(table)


def print_drilled(alerts: Sequence[AlertCoverage], steps: Sequence[StepCoverage], console: Console) -> None:
    """Two tables: where each alert fires and stays silent, and where each step cures, must not cure, or looks."""
    table = _table("rules", "alert", "fires in", "stays silent in")
    for alert in alerts:
        level = f" ({alert.severity})" if alert.severity else ""
        table.add_row(alert.rules, f"{alert.alert}{level}", _names(alert.fires_in), _names(alert.silent_in))
    console.print(table)
    table = _table("service", "step", "cures in", "must not cure in", "is a diagnosis in")
    for step in steps:
        table.add_row(
            step.service,
            step.action,
            _names(step.cures_in, missing=bool(step.looks_in)),
            _names(step.cures_nothing_in, missing=bool(step.looks_in)),
            _names(step.looks_in, missing=True),
        )
    console.print(table)


def _drills(one: Instruction) -> Text:
    if one.carried_out:
        return _names([*one.runbooks, *one.drills])
    if one.not_drilled:
        return Text(f"not drilled: {printable(one.not_drilled)}", style="dim")
    return Text("neither a drill nor a reason", style="bold red")


def _names(names: Sequence[str], *, missing: bool = False) -> Text:
    """The first few of `names`; `missing`: whether none is as it should be."""
    if not names:
        return Text("-" if missing else "none", style="dim" if missing else "yellow")
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return Text(", ".join(names[:_MOST_NAMES]) + more)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
