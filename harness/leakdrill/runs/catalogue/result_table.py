"""The results of many drills: what failed first, each with its sentence; a line for each that passed; the sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.terminal import print_entry
from leakdrill.runs.catalogue.drill_result import overall
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.runs.catalogue.drill_result import DrillResult

STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}


def print_results(results: list[DrillResult], console: Console, *, took_s: float, missing: int = 0) -> None:
    """Print what failed, then what is unknown, each with its sentence, then a line for each pass, and the sum.

    Args:
        results: of the drills that ended.
        console: where to.
        took_s: wall time of all together.
        missing: drills that were not begun.
    """
    for result in sorted(results, key=lambda one: (-one.outcome.severity, one.name)):
        head = f"{printable(result.name)} ({result.seconds:.0f} s; at most {result.budget_s:.0f} s)"
        lines = [] if result.outcome is Outcome.PASS else [printable(result.sentence)]
        lines += [printable(f"record: {result.folder}")] if lines and result.folder else []
        print_entry(result.outcome, STYLE[result.outcome], [head], lines, console)
    total = summary(results, took_s=took_s, missing=missing)
    print_entry("", STYLE[overall(results)], [], [total], console, indent=0)


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
