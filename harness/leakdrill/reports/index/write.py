"""Makes one HTML file of an index: its style is in it, it has no script, and its policy forbids everything else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from leakdrill import __version__
from leakdrill.reports.html import content_policy, html_environment
from leakdrill.reports.index.sparkline import sparkline
from leakdrill.reports.index.trend import trends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Template

    from leakdrill.reports.index.run_row import RunRow
    from leakdrill.reports.index.trend import Curve

_FOLDER: Final = Path(__file__).parent
_STYLES: Final = (_FOLDER.parent / "page" / "static" / "page.css", _FOLDER / "static" / "index.css")
SHOWN_RUNS: Final = 20
"""Of each scenario so many runs are open to read; the others are folded."""


def index_html(rows: Sequence[RunRow], *, title: str, link: Callable[[RunRow], str]) -> str:
    """The index as one HTML file, which asks nothing of a network and runs no script.

    Args:
        rows: the runs, in any order.
        title: what they are of, such as the folder's name.
        link: the address of a run's page; empty where it has none.
    """
    style = page_style()
    return page_template("index.html.jinja").render(
        trends=trends(rows),
        title=title,
        count=len(rows),
        link=link,
        style=style,
        policy=content_policy(style),
        version=__version__,
        shown=SHOWN_RUNS,
    )


def index_json(rows: Sequence[RunRow]) -> str:
    """The same facts for machines."""
    return json.dumps({"scenarios": [one.as_dict() for one in trends(rows)]}, indent=2, ensure_ascii=False) + "\n"


@cache
def page_style() -> str:
    """The style of an index, and of a table of cells."""
    return "\n".join(path.read_text(encoding="utf-8").strip() for path in _STYLES)


@cache
def page_template(name: str) -> Template:
    """A template beside this file, in which every text of a run is escaped."""
    environment = html_environment(_FOLDER / "templates")
    environment.globals["spark"] = _spark
    return environment.get_template(name)


def _spark(curve: Curve) -> Markup:
    return Markup(sparkline(curve))  # noqa: S704 - its texts are escaped there
