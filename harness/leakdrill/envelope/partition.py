"""Expressions that keep series apart by a label of ours, so that many courses are played side by side in one test.

Each series of a course carries that label. An expression keeps courses apart by itself unless it drops or leaves out
labels: so the label is added where an aggregation or a matching names those that count. One evaluation then does for
forty courses what forty did. What has a result without any series (`absent`, `vector(1)`, `hour()`) cannot be parted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import nodes, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLAY_LABEL: Final = "leakdrill_play"
_WITHOUT_SERIES: Final = frozenset({"absent", "absent_over_time", "scalar", "vector"})
_SCALARS: Final = frozenset({"time", "pi"})
_SIDES: Final = (
    (promql.VectorMatchCardinality.ManyToOne, "group_left"),
    (promql.VectorMatchCardinality.OneToMany, "group_right"),
)


def parted(expr: str) -> str | None:
    """Returns `expr` with every course's series kept apart; None where that cannot be."""
    tree = parse(expr)
    if any(_is_without_series(node) for node in nodes(tree)):
        return None
    try:
        text: str = promql.transform(tree, None, _parted_node).prettify()
        parse(text)
    except ValueError:  # a label in quotes, which only newer servers know
        return None
    return text


def parted_groups(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """Returns groups of rules, every expression parted; None where that of one cannot be."""
    found = []
    for group in groups:
        exprs = [parted(str(rule["expr"])) for rule in group["rules"]]
        if None in exprs:
            return None
        rules = [{**rule, "expr": expr} for rule, expr in zip(group["rules"], exprs, strict=True)]
        found.append({**group, "rules": rules})
    return found


def _is_without_series(node: Any) -> bool:
    if isinstance(node, promql.Call):
        return node.func.name in _WITHOUT_SERIES or (not node.args and node.func.name not in _SCALARS)
    return isinstance(node, promql.VectorSelector | promql.SubqueryExpr) and node.at is not None


def _parted_node(node: Any) -> Any:
    """Returns the node that takes the place of `node`, whose children are done already; None to keep it."""
    if isinstance(node, promql.AggregateExpr):
        return _parted_aggregation(node)
    modifier = node.modifier if isinstance(node, promql.BinaryExpr) else None
    matching = modifier.matching if modifier else None
    if modifier is None or matching is None or matching.type != promql.LabelModifierType.Include:
        return None
    words = [str(node.op), "bool" if modifier.return_bool else "", f"on ({', '.join((PLAY_LABEL, *matching.labels))})"]
    for card, side in _SIDES:
        if modifier.card == card:
            words.append(f"{side} ({', '.join(modifier.group_labels or ())})")
    return parse(f"({node.lhs.prettify()}) {' '.join(words)} ({node.rhs.prettify()})")


def _parted_aggregation(node: promql.AggregateExpr) -> Any:
    modifier = node.modifier
    if modifier is not None and modifier.type == promql.AggModifierType.Without:
        return None
    labels = ", ".join((PLAY_LABEL, *(modifier.labels if modifier else ())))
    param = "" if node.param is None else f"{node.param.prettify()}, "
    return parse(f"{node.op} by ({labels}) ({param}{node.expr.prettify()})")
