"""The stored runs on a terminal: a scenario each, its newest verdict, and the numbers over its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.index.trend import trends
from leakdrill.reports.terminal import print_entry
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.reports.index.run_row import RunRow

_STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}


def print_index(rows: Sequence[RunRow], console: Console) -> None:
    """Print each scenario with its newest run, the outcomes of all its runs, and its numbers; the worst first."""
    for trend in trends(rows):
        newest = trend.runs[0]
        word = "RUNNING" if newest.runs_still else str(newest.outcome)
        when = newest.started.strftime("%Y-%m-%d %H:%M:%S UTC") if newest.started else newest.place
        lines = [f"{when}; {_outcomes(trend.runs)}: {newest.place}"]
        lines += [printable(newest.text)] if newest.outcome is not Outcome.PASS else []
        if newest.runs_still and trend.finished:
            lines.append(printable(f"last finished: {trend.finished.outcome}: {trend.finished.text}"))
        lines += [f"{printable(curve.what)}: {curve.latest}" for curve in trend.curves]
        print_entry(word, _STYLE[trend.outcome], [printable(trend.scenario)], lines, console)
    if not rows:
        print_entry("", "", [], ["there is no run here yet"], console)


def _outcomes(runs: Sequence[RunRow]) -> str:
    ended = [run for run in runs if not run.runs_still]
    counts = {str(outcome): sum(run.outcome is outcome for run in ended) for outcome in Outcome}
    counts["RUNNING"] = len(runs) - len(ended)
    listed = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return f"{show_count(len(runs), 'run')} ({listed})"
