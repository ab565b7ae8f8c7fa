"""The timeline of a page as one SVG picture: its first chart, the phases, the marks and the alerts beneath it.

It is for places that show an image and nothing else. Its colours are those of the page's light theme; no fact is told
by a colour alone: alerts that fire are filled, pending ones outlined, and every level has its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.record.verdict import Outcome
from leakdrill.reports.page.chart import show
from leakdrill.reports.page.thinning import kept_points
from leakdrill.reports.picture.element import element, text, titled
from leakdrill.reports.picture.scale import Scale, ticks
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from leakdrill.reports.page.chart import Chart, Curve
    from leakdrill.reports.page.content import Page
    from leakdrill.reports.page.timeline import Lane, Timeline

WIDTH: Final = 900
_LEFT: Final = 74
_RIGHT: Final = 16
_TOP: Final = 62
_PLOT: Final = 190
_ROW: Final = 20
_MOST_LANES: Final = 4
_MOST_POINTS: Final = 1600
"""Twice as many as the picture has columns."""
_FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_INK, _MUTED, _GRID, _MARK = "#1b1f24", "#57606a", "#e6e9ed", "#6e7781"
_COLOURS: Final = ("#0550ae", "#953800", "#6639ba", "#116329")
_DASHES: Final = ("none", "7 4", "2 3", "9 3 2 3")
_LEVELS: Final = {"limit": ("#b3141d", "none"), "threshold": ("#7d4e00", "8 4"), "wanted": ("#7d4e00", "8 4")}
_WORDS: Final = {Outcome.PASS: ("#116329", "✓"), Outcome.UNKNOWN: ("#7d4e00", "?"), Outcome.FAIL: ("#b3141d", "✗")}
_HEAD_CHARS: Final = 90
_LINE_CHARS: Final = 130
_LABEL_CHARS: Final = 34
_LABEL_APART: Final = 110
"""Half the columns that the words of a mark take; marks that are nearer to each other share theirs."""
_EDGE: Final = 30
"""Half the columns that a tick's words take."""


def timeline_svg(page: Page) -> str | None:
    """The picture of `page`, as SVG text; None where it has no chart."""
    timeline = page.timeline
    if not timeline.charts:
        return None
    chart, lanes = timeline.charts[0], timeline.lanes[:_MOST_LANES]
    x = Scale(0.0, timeline.end, _LEFT, WIDTH - _RIGHT)
    below = _TOP + _PLOT + 24
    height = below + _ROW * (2 + len(lanes)) + 14
    parts = [
        titled(f"{page.word}: {page.name}. {page.sentence}"),
        element("rect", width=WIDTH, height=height, fill="#ffffff"),
        *_head(page),
        *_plot(chart, timeline, x),
        *_happened(timeline, x, below),
        *(part for at, lane in enumerate(lanes) for part in _lane(lane, x, below + _ROW * (2 + at))),
    ]
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
        font_family=_FONT,
        font_size=12,
        fill=_INK,
    ) + "\n"  # fmt: skip


def _head(page: Page) -> Iterator[str]:
    colour, sign = _WORDS[page.outcome]
    heading = _cut(f"{sign} {page.word} · {page.name}", _HEAD_CHARS)
    yield text(heading, 16, 24, font_size=17, font_weight="bold", fill=colour)
    figures = " · ".join(f"{one.label}: {one.value}" for one in page.figures)
    yield text(_cut(figures or page.sentence, _LINE_CHARS), 16, 44, fill=_MUTED)


def _plot(chart: Chart, timeline: Timeline, x: Scale) -> Iterator[str]:
    y = Scale(*_bounds(chart), _TOP + _PLOT, _TOP + 8)
    for band in chart.bands:
        top, bottom = y(band.high), y(band.low)
        yield element(
            "rect", titled(band.name), x=x.start, y=top, width=x.end - x.start, height=max(1.0, bottom - top),
            fill="#1a7f37", fill_opacity=0.15,
        )  # fmt: skip
    for value in ticks(y.low, y.high, most=5, unit=chart.unit):
        yield element("line", x1=x.start, x2=x.end, y1=y(value), y2=y(value), stroke=_GRID)
        yield text(show(value, chart.unit), x.start - 6, y(value) + 4, text_anchor="end", fill=_MUTED)
    for value in ticks(0.0, timeline.end, most=7):
        anchor = "end" if x(value) > x.end - _EDGE else "middle"
        yield text(_tick(value, timeline), x(value), _TOP + _PLOT + 15, text_anchor=anchor, fill=_MUTED)
    yield text(chart.title, x.start, _TOP, font_weight="bold")
    for at, curve in enumerate(chart.curves[: len(_COLOURS)]):
        yield from _curve(curve, at, x, y)
    yield from _levels(chart, x, y)


def _levels(chart: Chart, x: Scale, y: Scale) -> Iterator[str]:
    """The levels with their names; a name that would lie on another one is left out."""
    taken: list[float] = []
    for level in chart.levels:
        colour, dash = _LEVELS[level.kind]
        at = y(level.value)
        yield element(
            "line", titled(level.name), x1=x.start, x2=x.end, y1=at, y2=at, stroke=colour, stroke_dasharray=dash
        )
        if all(abs(at - other) >= 13 for other in taken):  # noqa: PLR2004 - the height of a line of text
            taken.append(at)
            name = f"{level.name} {show(level.value, chart.unit)}"
            yield text(name, x.start + 6, at - 3, font_size=11, fill=colour)


def _bounds(chart: Chart) -> tuple[float, float]:
    """The bottom and the top of the chart: nothing is at the bottom, unless the chart need not begin there."""
    known = [curve.values[np.isfinite(curve.values)] for curve in chart.curves]
    values = [float(end) for one in known if len(one) for end in (one.min(), one.max())]
    values += [level.value for level in chart.levels]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if chart.from_zero:
        return 0.0, (high or 1.0) * 1.04
    room = (high - low or high or 1.0) * 0.2
    return max(0.0, low - room), high + room


def _curve(curve: Curve, at: int, x: Scale, y: Scale) -> Iterator[str]:
    """A curve as one line for each stretch without a gap; of many readings the lowest and highest stay."""
    for stretch in _stretches(curve):
        kept = stretch[kept_points(curve.values[stretch], max(6, _MOST_POINTS * len(stretch) // len(curve)))]
        points = " ".join(f"{x(float(curve.x[one])):.1f},{y(float(curve.values[one])):.1f}" for one in kept)
        yield element(
            "polyline", titled(curve.name), points=points, fill="none", stroke=_COLOURS[at], stroke_width=1.8,
            stroke_dasharray=_DASHES[at],
        )  # fmt: skip
    yield text(curve.name, x.end - 110 * at, _TOP, text_anchor="end", fill=_COLOURS[at])


def _stretches(curve: Curve) -> list[NDArray[np.intp]]:
    """The positions of the readings between two gaps."""
    known = np.flatnonzero(np.isfinite(curve.values))
    return [one for one in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(one)]


def _happened(timeline: Timeline, x: Scale, top: float) -> Iterator[str]:
    for phase in timeline.phases:
        start, width = x(phase.start), x(phase.end) - x(phase.start)
        yield element(
            "rect", titled(phase.name), x=start, y=top, width=width, height=_ROW - 4, fill="#f5f6f8", stroke=_GRID
        )
        if width > 7 * len(phase.name):
            yield text(phase.name, start + 4, top + 12, font_size=11, fill=_MUTED)
    for mark in timeline.marks:
        at = x(mark.start)
        colour = _WORDS[Outcome.FAIL][0] if mark.kind in {"kill", "trouble"} else _MARK
        line = {"stroke": colour, "stroke_dasharray": "2 3"}
        yield element("line", titled(mark.label), x1=at, x2=at, y1=_TOP + 8, y2=top + _ROW + 12, **line)
    for at, label in _labels(timeline, x):
        at_end = at > x.end - 2 * _LABEL_APART
        place = (at - 3, "end") if at_end else (at + 3, "start")
        yield text(label, place[0], top + _ROW + 12, font_size=11, text_anchor=place[1])


def _labels(timeline: Timeline, x: Scale) -> Iterator[tuple[float, str]]:
    """The words of the marks; of those that are near each other the first has words, and how many more there are."""
    groups: list[tuple[float, list[str]]] = []
    for mark in timeline.marks:
        at = x(mark.start)
        if groups and at - groups[-1][0] < 2 * _LABEL_APART:
            groups[-1][1].append(mark.label)
        else:
            groups.append((at, [mark.label]))
    for at, labels in groups:
        more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
        yield at, f"{_cut(labels[0], _LABEL_CHARS - len(more))}{more}"


def _lane(lane: Lane, x: Scale, top: float) -> Iterator[str]:
    yield element("rect", x=x.start, y=top, width=x.end - x.start, height=_ROW - 6, fill="#f5f6f8")
    for stretch in lane.stretches:
        start, width = x(stretch.start), max(1.5, x(stretch.end) - x(stretch.start))
        fill = {"firing": "#b3141d", "pending": "#fff8c5", "unknown": "#ffffff"}[stretch.state]
        words = f"{lane.name}: {stretch.state}, {show_duration(stretch.start)} to {show_duration(stretch.end)}"
        edge = "#b3141d" if stretch.state == "firing" else "#7d4e00"
        dash = "3 2" if stretch.state == "unknown" else "none"
        yield element(
            "rect",
            titled(words),
            x=start,
            y=top,
            width=width,
            height=_ROW - 6,
            fill=fill,
            stroke=edge,
            stroke_dasharray=dash,
        )
        if width > 60:  # noqa: PLR2004 - the longest of the three words
            colour = "#ffffff" if stretch.state == "firing" else _INK
            yield text(stretch.state, start + 4, top + 11, font_size=11, fill=colour)
    yield text(_cut(lane.name, 60), x.start + 4, top + 11, font_size=11)


def _tick(value: float, timeline: Timeline) -> str:
    if timeline.axis == "time":
        return show_duration(value)
    return f"{value:,.0f}" if value else "0 requests"


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
