"""A rehearsal on a terminal: its commands in the order of the runbook, and the options side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.screenful import shortened
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.judging.rehearsal_facts import RunbookFacts, StepFacts

_STYLE: Final = {"PASS": "green", "UNKNOWN": "yellow", "FAIL": "bold red", "": "dim"}
_COMMAND_CHARS: Final = 70


def print_steps(steps: Sequence[StepFacts], console: Console) -> None:
    """Print one row for each command: what it is, what was seen, within which time, at what cost."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name, right in (("line", True), ("kind", False), ("outcome", False), ("command", False), ("took", True)):
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "command")
    table.add_column("metric followed", justify="right")
    table.add_column("failed requests", justify="right")
    table.add_column("what was seen", overflow="fold")
    for step in steps:
        table.add_row(
            str(step.line),
            step.kind,
            Text(step.outcome or "not run", style=_STYLE[step.outcome]),
            Text(printable(shortened(" ".join(step.text.split()), _COMMAND_CHARS)), overflow="fold"),
            _seconds(step.took_s),
            _seconds(step.followed_after_s),
            "" if step.failed_requests is None else str(step.failed_requests),
            Text(printable(step.note)),
        )
    console.print(table)


def print_options(options: Sequence[RunbookFacts], console: Console) -> None:
    """Print one row for each option: whether it relieved, in how many seconds, at what cost, and whether it lasts."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("option", overflow="fold")
    table.add_column("relieved", no_wrap=True)
    for name in ("seconds", "failed requests"):
        table.add_column(name, justify="right")
    table.add_column("comes back", no_wrap=True)
    for one in options:
        table.add_row(
            Text(printable(one.option or "the runbook")),
            Text(_RELIEVED[one.outcome], style=_STYLE[one.outcome]),
            "" if one.relieved_after_s is None else f"{one.relieved_after_s:.1f}",
            "" if one.failed_requests is None else str(one.failed_requests),
            "" if one.outcome == "FAIL" else {True: "yes", False: "no", None: "not known"}[one.comes_back],
        )
    console.print(table)


_RELIEVED: Final = {"PASS": "yes", "FAIL": "no", "UNKNOWN": "not known"}


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else show_duration(seconds)
