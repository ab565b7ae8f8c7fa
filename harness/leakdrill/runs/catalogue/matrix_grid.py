"""The matrix as a page: leaks down, steps across, each cell with a link to its run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from leakdrill.files import real_path
from leakdrill.reports.index.grid import Grid, GridCell, grid_html
from leakdrill.reports.page.run_page import PAGE
from leakdrill.runs.catalogue.matrix_result import overall
from leakdrill.runs.catalogue.matrix_table import WORDS, afterwards, summary
from leakdrill.units import show_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runs.catalogue.matrix_result import CellResult


def matrix_html(results: Sequence[CellResult], *, took_s: float, beside: Path) -> str:
    """The results as one HTML file at `beside`, from which its links lead to the pages of the runs."""
    cells = {(f"{one.cell.service}/{one.cell.leak}", one.cell.step): _cell(one, beside) for one in results}
    text = summary(results, took_s=took_s)
    return grid_html(
        Grid(title="leaks and steps", summary=text, outcome=overall(results), corner=("leak", "step"), cells=cells)
    )


def _cell(result: CellResult, beside: Path) -> GridCell:
    finding = result.finding
    gone = "" if finding.gone is None else f"{show_share(round(min(1.0, max(0.0, finding.gone)), 2))} gone"
    declared = "" if finding.effect == result.cell.declared else f"declared: {WORDS[result.cell.declared]}"
    return GridCell(
        word=WORDS[finding.effect],
        outcome=result.outcome,
        note=", ".join(filter(None, (gone, afterwards(finding), declared))),
        link=_link(result.record, beside),
    )


def _link(record: str | None, beside: Path) -> str:
    page = Path(record) / PAGE if record else None
    if page is None or not page.is_file():
        return ""
    return quote(os.fsencode(os.path.relpath(real_path(page), real_path(beside).parent)))
