"""The selectors of a PromQL expression: what it asks for, and without which of them it has no result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import OF_TWO, match_sign, nodes, parse, series_text
from leakdrill.expression import is_found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Sample:
    """What an expression needs of one selector.

    Attributes:
        text: the selector, without range and offset.
        ago_s: how far in the past the samples are at least.
        two_within_s: the length of the range in which two samples must be; None where one at any time will do.
    """

    text: str
    ago_s: float
    two_within_s: float | None


Needs = frozenset[frozenset[str]]
NeededSamples = frozenset[frozenset[Sample]]

_ALWAYS: Final[NeededSamples] = frozenset()
_MOST_SETS: Final = 64
"""Of an expression with more alternatives than that, nothing is said."""
_NEVER_EMPTY: Final = frozenset({"absent", "absent_over_time", "scalar", "vector", "time", "pi"})
_NUMBER_FIRST: Final = frozenset({"histogram_quantile", "histogram_fraction", "quantile_over_time"})


@dataclass(frozen=True, slots=True)
class SelectedSeries:
    """What one selector asks for.

    Attributes:
        text: the selector, without range and offset.
        name: of the series; empty when a pattern stands for it.
        matchers: label, operator and value of each condition, one on `__name__` among them.
    """

    text: str
    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether the series of this name with these labels is one of those."""
        have = {**labels, "__name__": name}
        return all(_holds(sign, have.get(label, ""), value) for label, sign, value in self.matchers)

    def allows(self, label: str, value: str) -> bool:
        """Whether a series may have `value` there, as far as this label is concerned."""
        return all(_holds(sign, value, wanted) for name, sign, wanted in self.matchers if name == label)


def _holds(sign: str, have: str, value: str) -> bool:
    if sign in ("=", "!="):
        return (have == value) == (sign == "=")
    return is_found(f"^(?:{value})$", have) == (sign == "=~")


def selected_series(expr: str) -> list[SelectedSeries]:
    """What `expr` asks for, each selector once and in order.

    Left out is what says nothing when it is empty: arguments of `absent`, and the alerts' own `ALERTS` series.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    tree = parse(expr)
    every_selector = _selectors_in(tree)
    unasked: Counter[SelectedSeries] = Counter()
    for node in nodes(tree):
        if isinstance(node, promql.Call) and node.func.name in ("absent", "absent_over_time"):
            unasked.update(_selectors_in(node.args[0]))
    return [one for one, times in Counter(every_selector).items() if times > unasked[one]]


def _selectors_in(tree: Any) -> list[SelectedSeries]:
    return [_selected(n) for n in nodes(tree) if isinstance(n, promql.VectorSelector) and not _is_own(n)]


def _selected(node: promql.VectorSelector) -> SelectedSeries:
    conditions = tuple((m.name, match_sign(m.op), m.value) for m in node.matchers.matchers)
    named = (("__name__", "=", node.name),) if node.name else ()
    return SelectedSeries(series_text(node), node.name or "", (*named, *conditions))


def selectors(expr: str) -> list[str]:
    """The texts of `selected_series`.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    return [one.text for one in selected_series(expr)]


def needs(expr: str) -> Needs:
    """Returns the selectors of `expr` without which it has no result.

    `a / b` needs a and b, `a or b` one of them, `a unless b` needs a, and `absent(a)` or `a or vector(0)` needs none.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    return frozenset(frozenset(one.text for one in alternatives) for alternatives in needed_samples(expr))


def needed_samples(expr: str) -> NeededSamples:
    """Returns the samples without which `expr` has no result: of each inner set one selector must find them.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    return _needs(parse(expr), 0.0)


def _needs(node: Any, ago_s: float) -> NeededSamples:
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, promql.VectorSelector):
        return _of_selector(node, ago_s, None)
    if isinstance(node, promql.BinaryExpr):
        return _of_both(node, ago_s)
    if isinstance(node, promql.Call):
        return _of_call(node, ago_s)
    if isinstance(node, promql.SubqueryExpr):
        return _needs(node.expr, ago_s + _seconds(node.offset))
    if isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr):
        return _needs(node.expr, ago_s)
    return _ALWAYS


def _of_selector(node: promql.VectorSelector, ago_s: float, two_within_s: float | None) -> NeededSamples:
    if _is_own(node):
        return _ALWAYS
    sample = Sample(series_text(node), ago_s + _seconds(node.offset), two_within_s)
    return frozenset({frozenset({sample})})


def _of_both(node: promql.BinaryExpr, ago_s: float) -> NeededSamples:
    left, right, sign = _needs(node.lhs, ago_s), _needs(node.rhs, ago_s), str(node.op)
    if sign == "unless":
        return left
    if sign == "or":
        return _either(left, right)
    filled = node.modifier.fill_values if node.modifier else None
    without_left = filled is not None and filled.lhs is not None
    without_right = filled is not None and filled.rhs is not None
    if without_left and without_right:
        return _either(left, right)
    return (_ALWAYS if without_left else left) | (_ALWAYS if without_right else right)


def _either(left: NeededSamples, right: NeededSamples) -> NeededSamples:
    if len(left) * len(right) > _MOST_SETS:
        return _ALWAYS
    return frozenset(one | other for one, other in product(left, right))


def _of_call(node: promql.Call, ago_s: float) -> NeededSamples:
    series = [arg for arg in node.args if not isinstance(arg, promql.NumberLiteral | promql.StringLiteral)]
    if node.func.name in _NEVER_EMPTY or not series:
        return _ALWAYS
    asked = series[-1] if node.func.name in _NUMBER_FIRST else series[0]
    if node.func.name in OF_TWO and isinstance(asked, promql.MatrixSelector):
        return _of_selector(asked.vector_selector, ago_s, asked.range.total_seconds())
    return _needs(asked, ago_s)


def _seconds(offset: timedelta | None) -> float:
    return 0.0 if offset is None else offset.total_seconds()


def _is_own(node: promql.VectorSelector) -> bool:
    names = [node.name, *(m.value for m in node.matchers.matchers if m.name == "__name__")]
    return any(name in ("ALERTS", "ALERTS_FOR_STATE") for name in names)
