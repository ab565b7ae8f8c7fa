"""The matrix for a person: leak by leak, what each step did, how long it took, what it cost, what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.runs.catalogue.matrix_result import overall
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.judging.matrix_cell import Finding
    from leakdrill.runs.catalogue.matrix_result import CellResult

WORDS: Final = {"cured": "cured", "partly": "partly", "not": "not at all", "worse": "made it worse", None: "unknown"}
"""The effect of a step, for a person."""
_STYLE: Final = {"cured": "green", "partly": "yellow", "not": "default", "worse": "red", None: "yellow"}
_OUTCOME: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}
_AFTERWARDS: Final = {
    ("cured", True): "comes back",
    ("cured", False): "stays away",
    ("partly", True): "comes back",
    ("partly", False): "stays away",
    ("not", True): "goes on",
    ("not", False): "stops growing",
}


def print_matrix(results: Sequence[CellResult], console: Console, *, took_s: float) -> None:
    """Print a line for each cell, grouped by leak; then every surprise in a sentence, and the sum."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for column in ("leak", "step", "effect", "gone", "took", "failed", "afterwards", "verdict"):
        figures = column in ("gone", "took", "failed")
        table.add_column(column, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
    last = ""
    for result in results:
        name = f"{result.cell.service}/{result.cell.leak}"
        table.add_row(name if name != last else "", *_row(result))
        last = name
    console.print(table)
    for result in results:
        if result.outcome is not Outcome.PASS:
            console.print(Text(sentence(result), style=_OUTCOME[result.outcome]))
    console.print(Text(summary(results, took_s=took_s), style=_OUTCOME[overall(results)]))


def sentence(result: CellResult) -> str:
    """A cell that is not as declared: `FAIL gateway/log-flood, restart: cured, declared: not at all: …`."""
    cell, finding = result.cell, result.finding
    head = f"{result.outcome} {cell.service}/{cell.leak}, {cell.step}"
    return f"{head}: {WORDS[finding.effect]}, declared: {WORDS[cell.declared]}: {printable(finding.reason)}"


def summary(results: Sequence[CellResult], *, took_s: float) -> str:
    """Returns the sum of the cells: `FAIL: 9 of 10 cells are as declared, 1 surprises; 58 s (exit 1)`."""
    count = {outcome: sum(r.outcome is outcome for r in results) for outcome in Outcome}
    parts = [f"{count[Outcome.PASS]} of {len(results)} cells are as declared"]
    parts += [f"{count[Outcome.FAIL]} surprise"] if count[Outcome.FAIL] else []
    parts += [f"{count[Outcome.UNKNOWN]} could not be measured"] if count[Outcome.UNKNOWN] else []
    outcome = overall(results)
    return f"{outcome}: {', '.join(parts)}; {show_duration(took_s)} (exit {outcome.exit_code})"


def _row(result: CellResult) -> tuple[str | Text, ...]:
    finding = result.finding
    return (
        result.cell.step,
        Text(WORDS[finding.effect], style=_STYLE[finding.effect]),
        "" if finding.gone is None else f"{min(1.0, max(0.0, finding.gone)):.0%}",
        "" if finding.took_s is None else f"{finding.took_s:.1f} s",
        "" if finding.failed is None else str(finding.failed),
        afterwards(finding),
        Text(result.outcome, style=_OUTCOME[result.outcome]),
    )


def afterwards(finding: Finding) -> str:
    """What the leak did after the step, in two words; empty where that is not known."""
    return "" if finding.goes_on is None else _AFTERWARDS.get((finding.effect or "", finding.goes_on), "")
