"""Divides every duration in a PromQL expression, so that production hours fit into a drill of minutes.

The expression is parsed, its nodes are replaced, and the tree is printed again; no text is searched. What is divided:
range selectors, offsets of either sign, a subquery's range and step, and the horizon of `predict_linear`.

What stays true by itself:

* `rate`, `irate` and `deriv` answer per second of the clock on the wall, before and after. A share of something that a
  second holds (CPU seconds per second, errors per request) means the same in a rehearsal. A slope of a leak that the
  drill speeds up is steeper by as much as the drill is faster; `predict_linear` multiplies that steeper slope with a
  horizon that is shorter by the same factor, so what it predicts is what production would see.
* The smoothing factors of `holt_winters` are weights between samples and no durations.

What changes is named as a remark: `increase`, `delta`, `changes` and `resets` look at a shorter window. For a leak that
is sped up they find the same amount; for traffic that is not, they find less.

What has no truthful division is named as a remark and left as it was: fixed times (`@ 1700000000`), the functions of
the calendar, ages computed from `time()` or `timestamp()`, a horizon that is computed from series, and sums or counts
of samples, because scrapes are not made more often by the same factor.
"""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.durations import show_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "^": operator.pow,
}
_TOKENS_WITH_QUOTES: Final = re.compile(r"""`(?P<raw>[^`]*)`|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*""", re.DOTALL)
_TOKENS_OR_NUMBERS: Final = re.compile(_TOKENS_WITH_QUOTES.pattern + r"|(?P<number>(?<![\w:])\d\w*)", re.DOTALL)
_SIGN: Final = re.compile(r"[-+*/%^(\[{@]|[=!<>]=|[<>]|\b(?:and|or|unless|atan2|offset)\b", re.IGNORECASE)
_BEFORE_1970: Final = re.compile(r"@\s*-")
_MOST_SIGNS: Final = 500
"""The parser calls itself for each, and ends the whole process where the stack does; long alerts have fifty."""
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CALENDAR: Final = frozenset(
    {"minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"}
)
_WHY: Final = {
    **dict.fromkeys(_CALENDAR, "the calendar does not run faster in a rehearsal"),
    **dict.fromkeys(("time", "timestamp"), "ages are in rehearsal seconds; what they are compared with is not divided"),
    **dict.fromkeys(
        ("increase", "delta", "idelta", "changes", "resets"),
        "it looks at a shorter window: of what the drill does not speed up it finds less",
    ),
    "count_over_time": "it counts samples, and scrapes are not made more often by the same factor",
    "sum_over_time": "it adds up samples, and scrapes are not made more often by the same factor",
}
OF_TWO: Final = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"})
"""Functions that answer nothing for a single sample."""
_MATCH: Final = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Remark:
    """A part of an expression that cannot be scaled truthfully, with the reason."""

    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ScaledExpr:
    """An expression with its durations divided, and what could not be."""

    text: str
    remarks: tuple[Remark, ...]


def parse(expr: str) -> Any:
    """The syntax tree of `expr`.

    Raises:
        ValueError: when it is no PromQL; says what the parser found.
    """
    plain = _TOKENS_WITH_QUOTES.sub("", expr)
    if _BEFORE_1970.search(plain):  # the parser ends in a panic when it is asked for that time
        raise ValueError("a time before 1970 behind `@` cannot be read; expected a later one")
    signs = sum(1 for _ in _SIGN.finditer(plain))
    if signs > _MOST_SIGNS:
        raise ValueError(f"it has {signs:,} operators and parentheses; expected at most {_MOST_SIGNS}")
    _know_old_functions()
    return promql.parse(_TOKENS_OR_NUMBERS.sub(_as_the_parser_reads_it, expr))


def _as_the_parser_reads_it(token: re.Match[str]) -> str:
    """A string in backticks as one in quotes, in which escapes are looked for; a number without underscores."""
    if token["number"] is not None:
        return token[0].replace("_", "")
    raw = token["raw"]
    return token[0] if raw is None else json.dumps(raw, ensure_ascii=False)


def scale_expr(expr: str, scale: float) -> ScaledExpr:
    """`expr` with every duration divided by `scale`.

    A duration that would fall below 1 ms, the least that Prometheus knows, becomes 1 ms and is named.

    Raises:
        ValueError: when `expr` is no PromQL, or uses what Prometheus does not have.
    """
    scaling = _Scaling(scale)
    tree = promql.transform(parse(expr), None, scaling.visit)
    text = tree.prettify()
    parse(text)
    return ScaledExpr(text=text, remarks=tuple(dict.fromkeys(scaling.remarks)))


def ranges(expr: str, prefix: str) -> list[float]:
    """The lengths in seconds of the ranges of `expr` over series whose names begin with `prefix`.

    Of subqueries those are meant that a function which needs two samples looks at.

    Raises:
        ValueError: when `expr` is no PromQL.
    """
    tree = parse(expr)
    every_selector = [node for node in nodes(tree) if isinstance(node, promql.MatrixSelector)]
    own = [node for node in every_selector if _of_prefix(node.vector_selector, prefix)]
    calls = [node for node in nodes(tree) if isinstance(node, promql.Call) and node.func.name in OF_TWO]
    inner = [arg for call in calls for arg in call.args if isinstance(arg, promql.SubqueryExpr)]
    under = [one for one in inner if any(_of_prefix(node, prefix) for node in nodes(one))]
    lengths = (*(one.range for one in own), *(one.range for one in under))
    return [length.total_seconds() for length in lengths if length is not None]


def _of_prefix(node: Any, prefix: str) -> bool:
    return isinstance(node, promql.VectorSelector) and (node.name or "").startswith(prefix)


@cache
def _know_old_functions() -> None:
    # Prometheus 3 renamed it; the rules of older servers still call it by this name.
    kinds = promql.ValueType
    arguments = [kinds.Matrix, kinds.Scalar, kinds.Scalar]
    promql.register_extra_functions([promql.Function("holt_winters", arguments, kinds.Vector)])


def nodes(tree: Any) -> list[Any]:
    """Every node of a syntax tree."""
    nodes: list[Any] = []
    promql.walk(tree, nodes.append)
    return nodes


class _Scaling:
    """One walk over one tree: replaces nodes that hold durations, and collects remarks."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.remarks: list[Remark] = []

    def visit(self, node: Any) -> Any:
        """The node that takes the place of `node`, whose children are done already; None to keep it."""
        if isinstance(node, promql.MatrixSelector):
            inner = node.vector_selector  # its offset is divided by now: children are visited first
            return parse(f"{series_text(inner)}[{self._range(node.range)}]{modifiers_text(inner)}")
        if isinstance(node, promql.VectorSelector):
            return parse(f"{series_text(node)}{self._modifiers(node)}")
        if isinstance(node, promql.SubqueryExpr):
            return self._subquery(node)
        return self._call(node) if isinstance(node, promql.Call) else None

    def _subquery(self, node: promql.SubqueryExpr) -> Any:
        step = self._range(node.step) if node.step is not None else ""
        return parse(f"{node.expr.prettify()}[{self._range(node.range)}:{step}]{self._modifiers(node)}")

    def _call(self, node: promql.Call) -> Any:
        name = node.func.name
        if name in _WHY:
            self.remarks.append(Remark(one_line(node), _WHY[name]))
        if name != "predict_linear" or self._scale == 1:
            return None
        horizon = _constant(node.args[1])
        if horizon is None:
            self.remarks.append(Remark(one_line(node), "its horizon is no constant, so it was not divided"))
            return None
        return parse(f"predict_linear({node.args[0].prettify()}, {_number(horizon / self._scale)})")

    def _range(self, length: timedelta | None) -> str:
        if length is None:
            raise ValueError("a subquery without a range")
        return self._divided(length)

    def _modifiers(self, node: Any) -> str:
        at = _at(node)
        if at and node.at.type == promql.AtModifierType.At:
            self.remarks.append(Remark(at.strip(), "a fixed time does not move with a rehearsal"))
        return at if node.offset is None else f"{at} offset {self._divided(node.offset)}"

    def _divided(self, length: timedelta) -> str:
        milliseconds = _ms(length) / self._scale
        if abs(milliseconds) >= 1:
            return show_ms(round(milliseconds))
        reason = f"divided by {self._scale:g} it is below 1 ms, the least that Prometheus knows"
        self.remarks.append(Remark(show_ms(_ms(length)), reason))
        return show_ms(1 if milliseconds > 0 else -1)


def series_text(node: promql.VectorSelector) -> str:
    """The selector without range, offset and `@`, printed with every string escaped.

    The parser's own `str()` leaves quotes inside of strings as they are, so it cannot be used here.
    """
    if node.matchers.or_matchers:
        raise ValueError("`or` between label matchers is not PromQL; expected matchers with commas between them")
    matchers = [
        f"{_label(m.name)}{match_sign(m.op)}{json.dumps(m.value, ensure_ascii=False)}" for m in node.matchers.matchers
    ]
    return f"{node.name or ''}{{{','.join(matchers)}}}" if matchers else str(node.name)


def _label(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def modifiers_text(node: Any) -> str:
    """`@` and offset of a selector or a subquery as PromQL writes them; empty where it has none."""
    return _at(node) if node.offset is None else f"{_at(node)} offset {show_ms(_ms(node.offset))}"


def _at(node: Any) -> str:
    if node.at is None:
        return ""
    if node.at.type == promql.AtModifierType.At:
        return f" @ {node.at.at.timestamp():.3f}"
    return " @ start()" if node.at.type == promql.AtModifierType.Start else " @ end()"


def one_line(node: Any) -> str:
    """A part of an expression as a person quotes it."""
    return " ".join(node.prettify().split())


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)


def match_sign(op: promql.MatchOp) -> str:
    """The operator of a matcher as PromQL writes it."""
    return _MATCH[str(op).rpartition(".")[2]]


def _number(value: float) -> str:
    return f"{value:.15g}"


def _constant(node: Any) -> float | None:
    """The value of arithmetic on literals; None when a series or a function takes part, or it has no finite value."""
    if isinstance(node, promql.NumberLiteral):
        return node.val
    if isinstance(node, promql.ParenExpr):
        return _constant(node.expr)
    if isinstance(node, promql.UnaryExpr):
        inner = _constant(node.expr)
        return None if inner is None else -inner
    return _arithmetic(node) if isinstance(node, promql.BinaryExpr) else None


def _arithmetic(node: promql.BinaryExpr) -> float | None:
    left, right = _constant(node.lhs), _constant(node.rhs)
    compute = _OPERATORS.get(str(node.op))
    if left is None or right is None or compute is None:
        return None
    try:
        value = compute(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None
