"""Small wrong changes to an expression, made on its syntax tree: one place is changed at a time, and printed again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import match_sign, nodes, parse, series_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change = Callable[[Any], str | None]

_TURNED: Final = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "!=", "!=": "=="}
_SWAPPED: Final = {"rate": "increase", "irate": "increase", "increase": "rate"}
_TOO_SHORT: Final = "1s"
"""Shorter than any usual scrape interval: two samples never stand in it."""


def wrong_exprs(expr: str) -> list[tuple[str, str]]:
    """Returns what may be wrong in `expr`, each with the whole expression after that one change.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    before = parse(expr).prettify()
    found: dict[str, str] = {}
    for what, change in _CHANGES:
        for text in _changed(expr, change):
            if text not in (before, *found):
                found[text] = what
    return [(what, text) for text, what in found.items()]


def _changed(expr: str, change: Change) -> Iterator[str]:
    """The expression with one node changed, for each node that can be."""
    for number in range(len(nodes(parse(expr))) * 2):
        walk = _Walk(change, number)
        tree = promql.transform(parse(expr), None, walk.visit)
        if not walk.is_done:
            return
        text = tree.prettify()
        try:
            parse(text)
        except ValueError:
            continue
        yield text


class _Walk:
    """Changes the node of one number among those that can be changed."""

    def __init__(self, change: Change, number: int) -> None:
        self._change, self._left = change, number
        self.is_done = False

    def visit(self, node: Any) -> Any:
        """The node that takes the place of `node`; None to keep it."""
        text = None if self.is_done else self._change(node)
        if text is None:
            return None
        self._left -= 1
        if self._left >= 0:
            return None
        self.is_done = True
        return parse(text)


def _turned(node: Any) -> str | None:
    if isinstance(node, promql.BinaryExpr) and str(node.op) in _TURNED:
        return _binary(node, sign=_TURNED[str(node.op)])
    return None


def _as_bool(node: Any) -> str | None:
    if isinstance(node, promql.BinaryExpr) and str(node.op) in _TURNED and not _is_bool(node):
        return _binary(node, is_bool=True)
    return None


def _threshold_times(factor: float) -> Change:
    def change(node: Any) -> str | None:
        if not isinstance(node, promql.BinaryExpr) or str(node.op) not in _TURNED:
            return None
        right, left = _plain_number(node.rhs), _plain_number(node.lhs)
        if right:
            return _binary(node, rhs=f"{right * factor:.15g}")
        return _binary(node, lhs=f"{left * factor:.15g}") if left else None

    return change


def _mistyped(node: Any) -> str | None:
    if not isinstance(node, promql.VectorSelector):
        return None
    matchers = list(node.matchers.matchers)
    wanted = [m for m in matchers if match_sign(m.op) in ("=", "=~") and m.value]
    if not wanted or node.at is not None or node.offset is not None:
        return None
    wrong = wanted[0]
    parts = [
        f"{m.name}{match_sign(m.op)}{json.dumps(m.value + 'x' if m is wrong else m.value, ensure_ascii=False)}"
        for m in matchers
    ]
    return f"{node.name or ''}{{{','.join(parts)}}}"


def _other_function(node: Any) -> str | None:
    if isinstance(node, promql.Call) and node.func.name in _SWAPPED:
        return f"{_SWAPPED[node.func.name]}({node.args[0].prettify()})"
    return None


def _short_range(node: Any) -> str | None:
    if isinstance(node, promql.MatrixSelector) and node.vector_selector.offset is None:
        return f"{series_text(node.vector_selector)}[{_TOO_SHORT}]"
    return None


def _without_by(node: Any) -> str | None:
    if not isinstance(node, promql.AggregateExpr) or node.modifier is None:
        return None
    inner = node.expr.prettify()
    given = f"{node.param.prettify()}, " if node.param is not None else ""
    return f"{node.op}({given}{inner})"


_CHANGES: Final[tuple[tuple[str, Change], ...]] = (
    ("comparison turned", _turned),
    ("threshold doubled", _threshold_times(2.0)),
    ("threshold halved", _threshold_times(0.5)),
    ("label value mistyped", _mistyped),
    ("rate and increase confused", _other_function),
    ("range shorter than a scrape", _short_range),
    ("bool after the comparison", _as_bool),
    ("by dropped", _without_by),
)


def _binary(
    node: Any, *, sign: str | None = None, lhs: str | None = None, rhs: str | None = None, is_bool: bool = False
) -> str:
    left = lhs or node.lhs.prettify()
    right = rhs or node.rhs.prettify()
    told = " bool" if is_bool or _is_bool(node) else ""
    return f"{left} {sign or node.op}{told}{_matching(node)} {right}"


def _is_bool(node: Any) -> bool:
    return node.modifier is not None and bool(node.modifier.return_bool)


def _matching(node: Any) -> str:
    """`on`, `ignoring` and `group_left` of an operation."""
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return ""
    word = "on" if str(modifier.matching.type).endswith("Include") else "ignoring"
    text = f" {word} ({', '.join(modifier.matching.labels)})"
    side = {"ManyToOne": " group_left", "OneToMany": " group_right"}.get(str(modifier.card).rpartition(".")[2], "")
    return f"{text}{side} ({', '.join(modifier.group_labels or ())})" if side else text


def _plain_number(node: Any) -> float | None:
    if isinstance(node, promql.ParenExpr):
        return _plain_number(node.expr)
    return float(node.val) if isinstance(node, promql.NumberLiteral) else None
