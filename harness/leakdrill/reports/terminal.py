"""The verdicts on a terminal, for a person: one table, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.record.verdict import Verdict

_STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}
_CLAIM: Final = 33
"""Columns of the longest name of a check."""
_NARROW: Final = 80
"""Below this many columns a table is unreadable; verdicts are then printed one under the other."""
_WIDE: Final = 1000
"""Above it there is no terminal: each sentence is one line of its own, below its claim."""


def print_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print every verdict in full, however narrow the terminal, and the outcome with its exit code as the last line."""
    if not _NARROW <= console.width <= _WIDE:
        _print_list(verdicts, console)
    else:
        console.print(_table(verdicts))
    console.print(Text(summary(verdicts), style=_STYLE[worst(verdicts)]))


def summary(verdicts: Sequence[Verdict]) -> str:
    """The sum of the verdicts in one line with the exit code: `FAIL: 2 of 14 claims do not hold (exit 1)`."""
    outcome, total = worst(verdicts), len(verdicts)
    failed = sum(v.outcome is Outcome.FAIL for v in verdicts)
    unknown = sum(v.outcome is Outcome.UNKNOWN for v in verdicts)
    if not total:
        text = "nothing was checked, and silence proves nothing"
    elif outcome is Outcome.PASS:
        text = f"all {total} claims hold"
    elif outcome is Outcome.UNKNOWN:
        text = f"{unknown} of {total} claims could not be shown; none was refuted"
    else:
        also = f", and {unknown} could not be shown" if unknown else ""
        text = f"{failed} of {total} claims do not hold{also}"
    return f"{outcome}: {text} (exit {outcome.exit_code})"


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("outcome", no_wrap=True)
    table.add_column("claim and subject", overflow="fold", min_width=_CLAIM)
    table.add_column("what was seen", overflow="fold")
    for verdict in verdicts:
        table.add_row(
            Text(verdict.outcome, style=_STYLE[verdict.outcome]), Text(_claim(verdict)), Text(_sentence(verdict))
        )
    return table


def _print_list(verdicts: Sequence[Verdict], console: Console) -> None:
    for verdict in verdicts:
        head = Text(verdict.outcome, style=_STYLE[verdict.outcome]).append(f" {_claim(verdict, ' ')}", style="default")
        console.print(head, overflow="fold")
        console.print(Text(_sentence(verdict)), overflow="fold")


def _claim(verdict: Verdict, between: str = "\n") -> str:
    """The name of the check, which is its claim, and what it is about: in a column on a line of its own."""
    check = printable(verdict.check)
    return f"{check}{between}{printable(verdict.subject)}" if verdict.subject else check


def _sentence(verdict: Verdict) -> str:
    hint = f"\nHint: {printable(verdict.hint)}" if verdict.hint else ""
    return printable(verdict.message) + hint
