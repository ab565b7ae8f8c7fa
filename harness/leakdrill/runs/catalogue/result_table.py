"""The table of many drills: one line for each, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.runs.catalogue.drill_result import overall
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.runs.catalogue.drill_result import DrillResult

STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}


def print_results(results: list[DrillResult], console: Console, *, took_s: float, missing: int = 0) -> None:
    """Print a line for each drill, by name, then how many passed, in what time.

    Args:
        results: of the drills that ended.
        console: where to.
        took_s: wall time of all together.
        missing: drills that were not begun.
    """
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("at most", justify="right", no_wrap=True)
    for result in sorted(results, key=lambda r: r.name):
        table.add_row(
            Text(result.name),
            Text(result.outcome, style=STYLE[result.outcome]),
            Text(printable(result.sentence)),
            f"{result.seconds:.0f} s",
            f"{result.budget_s:.0f} s",
        )
    console.print(table)
    console.print(Text(summary(results, took_s=took_s, missing=missing), style=STYLE[overall(results)]))


def summary(results: list[DrillResult], *, took_s: float, missing: int = 0) -> str:
    """Returns the sum of the drills: `FAIL: 38 of 40 drills pass, 1 failed, 1 could not be shown; 14m 20s (exit 1)`."""
    count = {outcome: sum(r.outcome is outcome for r in results) for outcome in Outcome}
    parts = [f"{count[Outcome.PASS]} of {len(results) + missing} drills pass"]
    parts += [f"{count[Outcome.FAIL]} failed"] if count[Outcome.FAIL] else []
    parts += [f"{count[Outcome.UNKNOWN]} could not be shown"] if count[Outcome.UNKNOWN] else []
    parts += [f"{missing} were not begun"] if missing else []
    outcome = overall(results)
    alone_s = sum(result.seconds for result in results)
    return (
        f"{outcome}: {', '.join(parts)}; {show_duration(took_s)}, one after the other {show_duration(alone_s)} "
        f"(exit {outcome.exit_code})"
    )
