"""Heat maps as one HTML file: what each alert sees, shapes of leaks down, speeds across, in each cell a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leakdrill import __version__
from leakdrill.reports.html import content_policy
from leakdrill.reports.index.write import page_style, page_template

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell.

    Attributes:
        text: a few characters, such as `4m`; a sign where no time is to spare.
        kind: which colour it has.
        words: the same for who hears it, such as `4 min to spare`.
    """

    text: str
    kind: Literal["blind", "late", "early", "little", "enough"]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """What one alert sees.

    Attributes:
        name: of the alert, with what tells it from others.
        sentence: what it sees.
        columns: the speeds.
        rows: each shape with its cells, None where that was not tried.
        quiet: whether it is silent without a leak.
        notes: sentences below it.
    """

    name: str
    sentence: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[HeatCell | None]]]
    quiet: bool
    notes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPage:
    """The page.

    Attributes:
        title: what the alerts are of.
        summary: what they come to, in a sentence.
        assumed: what was assumed, in a sentence.
        maps: one for each alert that could be played.
        without: a sentence for each that could not.
    """

    title: str
    summary: str
    assumed: str
    maps: Sequence[HeatMap]
    without: Sequence[str]


def heat_page_html(page: HeatPage) -> str:
    """The maps as one HTML file, which asks nothing of a network and runs no script."""
    style = page_style()
    return page_template("heat_maps.html.jinja").render(
        page=page, style=style, policy=content_policy(style), version=__version__
    )
