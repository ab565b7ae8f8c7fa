"""The matrix as a page: each cell says what was seen, whether that is as declared, and leads to its run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leakdrill.judging.matrix_cell import Finding
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.catalogue.matrix_grid import matrix_html
from leakdrill.runs.catalogue.matrix_plan import read_matrix
from leakdrill.runs.catalogue.matrix_result import CellResult

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.judging.matrix_cell import Effect

CELLS = read_matrix(catalogue_root() / "gateway" / "matrix.yaml")


def result(at: int, effect: Effect | None, record: str | None = None) -> CellResult:
    return CellResult(CELLS[at], Finding(effect=effect, reason="seen", gone=0.5, goes_on=False), record)


def test_a_cell_has_its_word_its_outcome_and_a_link_to_a_page_that_is_there(tmp_path: Path) -> None:
    record = tmp_path / "runs" / "a cell"
    record.mkdir(parents=True)
    (record / "report.html").write_text("x")
    declared = CELLS[0].declared
    other: Effect = "worse" if declared != "worse" else "not"
    results = [result(0, declared, str(record)), result(1, other, str(tmp_path / "gone")), result(2, None)]
    text = matrix_html(results, took_s=60, beside=tmp_path / "site" / "matrix.html")
    assert re.findall(r'href="([^"]*html)"', text) == ["../runs/a%20cell/report.html"]
    assert [text.count(f'<td class="{word}">') for word in ("pass", "fail", "unknown")] == [1, 1, 1]
    assert "declared:" in text
    assert "1 of 3 cells are as declared" in text
    assert "<script" not in text


def test_a_cell_that_was_not_tried_is_empty_and_says_so(tmp_path: Path) -> None:
    first = next(at for at, cell in enumerate(CELLS) if cell.leak != CELLS[0].leak and cell.step != CELLS[0].step)
    text = matrix_html([result(0, "not"), result(first, "not")], took_s=1, beside=tmp_path / "m.html")
    assert text.count("not tried</span>") == 2
