"""The table of a chart, for whom a picture says nothing: equal stretches, and the range of each curve in them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.reports.page.chart import show
from leakdrill.reports.page.content import Table
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.reports.page.chart import Chart, Curve
    from leakdrill.reports.page.timeline import Axis

_ROWS: Final = 30


def chart_table(chart: Chart, axis: Axis, end: float) -> Table:
    """The chart in at most 30 rows, each with the lowest and the highest value of every curve."""
    edges = _edges(chart, end)
    place: Callable[[float], str] = (lambda x: f"{x:.0f}") if axis == "requests" else show_duration
    rows = []
    for start, stop in pairwise(edges.tolist()):
        cells = [_range(curve, chart, start, stop, last=stop == edges[-1]) for curve in chart.curves]
        if any(cells):
            rows.append((f"{place(start)} to {place(stop)}", *(cell or "no reading" for cell in cells)))
    head = ("requests" if axis == "requests" else "time", *(curve.name for curve in chart.curves))
    lines = [f"{level.name}: {level.shown(chart.unit)}" for level in chart.levels]
    lines += [f"{band.name}: {show(band.low, chart.unit)} to {show(band.high, chart.unit)}" for band in chart.bands]
    return Table(title=f"{chart.title} as a table", head=head, rows=tuple(rows), note="; ".join(lines))


def spoken(chart: Chart, axis: Axis) -> str:
    """The chart in a sentence: from where to where its first curve goes."""
    if not chart.curves:
        return "No reading."
    curve = chart.curves[0]
    known = np.isfinite(curve.values)
    if not known.any():
        return f"{curve.name}: no reading."
    x, values = curve.x[known], curve.values[known]
    high, low = int(values.argmax()), int(values.argmin())
    place = "request {:.0f}" if axis == "requests" else "{}"
    at = [place.format(x[i] if axis == "requests" else show_duration(float(x[i]))) for i in (low, high)]
    return (
        f"{curve.name}: lowest {show(float(values[low]), chart.unit)} at {at[0]}, "
        f"highest {show(float(values[high]), chart.unit)} at {at[1]}, last {show(float(values[-1]), chart.unit)}."
    )


def _edges(chart: Chart, end: float) -> np.typing.NDArray[np.float64]:
    return np.linspace(0.0, max([end, *(float(curve.x[-1]) for curve in chart.curves if len(curve))]), _ROWS + 1)


def _range(curve: Curve, chart: Chart, start: float, stop: float, *, last: bool) -> str:
    inside = (curve.x >= start) & ((curve.x <= stop) if last else (curve.x < stop))
    values = curve.values[inside & np.isfinite(curve.values)]
    if not len(values):
        return ""
    low, high = show(float(values.min()), chart.unit), show(float(values.max()), chart.unit)
    return low if low == high else f"{low} to {high}"
