"""An expression with other numbers: its thresholds, ranges and horizons moved, usage read as the working set.

The expression is parsed, numbers and selectors of its tree are replaced, and the tree is printed again. Numbers are
named by their place in the order in which the tree is walked, because its nodes have no identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.durations import show_ms
from leakdrill.alerting.time_scale import modifiers_text, nodes, parse, series_text
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from datetime import timedelta

USAGE: Final = "container_memory_usage_bytes"
WORKING_SET: Final = "container_memory_working_set_bytes"
_ABOVE: Final = frozenset({">", ">="})
_COMPARISONS: Final = frozenset({">", ">=", "<", "<="})
_WHOLE: Final = (1.0, 100.0)
"""What a share is a share of, as a number and in per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What is changed in an expression.

    Attributes:
        nearer: by which the way of a threshold to what is usual is multiplied: below 1 an alert fires earlier.
        windows: by which every range is multiplied.
        horizon: by which the horizon of `predict_linear` is multiplied.
        working_set: whether usage is read as the working set.
        digits: to which a threshold is rounded.
    """

    nearer: float = 1.0
    windows: float = 1.0
    horizon: float = 1.0
    working_set: bool = False
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An expression that was changed, and one clause for each change."""

    expr: str
    changes: tuple[str, ...]


def rewrite(expr: str, wanted: Rewrite, *, least_range_s: float) -> Rewritten:
    """Returns `expr` changed as `wanted`; as it is where it holds nothing of the kind.

    Args:
        expr: PromQL as written.
        wanted: the change.
        least_range_s: no range becomes shorter than that.
    """
    rewriting = _Rewriting(wanted, least_range_s)
    text = promql.transform(parse(expr), rewriting.enter, rewriting.leave).prettify()
    parse(text)
    changes = tuple(dict.fromkeys(rewriting.changes))
    return Rewritten(text if changes else expr, changes)


class _Rewriting:
    """One walk over one tree."""

    def __init__(self, wanted: Rewrite, least_range_s: float) -> None:
        self._wanted, self._least_range_s = wanted, least_range_s
        self._numbers = 0
        self._nearer: dict[int, bool] = {}
        self._horizons: set[int] = set()
        self.changes: list[str] = []

    def enter(self, node: Any) -> None:
        """Notes which of the numbers below `node` are a threshold or a horizon."""
        if isinstance(node, promql.BinaryExpr) and str(node.op) in _COMPARISONS:
            self._enter_comparison(node)
        elif isinstance(node, promql.Call) and node.func.name == "predict_linear":
            place = _factor(node.args[1])
            if place is not None:
                self._horizons.add(self._numbers + _count(node.args[0]) + place)

    def _enter_comparison(self, node: promql.BinaryExpr) -> None:
        sides = [(node.rhs, node.lhs, _count(node.lhs), True), (node.lhs, node.rhs, 0, False)]
        for side, other, before, is_right in sorted(sides, key=lambda one: _has_series(one[0])):
            place = _factor(side)
            if place is not None and _has_series(other):
                self._nearer[self._numbers + before + place] = (str(node.op) in _ABOVE) == is_right
                return

    def leave(self, node: Any) -> Any:
        """Returns the node that takes the place of `node`, whose children are done already; None to keep it."""
        if isinstance(node, promql.NumberLiteral):
            return self._number(float(node.val))
        if isinstance(node, promql.VectorSelector):
            return parse(f"{self._series(node)}{modifiers_text(node)}")
        if isinstance(node, promql.MatrixSelector):
            inner = node.vector_selector
            return parse(f"{series_text(inner)}[{self._range(node.range)}]{modifiers_text(inner)}")
        if isinstance(node, promql.SubqueryExpr):
            step = "" if node.step is None else show_ms(_ms(node.step))
            return parse(f"{node.expr.prettify()}[{self._range(node.range)}:{step}]{modifiers_text(node)}")
        return None

    def _number(self, value: float) -> Any:
        place = self._numbers
        self._numbers += 1
        moved = value
        if place in self._nearer and self._wanted.nearer != 1:
            moved = _moved(value, self._wanted, is_lower_nearer=self._nearer[place])
            what = "threshold", f"{value:g}", f"{moved:g}"
        elif place in self._horizons and self._wanted.horizon != 1:
            moved = value * self._wanted.horizon
            what = "horizon", f"{value:g}", f"{moved:g}"
        if moved == value:
            return None
        self.changes.append(f"{what[0]} {what[1]} to {what[2]}")
        return parse(f"{moved:.15g}")

    def _series(self, node: promql.VectorSelector) -> str:
        text = series_text(node)
        if not self._wanted.working_set or node.name != USAGE:
            return text
        self.changes.append("working set in place of usage")
        return WORKING_SET + text.removeprefix(USAGE)

    def _range(self, length: timedelta | None) -> str:
        if length is None:
            raise ValueError("a subquery without a range")
        was_s = length.total_seconds()
        wanted_s = max(was_s * self._wanted.windows, min(was_s, self._least_range_s))
        if wanted_s != was_s:
            self.changes.append(f"range {show_duration(was_s)} to {show_duration(wanted_s)}")
        return show_ms(round(wanted_s * 1000))


def _moved(value: float, wanted: Rewrite, *, is_lower_nearer: bool) -> float:
    """The threshold nearer to what is usual: lower; or of what is left higher, as a share of the whole if it is one."""
    if value <= 0:
        return value
    if is_lower_nearer:
        moved = value * wanted.nearer
    else:
        whole = next((one for one in _WHOLE if 0 < value < one), None)
        moved = value / wanted.nearer if whole is None else whole - (whole - value) * wanted.nearer
    return float(f"{moved:.{wanted.digits}g}")


def _factor(node: Any) -> int | None:
    """The place, among the numbers below `node`, of one that all of it is multiplied by; None where there is none."""
    if isinstance(node, promql.NumberLiteral):
        return 0
    if isinstance(node, promql.ParenExpr):
        return _factor(node.expr)
    if not isinstance(node, promql.BinaryExpr) or str(node.op) not in ("*", "/"):
        return None
    left = _factor(node.lhs)
    if left is not None or str(node.op) == "/":
        return left
    right = _factor(node.rhs)
    return None if right is None else _count(node.lhs) + right


def _count(node: Any) -> int:
    return sum(isinstance(one, promql.NumberLiteral) for one in nodes(node))


def _has_series(node: Any) -> bool:
    return any(isinstance(one, promql.VectorSelector) for one in nodes(node))


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)
