"""Makes one HTML file of a page: style, scripts and data are in it, and its policy forbids everything else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from leakdrill import __version__
from leakdrill.reports.html import content_policy, html_environment
from leakdrill.reports.page.chart import show
from leakdrill.reports.page.chart_table import chart_table, spoken
from leakdrill.reports.page.claim_rows import anchor
from leakdrill.reports.page.happened import happenings
from leakdrill.reports.page.payload import packed
from leakdrill.reports.page.thinning import MOST_POINTS
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from jinja2 import Template

    from leakdrill.reports.page.content import Page
    from leakdrill.reports.page.timeline import Timeline

_FOLDER: Final = Path(__file__).parent
_STYLES: Final = ("uplot/uPlot.min.css", "page.css")
_LICENCES: Final = ("uplot/LICENSE", "fflate/LICENSE")
_SCRIPTS: Final = (
    "uplot/uPlot.iife.min.js",
    "fflate/fflate.umd.js",
    "data.js",
    "draw.js",
    "timeline.js",
    "page.js",
)


def page_html(page: Page) -> str:
    """The page as one HTML file, which asks nothing of a network and runs no script but its own.

    Every text of the run is escaped, and what turns text around or cannot be seen is shown as an escape.
    """
    style, script = _joined(_STYLES), f"/*\n{_joined(_LICENCES)}\n*/\n{_joined(_SCRIPTS)}"
    return _template().render(
        page=page,
        style=style,
        script=script,
        policy=content_policy(style, script),
        data=Markup(packed(page.timeline)),  # noqa: S704 - base64
        happened=happenings(page.timeline),
        tables=[chart_table(chart, page.timeline.axis, page.timeline.end) for chart in page.timeline.charts],
        spoken=[spoken(chart, page.timeline.axis) for chart in page.timeline.charts],
        thinned=_thinned(page.timeline),
        version=__version__,
    )


def _thinned(timeline: Timeline) -> str:
    """A sentence where curves were thinned; empty where each reading is in the page."""
    longest = max((len(curve) for chart in timeline.charts for curve in chart.curves), default=0)
    if longest <= MOST_POINTS:
        return ""
    return (
        f"This run is long: of {longest} readings a curve has at most {MOST_POINTS} here, of each stretch the lowest "
        "and the highest, so that no peak is missing. The record has them all."
    )


@cache
def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_FOLDER / "static" / name).read_text(encoding="utf-8").strip() for name in names)


@cache
def _template() -> Template:
    environment = html_environment(_FOLDER / "templates")
    environment.filters["duration"] = show_duration
    environment.globals.update(show=show, anchor=anchor)
    return environment.get_template("page.html.jinja")
