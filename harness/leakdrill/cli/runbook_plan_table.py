"""The plan of a rehearsal as a table: which command runs where and as what, what it should achieve, what is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.screenful import shortened
from leakdrill.units import show_duration, show_share

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.runbooks.plan import Plan
    from leakdrill.runbooks.taken_back import PlannedStep

_CHARS: Final = 70


def print_plan(option: str, plan: Plan, console: Console) -> None:
    """Print the steps of one way through a runbook in order, then what is not carried out, each with its reason."""
    if option:
        console.print(Text(option, style="bold"))
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for name in ("command", "where", "as", "should", "taken back"):
        table.add_column(name, overflow="fold")
    for planned in plan.steps:
        rehearsed = planned.rehearsed
        cells = (_short(rehearsed.text), rehearsed.where, _as(planned), _should(planned), _back(planned))
        table.add_row(str(rehearsed.line), rehearsed.kind, *(Text(printable(cell)) for cell in cells))
    console.print(table)
    for one in plan.left_out:
        console.print(f"line {one.line}: not carried out: {_short(one.text)}: {one.why}", markup=False, soft_wrap=True)


def _as(planned: PlannedStep) -> str:
    action = planned.step.action_name
    if planned.step.command is not None:
        return _short(planned.step.command.shell)
    given = planned.step.model_dump(mode="json", exclude_defaults=True)[action]
    return _short(f"{action}: {json.dumps(given)}")


def _should(planned: PlannedStep) -> str:
    sought, seen = planned.rehearsed.sought, planned.step.seen
    if not planned.rehearsed.changes:
        return "answer" if sought is None else f"show what is {sought.text} (line {sought.line})"
    if seen is None or seen.effect == "falls_by":
        least, within = (seen.least_fall, seen.within) if seen else (0.5, 5.0)
        return f"take {show_share(least)} of the growth away within {show_duration(within)}"
    return "have no effect that is judged" if seen.effect == "nothing" else seen.effect.replace("_", " ")


def _back(planned: PlannedStep) -> str:
    rehearsed = planned.rehearsed
    if rehearsed.takes_back is not None:
        return f"takes back {rehearsed.takes_back}"
    if rehearsed.stays:
        return f"stays: {rehearsed.stays}"
    return f"not taken back: {rehearsed.undo}" if rehearsed.undo else ""


def _short(text: str) -> str:
    return shortened(" ".join(text.split()), _CHARS)
