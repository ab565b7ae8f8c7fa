"""A rule is called impossible only where no result of its expression can come in the drill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leakdrill.alerting.cannot_fire import refuse_long_for, why_it_cannot_fire
from leakdrill.alerting.rules import AlertRule
from leakdrill.alerting.short_times import short_times
from leakdrill.errors import BadInput
from leakdrill.scenario.alerts import Alerts
from leakdrill.scenario.scenario import Scenario

LASTS_S = 130.0
POSSIBLE = [
    ("rate(a[20s]) > 1 or vector(1)", 0, 60),
    ("rate(a[20s]) > 1 or b > 1", 0, 60),
    ("b > 1 unless rate(a[20s]) > 1", 0, 60),
    ("absent(rate(a[20s]))", 0, 60),
    ("b > 1 and absent(rate(a[20s]))", 0, 60),
    ("a > 1 or a offset 2d > 1", 0, 60),
    ("a unless a offset 1d", 0, 1),
    ("absent(a offset 1d)", 0, 1),
    ("a > 2 * (a offset 1d or vector(0))", 0, 1),
    ("a > 2 * avg_over_time(a[1d])", 0, 1),
    ("count_over_time(a[1d]) > 1", 0, 1),
    ("present_over_time(a[1s]) > 0", 0, 60),
    ("a > 1", 600, 60),
    ("a > 1", 1, 60),
    ("vector(scalar(rate(a[5s]))) > 1", 0, 60),
    ("a offset -1d > 1", 0, 1),
    ("rate(a[1m]) > 1", 0, 60),
    ("increase(a[30s]) > 0 or on() vector(0)", 0, 60),
    ("changes(a[5s]) > 0", 0, 60),
    ("resets(a[5s]) > 0", 0, 60),
    ("vector(1)", 0, 60),
    ("hour() >= 0", 0, 60),
    ("absent_over_time(a[1d])", 0, 1),
    ("avg_over_time(a[1d]) > 1", 0, 1),
    ("ALERTS offset 1d", 0, 1),
    ("count(a offset 1d) or vector(0)", 0, 1),
    ("a > 1", 0, 1),
    ("rate(a[30s:1s]) > 1", 0, 60),
    ("min_over_time(a[1s]) > 0", 0, 60),
    ("(rate(a[5s]) or vector(0)) == 0", 0, 60),
    ("a and (rate(b[5s]) or rate(b[5m]))", 0, 60),
    ("a unless on() (b offset 1w)", 0, 1),
    ("quantile(0.9, a) > 1", 0, 60),
    ("a + fill (0) rate(b[5s])", 0, 60),
    ("a - a offset 5m > 1", 0, 60),
]
IMPOSSIBLE = [
    ("rate(a[20s]) > 1", 0, 60),
    ("b > 1 and rate(a[20s]) > 1", 0, 60),
    ("a > 2 * a offset 1d", 0, 1),
    ("a > 2 * avg_over_time(a[1d] offset 1d)", 0, 1),
    ("avg_over_time(a[5m:1m] offset 1d) > 1", 0, 1),
    ("max_over_time(rate(a[5s])[10m:]) > 1", 0, 60),
    ("a > 1", 86400, 1),
    ("a > 1", 86400, 60),
    ("rate(a[59s]) > 1", 0, 60),
    ("predict_linear(a[30s], 3600) < 0", 0, 60),
    ("deriv(a[30s]) < 0", 0, 60),
    ("sum(rate(a[5s])) by (x) / sum(b)", 0, 60),
    ("rate(a[5s] @ end()) > 1", 0, 60),
    ("(a offset 1d) + on() group_left b", 0, 1),
    ("a > bool a offset 1d", 0, 1),
    ("rate(a[10s]) > rate(a[1h])", 0, 60),
    ("timestamp(a offset 1d) > 0", 0, 1),
    ("irate(a[30s]) > 1", 0, 60),
    ("idelta(a[30s]) > 1", 0, 60),
    ("delta(a[30s]) > 1", 0, 60),
    ("label_replace(rate(a[5s]),'x','y','z','w') > 1", 0, 60),
    ("histogram_quantile(0.9, rate(a[5s])) > 1", 0, 60),
]


def _rule(expr: str, for_s: float) -> AlertRule:
    return AlertRule(
        name="A", labels={}, expr=expr, for_s=for_s, keep_firing_for_s=0, group="g", file=Path("r.yaml"), line=1
    )


def _why(expr: str, for_s: float, scale: float) -> str | None:
    return why_it_cannot_fire(_rule(expr, for_s), Alerts(time_scale=scale), lasts_s=LASTS_S)


@pytest.mark.parametrize(("expr", "for_s", "scale"), POSSIBLE)
def test_what_may_fire_is_not_called_impossible(expr: str, for_s: float, scale: float) -> None:
    """Another side of `or`, what comes after `unless`, and what `absent` asks for may stay empty."""
    assert _why(expr, for_s, scale) is None


@pytest.mark.parametrize(("expr", "for_s", "scale"), IMPOSSIBLE)
def test_what_cannot_fire_is_told(expr: str, for_s: float, scale: float) -> None:
    """Ranges below two scrapes, and offsets and `for` beyond the end of the drill."""
    reason = _why(expr, for_s, scale)
    assert reason is not None
    assert ("too short for two scrapes" in reason) or ("and the drill lasts" in reason)


def test_of_a_prometheus_that_others_run_only_for_counts() -> None:
    """Its series are older than the drill."""
    scenario = Scenario.model_validate(
        {
            "name": "a/b",
            "target": {"name": "shop", "command": ["true"]},
            "load": {"locustfile": "l.py"},
            "phases": {"warmup": "1s", "baseline": "5s", "load": "60s", "mitigate": "5s", "recover": "20s"},
            "alerts": {"prometheus": "http://127.0.0.1:9090", "expect": [{"alert": "A", "fires_within": "30s"}]},
        }
    )
    refuse_long_for([_rule("a offset 1d > 1", 60), _rule("a > 1", 86400)], scenario)
    with pytest.raises(BadInput, match=r"alerts.expect\[0\]: A cannot fire in this drill: its `for` is 1 d, and the"):
        refuse_long_for([_rule("a > 1", 86400)], scenario)


@pytest.mark.parametrize(
    ("expr", "for_s", "interval_s", "scale", "says"),
    [
        ("a > 1", 10, 0, 60, "its `for`, 10 s, which time_scale 60 makes 167 ms, is shorter than the time"),
        ("a > 1", 20, 30, 60, "evaluations, 500 ms: it fires as if `for` were 30 s"),
        ("a > 1", 5, 1, 60, "evaluations, 100 ms: it fires as if `for` were 6 s"),
        ("a > 1", 0.1, 0, 1, "its `for`, 100 ms, is shorter than the time between two evaluations, 500 ms"),
        ("a > 1", 59, 300, 1, "evaluations, 5 min: it fires as if `for` were 5 min"),
        ("rate(a[20s:10s]) > 1", 0, 0, 60, "the range of the subquery a[20s:10s], 20 s, which"),
        ("sum_over_time(a[5m:10s]) > 1", 0, 0, 60, "the resolution of the subquery a[5m:10s], 10 s, which"),
        ("b or on() (max_over_time(rate(a[5m])[1h:1s]) > 1)", 0, 0, 60, "subquery rate(a[5m])[1h:1s]"),
    ],
)  # fmt: skip
def test_a_time_below_what_prometheus_sees_is_told(
    expr: str, for_s: float, interval_s: float, scale: float, says: str
) -> None:
    rule = replace(_rule(expr, for_s), interval_s=interval_s)
    told = short_times(rule, Alerts(time_scale=scale))
    assert any(says in one for one in told), told


@pytest.mark.parametrize(
    ("expr", "for_s", "interval_s", "scale"),
    [
        ("a > 1", 0, 0, 60),
        ("a > 1", 30, 0, 60),
        ("a > 1", 300, 300, 60),
        ("rate(a[5m:30s]) > 1", 60, 0, 60),
        ("max_over_time(a[5m:]) > 1", 0, 0, 60),
        ("a > 1", 0.5, 0, 1),
    ],
)
def test_of_other_times_nothing_is_told(expr: str, for_s: float, interval_s: float, scale: float) -> None:
    assert short_times(replace(_rule(expr, for_s), interval_s=interval_s), Alerts(time_scale=scale)) == []
