"""A small curve of a number from run to run, as SVG: each run a dot, its interval a line, the limit dashed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.reports.quantity import show_quantity

if TYPE_CHECKING:
    from leakdrill.reports.index.trend import Curve, Point

_WIDTH: Final = 240
_HEIGHT: Final = 48
_EDGE: Final = 6
_SHARE_BESIDE_LIMIT: Final = 4.0
"""A limit further away than so many times the highest value would press the curve flat, and is left out."""


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    count: int

    def x(self, at: int) -> float:
        return _EDGE + (_WIDTH - 2 * _EDGE) * (at / (self.count - 1) if self.count > 1 else 0.5)

    def y(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * min(1.0, max(0.0, share))


def sparkline(curve: Curve) -> str:
    """The curve as an SVG element; a run without the number leaves a gap. Every text in it is escaped."""
    scale, limit = _scale(curve), _shown_limit(curve)
    parts = [f"<title>{escape(printable(f'{curve.what}: {curve.latest}'))}</title>"]
    if limit is not None:
        y = f"{scale.y(limit):.1f}"
        parts.append(f'<line class="limit" x1="0" x2="{_WIDTH}" y1="{y}" y2="{y}"/>')
    parts += [f'<polyline points="{points}"/>' for points in _stretches(curve, scale)]
    parts += [_dot(point, at, scale, curve.unit) for at, point in enumerate(curve.points) if point.value is not None]
    inner = "".join(parts)
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return f'<svg class="spark" role="img" {size}>{inner}</svg>'


def _scale(curve: Curve) -> _Scale:
    values = [v for point in curve.points for v in (point.value, point.low, point.high) if v is not None]
    limit = _shown_limit(curve)
    both = [*values, *([] if limit is None else [limit])] or [0.0]
    return _Scale(min(both), max(both), len(curve.points))


def _shown_limit(curve: Curve) -> float | None:
    known = [abs(point.value) for point in curve.points if point.value is not None]
    if curve.limit is None or not known or abs(curve.limit) > _SHARE_BESIDE_LIMIT * max(known):
        return None
    return curve.limit


def _stretches(curve: Curve, scale: _Scale) -> list[str]:
    """The points of each stretch of neighbouring runs that have the number."""
    found: list[list[str]] = [[]]
    for at, point in enumerate(curve.points):
        if point.value is None:
            found.append([])
        else:
            found[-1].append(f"{scale.x(at):.1f},{scale.y(point.value):.1f}")
    return [" ".join(points) for points in found if len(points) > 1]


def _dot(point: Point, at: int, scale: _Scale, unit: str) -> str:
    x, value = f"{scale.x(at):.1f}", point.value or 0.0
    words = escape(printable(f"{point.place}: {show_quantity(value, unit)}, {point.outcome}"))
    interval = ""
    if point.low is not None and point.high is not None:
        ends = f'y1="{scale.y(point.low):.1f}" y2="{scale.y(point.high):.1f}"'
        interval = f'<line class="interval" x1="{x}" x2="{x}" {ends}/>'
    y = scale.y(value)
    title = f"<title>{words}</title>"
    if point.outcome == "PASS":
        return f'{interval}<circle class="pass" cx="{x}" cy="{y:.1f}" r="3">{title}</circle>'
    place = f'x="{scale.x(at) - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
    return f'{interval}<rect class="{escape(point.outcome.lower())}" {place}>{title}</rect>'
