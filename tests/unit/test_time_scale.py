"""Every duration in an expression is divided, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import promql_parser as promql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakdrill.alerting.selectors import needs, selectors
from leakdrill.alerting.time_scale import parse, scale_expr

PRODUCTION = "predict_linear(memory{container='x'}[1h] offset -5m, 4 * 3600) > limit * 0.95"


@pytest.mark.parametrize(
    ("expr", "scaled"),
    [
        ("rate(a[5m])", "rate(a[5s])"),
        ("a offset 1h", "a offset 1m"),
        ("a offset -1h", "a offset -1m"),
        ("rate(a[5m] offset 10m)", "rate(a[5s] offset 10s)"),
        ("max_over_time((a > 0)[1h:1m])", "max_over_time((a > 0)[1m:1s])"),
        ("avg_over_time(rate(a[5m])[30m:] offset 1h)", "avg_over_time(rate(a[5s])[30s:] offset 1m)"),
        ("predict_linear(a[1h], 3600)", "predict_linear(a[1m], 60)"),
        ("predict_linear(a[1h], -(2 * 3600) + 60)", "predict_linear(a[1m], -119)"),
        ("predict_linear(a[1h:1m], 60)", "predict_linear(a[1m:1s], 1)"),
        ("a @ end() offset 1m", "a @ end() offset 1s"),
        ("rate(a[1m30s])", "rate(a[1s500ms])"),
        ("holt_winters(a[1h], 0.3, 0.7)", "holt_winters(a[1m], 0.3, 0.7)"),
    ],
)
def test_durations_are_divided(expr: str, scaled: str) -> None:
    """Ranges, offsets of either sign, subqueries and horizons are divided by the scale."""
    assert scale_expr(expr, 60).text == scaled
    assert scale_expr(expr, 60).remarks == ()


def test_text_that_looks_like_a_duration_stays() -> None:
    """Label values, label names and metric names are no durations, whatever they look like."""
    expr = r'sum by (x5m) (rate(a_5m{b="[5m] offset 5m \"q\" \\d", c=~"5m|1h"}[5m])) > 300'
    scaled = r'sum by (x5m) (rate(a_5m{b="[5m] offset 5m \"q\" \\d",c=~"5m|1h"}[5s])) > 300'
    assert scale_expr(expr, 60).text == scaled


@pytest.mark.parametrize(
    ("expr", "what"),
    [
        ("a @ 1700000000 > 1", "@ 1700000000.000"),
        ("rate(a[1h] @ 1700000000) > 1", "@ 1700000000.000"),
        ("hour() > 8", "hour()"),
        ("day_of_week(a) == 0", "day_of_week(a)"),
        ("time() - a > 300", "time()"),
        ("timestamp(a) > 3", "timestamp(a)"),
        ("count_over_time(a[1h]) < 3", "count_over_time(a[1m])"),
        ("predict_linear(a[1h], scalar(b)) > 1", "predict_linear(a[1m], scalar(b))"),
        ("predict_linear(a[1h], 1 / 0) > 1", "predict_linear(a[1m], 1 / 0)"),
        ("rate(a[30ms]) > 1", "30ms"),
    ],
)
def test_what_cannot_be_scaled_is_named(expr: str, what: str) -> None:
    """Fixed times, the calendar, ages, computed horizons and durations below 1 ms are named with a reason."""
    (remark,) = scale_expr(expr, 60).remarks
    assert remark.subject == what
    assert remark.reason
    assert str(remark).startswith(f"{what}: ")


@pytest.mark.parametrize("expr", ["", "a{", "rate(a)", "a offset 5 minuets", 'a{b="x" or c="d"}', "nosuch(a)"])
def test_broken_expressions_are_refused(expr: str) -> None:
    """What is no PromQL raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        scale_expr(expr, 60)


def test_selectors_are_what_must_match() -> None:
    """Each selector once, without ranges; neither what `absent` asks for nor the alerts' own series."""
    expr = 'rate(a{x="1"}[5m]) / a{x="1"} offset 5m > 1 unless absent(b) or ALERTS{alertname="C"} or {__name__="d"}'
    assert selectors(expr) == ['a{x="1"}', '{__name__="d"}']


@pytest.mark.parametrize(
    ("expr", "needed"),
    [
        ("a / b > 1", ["a", "b"]),
        ("a > 1 or b > 1", ["a or b"]),
        ("(a / b) or c", ["a or c", "b or c"]),
        ("a > 1 or vector(0)", []),
        ("a unless on (x) b", ["a"]),
        ("a and on () b", ["a", "b"]),
        ("a * on () group_left (x) max(b)", ["a", "b"]),
        ("absent(a)", []),
        ("absent(a) and b", ["b"]),
        ("a == 0 unless absent(a)", ["a"]),
        ("a > scalar(b)", ["a"]),
        ("a > ignoring (x) vector(scalar(b))", ["a"]),
        ("a + on (x) fill_right (0) b", ["a"]),
        ("a + fill (0) b", ["a or b"]),
        ("histogram_quantile(scalar(q), rate(a[5m]))", ["a"]),
        ("quantile_over_time(0.9, a[5m])", ["a"]),
        ("sum(rate(a[5m:1m])) by (x) > time() - 5", ["a"]),
        ("a unless ALERTS", ["a"]),
        ("ALERTS or a", []),
    ],
)
def test_what_an_expression_needs(expr: str, needed: list[str]) -> None:
    """An empty side of `or`, the right of `unless`, and what `absent` asks for explain no silence."""
    assert sorted(" or ".join(sorted(alternatives)) for alternatives in needs(expr)) == needed


_values = st.text(alphabet='ab5m[]{}"\\\n é', max_size=6)
_seconds = st.integers(min_value=1, max_value=10_000)
_names = st.sampled_from(["a", "b_total", "ns:c"])


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@st.composite
def _selector(draw: st.DrawFn) -> str:
    labels = draw(st.dictionaries(st.sampled_from(["x", "y"]), _values, max_size=2))
    inside = ",".join(f"{name}={_quote(value)}" for name, value in labels.items())
    return f"{draw(_names)}{{{inside}}}"


@st.composite
def _offset(draw: st.DrawFn) -> str:
    sign = draw(st.sampled_from(["", "-"]))
    return draw(st.sampled_from(["", f" offset {sign}{draw(_seconds)}m", " @ start()"]))


@st.composite
def _ranged(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    sub = f"({draw(inner)})[{draw(_seconds)}m:{draw(st.sampled_from(['', '1m', '30s']))}]"
    matrix = f"{draw(_selector())}[{draw(_seconds)}m]"
    return draw(st.sampled_from([sub, matrix])) + draw(_offset())


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda r: f"rate({r})", _ranged(inner)),
        st.builds(lambda r, h: f"predict_linear({r}, {h} * 60)", _ranged(inner), _seconds),
        st.builds(lambda e: f"sum by (x, y) ({e})", inner),
        st.builds(lambda e: f"-({e}) ^ 2", inner),
        st.builds(lambda a, b: f"({a}) / on (x) group_left (y) ({b}) > bool 0.25", inner, inner),
        st.builds(lambda a, b: f"({a}) unless ({b})", inner, inner),
    )


_exprs = st.recursive(st.builds(lambda s, o: s + o, _selector(), _offset()), _grow, max_leaves=6)


def _durations(expr: str) -> list[float]:
    found: list[float] = []

    def note(node: Any) -> None:
        for name in ("range", "step", "offset"):
            length = getattr(node, name, None)
            if length is not None:
                found.append(length.total_seconds())
        if isinstance(node, promql.Call) and node.func.name == "predict_linear":
            found.append(_horizon(node.args[1]))

    promql.walk(parse(expr), note)
    return found


def _horizon(node: Any) -> float:
    return node.val if isinstance(node, promql.NumberLiteral) else node.lhs.val * node.rhs.val


@settings(max_examples=100, deadline=None)
@given(expr=_exprs, scale=st.sampled_from([2, 6, 60]))
def test_all_durations_of_any_expression_are_divided(expr: str, scale: int) -> None:
    """In whatever the grammar builds, every duration is divided once, and the result is valid PromQL."""
    scaled = scale_expr(expr, scale)
    assert _durations(scaled.text) == pytest.approx([d / scale for d in _durations(expr)])
    assert scaled.remarks == ()


@settings(max_examples=100, deadline=None)
@given(expr=_exprs)
def test_scale_one_changes_nothing(expr: str) -> None:
    """Divided by one, an expression stays what it was."""
    assert scale_expr(expr, 1).text == parse(expr).prettify()


@settings(max_examples=50, deadline=None)
@given(expr=_exprs)
def test_dividing_twice_is_dividing_by_the_product(expr: str) -> None:
    """Scaling by 2 and then by 30 is scaling by 60."""
    assert scale_expr(scale_expr(expr, 2).text, 30).text == scale_expr(expr, 60).text


@pytest.mark.parametrize(
    "expr",
    ["(" * 10**6 + "up" + ")" * 10**6, "-" * 10**5 + "up", " or ".join(["up"] * 50_000), "abs(" * 20_000, "1^" * 9_000,
     "up[5m:1m]" * 9_000, "up{" * 9_000, " UNLESS ".join(["up"] * 9_000)],
)  # fmt: skip
def test_an_expression_that_would_end_the_parser_is_refused(expr):
    with pytest.raises(ValueError, match=r"it has [\d,]+ operators and parentheses; expected at most 500"):
        scale_expr(expr, 60.0)


def test_long_expressions_that_people_write_are_read():
    assert parse(" or ".join(f'rate(errors_total{{job="a-(b)-{n}"}}[5m]) > 0.5' for n in range(60)))
    assert parse('up{a="' + "(-" * 5_000 + '"} > 1')
