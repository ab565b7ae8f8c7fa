"""The numbers of a page's charts, packed into the page: JSON, deflated, in base64.

Times and values are whole multiples of a step, each told as its distance from the one before: what changes little packs
small. Base64 has no character that could end the element that it stands in, whatever the names in it are.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from leakdrill.printable import printable
from leakdrill.reports.page.thinning import kept_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.reports.page.chart import Chart, Curve
    from leakdrill.reports.page.timeline import Timeline

_X_STEP: Final = 0.001
_FIGURES: Final = 1e5
"""Steps in the largest value of a curve: one is less than a pixel."""
_MOST_STEPS: Final = 2.0**53
"""Whole numbers that the page's script can tell apart."""


def packed(timeline: Timeline) -> str:
    """The timeline as the script of the page reads it."""
    content = orjson.dumps(_tree(timeline), option=orjson.OPT_SERIALIZE_NUMPY)
    return base64.b64encode(zlib.compress(content, 6)).decode()


def _tree(timeline: Timeline) -> dict[str, Any]:
    return {
        "axis": timeline.axis,
        "end": timeline.end,
        "scale": timeline.time_scale,
        "origin": None if timeline.origin is None else [timeline.origin[0], printable(timeline.origin[1])],
        "phases": [[printable(phase.name), phase.start, phase.end] for phase in timeline.phases],
        "marks": [[mark.kind, printable(mark.label), mark.start, mark.end, mark.run] for mark in timeline.marks],
        "lanes": [
            {
                "stretches": [[one.state, one.start, one.end] for one in lane.stretches],
                "deliveries": [[one.at, printable(one.label)] for one in lane.deliveries],
            }
            for lane in timeline.lanes
        ],
        "charts": [_chart(chart) for chart in timeline.charts],
    }


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "key": chart.key,
        "unit": chart.unit,
        "stacked": chart.stacked,
        "zero": chart.from_zero,
        "curves": [_curve(curve) for curve in chart.curves],
        "levels": [[level.kind, printable(level.name), level.value, level.changes] for level in chart.levels],
        "bands": [[printable(band.name), band.low, band.high] for band in chart.bands],
    }


def _curve(curve: Curve) -> dict[str, Any]:
    kept = kept_points(curve.values)
    values = curve.values[kept]
    largest = float(np.nanmax(np.abs(values), initial=0.0, where=np.isfinite(values)))
    step = max(1.0, largest / _MOST_STEPS) if largest >= _FIGURES else largest / _FIGURES or 1.0
    return {
        "name": printable(curve.name),
        "steps": curve.steps,
        "dots": curve.dots,
        "x": _distances(curve.x[kept], _X_STEP),
        "y": _distances(values, step),
        "step": step,
    }


def _distances(values: NDArray[np.float64], step: float) -> list[int | None]:
    """Each value's distance from the last known one, in steps; None where it is not known."""
    known = np.isfinite(values)
    whole = np.rint(np.where(known, values, 0.0) / step).astype(np.int64)
    apart = np.zeros(len(values), dtype=np.int64)
    apart[known] = np.diff(whole[known], prepend=0)
    distances: list[int | None] = [*apart.tolist()]
    for place in np.flatnonzero(~known).tolist():
        distances[place] = None
    return distances
