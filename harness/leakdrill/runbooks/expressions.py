"""The expressions of a runbook, and what each compares: rules, queries, and queries in the URLs of commands."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import nodes
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind
from leakdrill.runbooks.promql_text import queries_in_command, queries_of, read_query
from leakdrill.runbooks.rule_text import rules_that_can_be_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.runbooks.rule_text import PrintedRule
    from leakdrill.runbooks.runbook import Runbook

_FOLD: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else float("nan"),
}
_SPREADS: Final = frozenset({"sum", "max", "min", "avg", "topk", "bottomk", "quantile"})
_KEEP_UNIT: Final = re.compile(
    r"(?:avg|max|min|quantile|last)_over_time|clamp(?:_min|_max)?|abs|ceil|floor|round|sort(?:_desc)?"
)
_UNIT: Final = re.compile(
    r"_(bytes|total|seconds|count|files|inodes|sectors|fds|mib|used|free|connections)(?:_|$)|_(?:files|fds)"
)
_WHOLE: Final = re.compile(r"limit|total|size|capacity|max|allocatable|quota", re.IGNORECASE)
_SUBJECTS: Final = (
    ("gpu", re.compile(r"gpu|DCGM|nvidia", re.IGNORECASE)),
    ("swap", re.compile(r"swap", re.IGNORECASE)),
    ("memory", re.compile(r"memory|_mem_|Mem(?:Total|Available|Free)|heap", re.IGNORECASE)),
    ("cpu", re.compile(r"cpu", re.IGNORECASE)),
    ("disk", re.compile(r"filesystem|volume_stats|disk|_fs_", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Expression:
    """One expression of a runbook."""

    line: int
    text: str
    tree: Any
    rule: PrintedRule | None = None
    """None for a query."""
    in_command: bool = False


@dataclass(frozen=True)
class Threshold:
    """What an expression compares with a number.

    Attributes:
        value: the number.
        factor: by which a share (1 is all) was multiplied; None where it is no share.
        whole: whether the divisor is the most that there can be, so that no share is above 1.
        subject: what is measured: memory, cpu, disk, gpu, swap; empty for anything else.
        above: whether it holds for values above the number.
    """

    value: float
    factor: float | None
    whole: bool
    subject: str
    above: bool

    @property
    def per_cent(self) -> float | None:
        """The number in per cent of the whole; None where no share is compared."""
        return None if self.factor is None else round(self.value * 100 / self.factor, 6)


@lru_cache(maxsize=2)
def expressions(runbook: Runbook) -> tuple[Expression, ...]:
    """Returns every expression that is PromQL, in the order of the file."""
    return tuple(_expressions(runbook))


def _expressions(runbook: Runbook) -> Iterator[Expression]:
    for fragment in runbook.fragments:
        if fragment.kind is FragmentKind.RULE:
            for rule in rules_that_can_be_read(fragment):
                if (tree := read_query(rule.expr)) is not None:
                    yield Expression(rule.expr_line, rule.expr, tree, rule)
        elif fragment.kind is FragmentKind.QUERY:
            for offset, text in queries_of(fragment.text):
                if (tree := read_query(text)) is not None:
                    yield Expression(fragment.line + offset, text, tree)
        elif fragment.kind in COMMANDS:
            for text in queries_in_command(fragment.text):
                yield Expression(fragment.line, text, read_query(text), in_command=True)


def metric_names(tree: Any) -> list[str]:
    """Returns the names of the series that an expression asks for."""
    return [node.name or "" for node in nodes(tree) if isinstance(node, promql.VectorSelector)]


def threshold(tree: Any) -> Threshold | None:
    """Returns what an expression compares with a number; None where it does not, or in several ways."""
    node = _plain(tree)
    if isinstance(node, promql.BinaryExpr) and str(node.op) in ("and", "unless"):
        return threshold(node.lhs)
    if not isinstance(node, promql.BinaryExpr) or str(node.op) not in (">", ">=", "<", "<="):
        return None
    left, right = _number(node.lhs), _number(node.rhs)
    above = str(node.op).startswith(">")
    if (left is None) == (right is None):
        return _share_of_limit(node, above=above)
    value, measured = (right, node.lhs) if left is None else (left, node.rhs)
    factor, whole = _factor(measured)
    above = above if left is None else not above
    return Threshold(value or 0.0, factor, whole, subject_of(" ".join(metric_names(measured))), above)


def subject_of(text: str) -> str:
    """Returns what `text` is about: memory, cpu, disk, gpu, swap; empty for anything else."""
    return next((subject for subject, pattern in _SUBJECTS if pattern.search(text)), "")


def _share_of_limit(node: Any, *, above: bool) -> Threshold | None:
    """What `memory > limit * 0.95` compares: a share of 0.95."""
    high, low = (node.lhs, node.rhs) if above else (node.rhs, node.lhs)
    factor, base = _times(_plain(low))
    if any(isinstance(one, promql.Call) and one.func.name == "predict_linear" for one in nodes(high)):
        return None  # a level that is foreseen is none of those that the text has for now
    is_limit = base is not None and any(_WHOLE.search(name) for name in metric_names(base))
    if not is_limit or factor is None or not metric_names(high):
        return None
    return Threshold(factor, 1.0, whole=True, subject=subject_of(" ".join(metric_names(high))), above=above)


def _times(node: Any) -> tuple[float | None, Any | None]:
    if not isinstance(node, promql.BinaryExpr) or str(node.op) not in ("*", "/"):
        return None, None
    left, right = _number(node.lhs), _number(node.rhs)
    if right is not None:
        return (right if str(node.op) == "*" else 1 / right if right else None), node.lhs
    return (left, node.rhs) if left is not None and str(node.op) == "*" else (None, None)


def _plain(node: Any) -> Any:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def _number(node: Any) -> float | None:
    node = _plain(node)
    if isinstance(node, promql.NumberLiteral):
        return float(node.val)
    if isinstance(node, promql.UnaryExpr):
        inner = _number(node.expr)
        return None if inner is None else -inner
    if isinstance(node, promql.BinaryExpr) and str(node.op) in _FOLD:
        left, right = _number(node.lhs), _number(node.rhs)
        return None if left is None or right is None else _FOLD[str(node.op)](left, right)
    return None


def _factor(node: Any) -> tuple[float | None, bool]:
    """By which factor a share was multiplied, and whether it is a share of the whole; None where it is no share."""
    node = _plain(node)
    if isinstance(node, promql.AggregateExpr) and str(node.op) in _SPREADS:
        return _factor(node.expr)
    if isinstance(node, promql.SubqueryExpr):
        return _factor(node.expr)
    if isinstance(node, promql.Call) and _KEEP_UNIT.fullmatch(node.func.name) and node.args:
        return _factor(node.args[-1 if node.func.name == "quantile_over_time" else 0])
    if isinstance(node, promql.Call) and node.func.name in ("rate", "irate"):
        cores = any("cpu" in name and name.endswith("_seconds_total") for name in metric_names(node))
        return (1.0, False) if cores else (None, False)
    return _of_both(node) if isinstance(node, promql.BinaryExpr) else (None, False)


def _of_both(node: promql.BinaryExpr) -> tuple[float | None, bool]:
    sign, left, right = str(node.op), _number(node.lhs), _number(node.rhs)
    if sign in ("*", "/") and (left is None) != (right is None):
        if sign == "/" and right is None:
            return None, False
        factor, whole = _factor(node.lhs if left is None else node.rhs)
        number = left if right is None else right
        if factor is None or not number:
            return None, False
        return (factor * number if sign == "*" else factor / number), whole
    if sign == "-" and left is not None and right is None:
        factor, whole = _factor(node.rhs)
        return (factor, whole) if factor == left else (None, False)
    if sign == "/" and left is None and right is None:
        return _quotient(node)
    return None, False


def _quotient(node: promql.BinaryExpr) -> tuple[float | None, bool]:
    above, high = _scaled(node.lhs)
    below, low = _scaled(node.rhs)
    units = [_units(side) for side in (high, low)]
    if not units[0] or units[0] != units[1]:
        return None, False
    divisor = metric_names(low)
    return (above / below if below else None), all(_WHOLE.search(name.removesuffix("_total")) for name in divisor)


def _scaled(node: Any) -> tuple[float, Any]:
    """The number by which a side of a quotient is multiplied, and the rest of it."""
    factor, base = _times(_plain(node))
    return (1.0, node) if factor is None or base is None else (factor, base)


def _units(node: Any) -> set[str]:
    return {found[1] or "files" for name in metric_names(node) if (found := _UNIT.search(name))}
