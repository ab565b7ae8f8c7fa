"""A table of leaks against steps as one HTML file: each cell a word, its outcome, and a link to its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill import __version__
from leakdrill.reports.html import content_policy
from leakdrill.reports.index.write import page_style, page_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.record.verdict import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One cell.

    Attributes:
        word: what was seen, such as `cured`.
        outcome: whether it is as it should be.
        note: a few words more; may be empty.
        link: the address of its run's page; empty where there is none.
    """

    word: str
    outcome: Outcome
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The table.

    Attributes:
        title: what it is of.
        summary: what the cells come to, in a sentence.
        outcome: the worst of them.
        corner: what the rows are, and what the columns are.
        cells: by row and column; one that is not there was not tried.
    """

    title: str
    summary: str
    outcome: Outcome
    corner: tuple[str, str]
    cells: Mapping[tuple[str, str], GridCell]

    @property
    def rows(self) -> Sequence[str]:
        """The rows, in the order of their first cells."""
        return list(dict.fromkeys(row for row, _ in self.cells))

    @property
    def columns(self) -> Sequence[str]:
        """The columns, in the order of their first cells."""
        return list(dict.fromkeys(column for _, column in self.cells))


def grid_html(grid: Grid) -> str:
    """The table as one HTML file, which asks nothing of a network and runs no script."""
    style = page_style()
    return page_template("grid.html.jinja").render(
        grid=grid, style=style, policy=content_policy(style), version=__version__
    )
