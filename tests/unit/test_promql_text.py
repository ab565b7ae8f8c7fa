"""What is printed of an expression is that expression: parsed, printed and parsed again it is the same tree.

Trees are compared node by node: the parser's own printer has no say in it.
"""

from __future__ import annotations

import json
from typing import Any

import promql_parser as promql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakdrill.alerting.selectors import needed_samples, selected_series
from leakdrill.alerting.time_scale import parse, scale_expr, series_text


def shape(node: Any) -> Any:  # noqa: PLR0911 - one for each kind of node
    """All that a node says, as plain data."""
    if node is None or isinstance(node, str | bool | int):
        return node
    if isinstance(node, float):
        return repr(node)
    if isinstance(node, list | tuple):
        return [shape(one) for one in node]
    if isinstance(node, promql.Matchers):
        return sorted(repr((m.name, str(m.op), m.value)) for m in node.matchers)
    if isinstance(node, promql.Call):
        return ["call", node.func.name, [shape(arg) for arg in node.args]]
    if isinstance(node, promql.AtModifier):
        return ["at", str(node.type), str(node.at)]
    names = sorted(name for name in dir(node) if not name.startswith("_") and name not in ("parse", "prettify"))
    if not names or any(isinstance(getattr(type(node), name), type(node)) for name in names):
        return str(node)  # one of a few words
    parts = {name: getattr(node, name) for name in names}
    return [type(node).__name__, {key: shape(v) for key, v in parts.items() if not callable(v)}]


def bare(node: Any) -> Any:
    """A tree's shape: a metric's name is a condition like others, and where it is written says nothing."""
    told = shape(node)

    def walk(one: Any) -> Any:
        if isinstance(one, list) and len(one) == 2 and one[0] == "VectorSelector":
            inner = dict(one[1])
            name = inner.pop("name")
            extra = [repr(("__name__", "MatchOp.Equal", name))] if name else []
            return ["VectorSelector", {**inner, "matchers": sorted([*inner["matchers"], *extra])}]
        if isinstance(one, dict):
            return {key: walk(value) for key, value in one.items()}
        return [walk(part) for part in one] if isinstance(one, list) else one

    return walk(told)


texts = st.text(st.sampled_from("ab5m[]{}()\"'`\\\n\t,=~é内💧.-_ :@#$%"), max_size=8)
labels = st.sampled_from(
    ["x", "le", "on", "by", "offset", "bool", "k8s.pod.name", "team-a", "a b", "é", 'q"t', "b\\c", "`"]
)
metrics = st.sampled_from(
    ["a", "ns:b_total", "sum:x", "http.server.duration", "my metric", "内存", 'q"t', "a{b}", "bytes_é"]
)
patterns = st.sampled_from(["a|b", ".+", "é.*", "a\\.b", "(a|b)c?"])
equal = st.sampled_from(["=", "!="])
seconds = st.integers(min_value=1, max_value=100_000)


def _plain(name: str) -> bool:
    return name.isascii() and name.replace("_", "a").replace(":", "a").isalnum()


def _quoted(text: str, style: int) -> str:
    if style == 1 and "`" not in text:
        return f"`{text}`"
    if style == 2:
        inner = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{inner}'"
    return json.dumps(text, ensure_ascii=style != 3)


@st.composite
def strings(draw: st.DrawFn, inner: st.SearchStrategy[str] = texts) -> str:
    return _quoted(draw(inner), draw(st.integers(0, 3)))


@st.composite
def selector(draw: st.DrawFn) -> str:
    name = draw(metrics)
    conditions = [
        f"{label if _plain(label) else draw(strings(st.just(label)))}{draw(equal)}{draw(strings())}"
        for label in draw(st.lists(labels, max_size=3, unique=True))
    ]
    if draw(st.booleans()):
        conditions.append(f"x=~{draw(strings(patterns))}")
    if _plain(name):
        return f"{name}{{{','.join(conditions)}}}" if conditions else name
    conditions.insert(0, draw(strings(st.just(name))))
    return f"{{{','.join(conditions)}}}"


@st.composite
def modifiers(draw: st.DrawFn) -> str:
    at = draw(st.sampled_from(["", "", " @ start()", " @ end()", " @ 1609746000.123", " @ 5"]))
    return at + draw(st.sampled_from(["", "", f" offset {draw(seconds)}s", f" offset -{draw(seconds)}ms"]))


@st.composite
def ranged(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    if draw(st.booleans()):
        return f"{draw(selector())}[{draw(seconds)}s]{draw(modifiers())}"
    step = draw(st.sampled_from(["", "1m", "30s", "250ms"]))
    return f"({draw(inner)})[{draw(seconds)}m:{step}]{draw(modifiers())}"


@st.composite
def grouped(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    names = ", ".join(
        name if _plain(name) else json.dumps(name) for name in draw(st.lists(labels, max_size=2, unique=True))
    )
    by = f"by ({names}) " if names else ""  # by no label is what is meant without a word, and printed so
    how = draw(st.sampled_from(["", by, f"without ({names}) "]))
    op = draw(st.sampled_from(["sum", "max", "count", "stddev", "group", "topk", "quantile", "count_values"]))
    given_first = {"topk": "3, ", "quantile": "0.9, ", "count_values": f"{draw(strings())}, "}.get(op, "")
    return f"{op} {how}({given_first}{draw(inner)})"


@st.composite
def both(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    op = draw(
        st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool"])
    )
    one = draw(labels)
    name = one if _plain(one) else json.dumps(one)
    matching = draw(st.sampled_from(["", f" on ({name})", f" ignoring ({name}, y)", " on ()"]))
    side = draw(st.sampled_from(["", " group_left ()", " group_left (z)", " group_right (z)"])) if matching else ""
    fill = draw(st.sampled_from(["", " fill (0)", " fill_left (1) fill_right (-2)"])) if not side else ""
    if draw(st.integers(0, 3)) == 0:
        op, side, fill = draw(st.sampled_from(["and", "or", "unless"])), "", ""
    return f"({draw(inner)}) {op}{matching}{side}{fill} ({draw(inner)})"


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = st.sampled_from(["rate", "increase", "max_over_time", "last_over_time", "resets", "absent_over_time"])
    return st.one_of(
        st.builds(lambda f, r: f"{f}({r})", functions, ranged(inner)),
        st.builds(lambda q, r: f"quantile_over_time({q}, {r})", st.sampled_from(["0.5", "1e-3", "0x1"]), ranged(inner)),
        st.builds(lambda e, a, b: f"label_replace({e}, {a}, {b}, {a}, {b})", inner, strings(), strings()),
        st.builds(lambda e, a: f'label_join({e}, "d", {a}, "x", "y")', inner, strings()),
        st.builds(
            lambda e, n: f"clamp({e}, {n}, 1e9)", inner, st.sampled_from(["-Inf", "NaN", "-5", "1.5e-7", "1e300"])
        ),
        st.builds(lambda e: f"-({e}) ^ 2", inner),
        st.builds(lambda e: f"vector(scalar({e}))", inner),
        grouped(inner),
        both(inner),
    )


expressions = st.recursive(st.builds(lambda s, m: s + m, selector(), modifiers()), _grow, max_leaves=5)


def _parsed(expr: str) -> Any:
    """The tree; None where the parser takes the expression for wrong, such as a name that is given twice."""
    try:
        return parse(expr)
    except ValueError:
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expr=expressions)
def test_printed_and_parsed_again_it_is_the_same(expr: str) -> None:
    tree = _parsed(expr)
    if tree is not None:
        printed = scale_expr(expr, 1).text
        assert bare(parse(printed)) == bare(tree), printed
        again = scale_expr(printed, 1).text  # the printer of the library puts conditions into any order
        assert bare(parse(again)) == bare(tree), again


def test_most_of_these_are_expressions() -> None:
    """Otherwise the test above would show nothing."""
    tried: list[bool] = []

    @settings(max_examples=100, database=None, derandomize=True, deadline=None)
    @given(expr=expressions)
    def look(expr: str) -> None:
        tried.append(_parsed(expr) is not None)

    look()
    assert sum(tried) > 0.9 * len(tried)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expr=expressions)
def test_the_text_of_a_selector_is_that_selector(expr: str) -> None:
    """It is what Prometheus is asked for, and by which a record tells selectors from each other."""
    if _parsed(expr) is None:
        return
    for one in selected_series(expr):
        (again,) = selected_series(one.text)
        assert (again.text, sorted(again.matchers)) == (one.text, sorted(one.matchers))
    assert {sample.text for group in needed_samples(expr) for sample in group} <= {
        s.text for s in selected_series(expr)
    }


@pytest.mark.parametrize(
    "expr",
    [
        r'label_replace(rate(a[5m]), "x", "$1\n\"q\"", "y", "(.*)\\d\"")',
        r"""{`http.server.duration`, "k8s.pod.name"='it\'s', b=~`\d+\.\d"`}""",
        'sum by ("k8s.pod.name", `a b`) (rate({"my.metric"}[5m]))',
        'a * on ("x.y") group_left ("z.w") b',
        'count_values(`v"e`, a)',
        'a # a comment with "quotes` and {braces\n+ b',
        'a{b="\\u00e9\\x41\\101\\t"}',
        "sum:a:b offset -5m @ end()",
    ],
)  # fmt: skip
def test_strings_and_names_of_every_kind_are_printed(expr: str) -> None:
    assert bare(parse(scale_expr(expr, 1).text)) == bare(parse(expr))


@pytest.mark.parametrize("expr", ["a @ -5", "rate(a[5m] @ -1.5)", "a offset 5m @-3"])
def test_a_time_before_the_clock_began_is_refused_and_ends_nothing(expr: str) -> None:
    with pytest.raises(ValueError, match="before 1970"):
        scale_expr(expr, 60)
    with pytest.raises(ValueError, match="before 1970"):
        selected_series(expr)
    assert series_text(parse('a{b="@ -5"}')) == 'a{b="@ -5"}'


@pytest.mark.parametrize(
    ("expr", "plain"),
    [
        ("a > 1_000_000", "a > 1000000"),
        ("a > 0x_53_AB", "a > 0x53AB"),
        ("rate(a_5_m[5m]) > 1_0.5", "rate(a_5_m[5m]) > 10.5"),
        ('a{b="1_0", c=`2_0`} > 3_0 # 4_0', 'a{b="1_0", c="2_0"} > 30'),
        ("a:1_0 + a1_0", "a:1_0 + a1_0"),
    ],
)
def test_underscores_in_numbers_are_none_of_the_number(expr: str, plain: str) -> None:
    assert bare(parse(expr)) == bare(parse(plain))
