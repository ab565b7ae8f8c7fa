"""How far into the past an expression looks: its ranges, offsets and subqueries, one inside the other."""

from __future__ import annotations

from typing import Any

import promql_parser as promql

from leakdrill.alerting.time_scale import parse


def looks_back_s(expr: str) -> float:
    """Returns the age in seconds of the oldest sample that `expr` asks for; 0 where it asks for the newest alone.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    return _history_s(parse(expr), 0.0)


def _history_s(node: Any, ago_s: float) -> float:
    """How far in the past the oldest sample is that `node` needs, seen from `ago_s` before now."""
    if isinstance(node, promql.MatrixSelector):
        return _history_s(node.vector_selector, ago_s + node.range.total_seconds())
    if isinstance(node, promql.VectorSelector):
        return ago_s + (node.offset.total_seconds() if node.offset else 0.0)
    if isinstance(node, promql.SubqueryExpr) and node.range is not None:
        offset_s = node.offset.total_seconds() if node.offset else 0.0
        return _history_s(node.expr, ago_s + offset_s + node.range.total_seconds())
    return max((_history_s(inner, ago_s) for inner in _inner(node)), default=0.0)


def _inner(node: Any) -> list[Any]:
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.Call):
        return list(node.args)
    return [node.expr] if hasattr(node, "expr") else []
