"""The share of the limit at which an alert on memory begins to count, read from its own expression.

Only a comparison of memory with its limit says so: `memory / limit > 0.8`, the same in per cent, or
`memory > 0.8 * limit`. Of every other expression nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import parse
from leakdrill.record.events import MemoryThreshold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.record.recorder import Recorder

_SPREADS: Final = frozenset({"sum", "max", "min", "avg"})
"""Aggregations that leave a ratio of memory and limit what it is, where one container is looked at."""


@dataclass(frozen=True, slots=True)
class _Product:
    """A number times powers of memory and of its limit."""

    factor: float
    memory: int = 0
    limit: int = 0

    def over(self, other: _Product) -> _Product | None:
        """The quotient; None when it would divide by zero."""
        if not other.factor:
            return None
        return _Product(self.factor / other.factor, self.memory - other.memory, self.limit - other.limit)

    def times(self, other: _Product) -> _Product:
        """The product."""
        return _Product(self.factor * other.factor, self.memory + other.memory, self.limit + other.limit)


def memory_threshold(expr: str) -> float | None:
    """Above which share of its limit memory must be for `expr` to hold; None when it is no such comparison.

    Of conditions joined by `and` the first that is one counts: the others can only make the alert later.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    return _threshold(parse(expr))


def record_thresholds(recorder: Recorder, alerts: Iterable[AlertRule]) -> None:
    """Record for each alert on memory its threshold and its `for`, in production seconds, as samples `threshold`."""
    for alert in alerts:
        ratio = memory_threshold(alert.expr)
        if ratio is not None:
            place = f"{alert.file.name}:{alert.line}"
            severity = alert.labels.get("severity", "")
            recorder.record(MemoryThreshold(ratio, alert.for_s, alert=alert.name, severity=severity, rule=place))


def _threshold(node: Any) -> float | None:
    if isinstance(node, promql.ParenExpr):
        return _threshold(node.expr)
    if not isinstance(node, promql.BinaryExpr):
        return None
    if str(node.op) == "and":
        left = _threshold(node.lhs)
        return _threshold(node.rhs) if left is None else left
    sides = (node.lhs, node.rhs) if str(node.op) in (">", ">=") else (node.rhs, node.lhs)
    if str(node.op) not in (">", ">=", "<", "<="):
        return None
    high, low = _product(sides[0]), _product(sides[1])
    ratio = high.over(low) if high and low else None
    if ratio is None or (ratio.memory, ratio.limit) != (1, -1) or ratio.factor <= 1:
        return None
    return 1 / ratio.factor


def _product(node: Any) -> _Product | None:
    if isinstance(node, promql.ParenExpr):
        return _product(node.expr)
    if isinstance(node, promql.AggregateExpr) and str(node.op) in _SPREADS:
        return _product(node.expr)
    if isinstance(node, promql.NumberLiteral):
        return _Product(float(node.val))
    if isinstance(node, promql.VectorSelector):
        return _series(node)
    is_product = isinstance(node, promql.BinaryExpr) and str(node.op) in ("*", "/")
    return _of_both(node) if is_product else None


def _of_both(node: promql.BinaryExpr) -> _Product | None:
    left, right = _product(node.lhs), _product(node.rhs)
    if left is None or right is None:
        return None
    return left.times(right) if str(node.op) == "*" else left.over(right)


def _series(node: promql.VectorSelector) -> _Product | None:
    name = node.name or next((m.value for m in node.matchers.matchers if m.name == "__name__"), "")
    if "memory" not in name:
        return None
    return _Product(1.0, limit=1) if "limit" in name else _Product(1.0, memory=1)
