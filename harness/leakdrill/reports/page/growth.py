"""Growth per request on a page: the figures that decide, the line of a fit, and its rows in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leakdrill.reports.page.chart import Curve
from leakdrill.reports.page.headline import Figure
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.judging.leak.slope import Slope
    from leakdrill.record.verdict import Outcome


def leak_figures(
    verdict: LeakVerdict, outcome: Outcome, claim: tuple[str, str] | None, *, per: str = "a request"
) -> tuple[Figure, Figure, Figure]:
    """Growth a request against its budget, where memory is, and how much of the recording was judged."""
    in_use = f", of what is in use {interval(verdict.in_use)}" if verdict.in_use else ""
    growth = Figure(
        label=f"growth {per}",
        value=per_request(verdict.growth.per_request) if verdict.growth.points else "not known",
        note=f"{interval(verdict.growth)}{in_use}; budget {per_request(verdict.budget)}",
        outcome=outcome,
        anchor_of=claim,
    )
    level = Figure(
        label="memory at the end", value=show_size(verdict.level_bytes), note=f"peak {show_size(verdict.peak_bytes)}"
    )
    judged = Figure(
        label="judged",
        value=show_count(verdict.judged_requests, "request"),
        note=f"{show_count(verdict.judged_points, 'point')} in {show_duration(verdict.judged_s)}, "
        f"after {show_count(verdict.warmup_points, 'point')} of warm-up",
    )
    return growth, level, judged


def growth_rows(verdict: LeakVerdict) -> list[tuple[str, ...]]:
    """The slopes that the verdict rests on, each with its interval."""
    slopes: dict[str, Slope | None] = {
        "growth": verdict.growth,
        "second half": verdict.second_half,
        "in use": verdict.in_use,
        "difference to the baseline": verdict.difference,
    }
    rows = [
        (name, per_request(slope.per_request), per_request(slope.low), per_request(slope.high), str(slope.points))
        for name, slope in slopes.items()
        if slope is not None and slope.points
    ]
    return [*rows, ("budget", per_request(verdict.budget), "", "", "")]


def fit_line(verdict: LeakVerdict, x: NDArray[np.float64], values: NDArray[np.float64], name: str) -> Curve | None:
    """The growth as a line through the middle of the points that were judged; None where nothing was."""
    judged = slice(len(x) - verdict.judged_points, None)
    if not verdict.growth.points or verdict.judged_points < 2:  # noqa: PLR2004 - a line has two ends
        return None
    ends = np.array([x[judged][0], x[judged][-1]])
    middle = float(x[judged].mean())
    line = float(np.median(values[judged])) + verdict.growth.per_request * (ends - middle)
    return Curve(name=name, x=ends, values=line)


def interval(slope: Slope) -> str:
    """The interval of a slope in words."""
    if not slope.points or not np.isfinite([slope.low, slope.high]).all():
        return "no interval"
    return f"between {per_request(slope.low)} and {per_request(slope.high)}"


def per_request(growth: float) -> str:
    """Bytes a request, for a person."""
    return show_size(growth) if np.isfinite(growth) else "no end"
