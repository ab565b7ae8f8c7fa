"""An alert that must hold for a while cannot see what is faster than that; the drill says how fast that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import Record, drill, flat, leaking, plan

from leakdrill.alerting.threshold import memory_threshold
from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import MemoryThreshold, TargetExited

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

USED, LIMIT = 'container_memory_usage_bytes{container="a"}', 'container_spec_memory_limit_bytes{container="a"}'


@pytest.mark.parametrize(
    ("expr", "ratio"),
    [
        (f"{USED} / {LIMIT} > 0.8", 0.8),
        (f"({USED} / {LIMIT} * 100) > 75", 0.75),
        (f"100 * ({USED} / {LIMIT}) >= 90", 0.9),
        (f"{USED} > 0.8 * {LIMIT}", 0.8),
        (f"{USED} * 100 / {LIMIT} > 98", 0.98),
        (f"0.8 < {USED} / {LIMIT}", 0.8),
        (f"max by (pod) (container_memory_working_set_bytes) / on () group_left () {LIMIT} > 0.5", 0.5),
        (f"sum({USED}) / sum({LIMIT}) > 0.9", 0.9),
        (f"({USED} / {LIMIT} > 0.8) and ({LIMIT} > 0)", 0.8),
        (f'({LIMIT} > 0) and {{__name__="build_process_memory_bytes"}} / {LIMIT} > 0.7', 0.7),
    ],
)
def test_a_comparison_of_memory_with_its_limit_has_a_threshold(expr: str, ratio: float) -> None:
    assert memory_threshold(expr) == pytest.approx(ratio)


@pytest.mark.parametrize(
    "expr",
    [
        f"{USED} > 100000000",
        f"{USED} / {LIMIT} < 0.8",
        f"{USED} / {LIMIT}",
        f"deriv({USED}[5m]) / {LIMIT} > 0.8",
        f"avg_over_time({USED}[5m]) / {LIMIT} > 0.8",
        f"{USED} / {LIMIT} > 0.8 or {USED} > 5",
        f"{USED} / {LIMIT} > 1.5",
        f"{USED} / {LIMIT} / 0 > 1",
        "rate(container_cpu_usage_seconds_total[5m]) > 0.8",
        "gpu_memory_used_bytes / gpu_memory_total_bytes > 0.95",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1",
        "vector(1)",
    ],
)
def test_of_other_expressions_nothing_is_said(expr: str) -> None:
    assert memory_threshold(expr) is None


def ruled(record: Record, ratio: float, for_s: float, severity: str = "warning") -> Record:
    return record.sample(15, MemoryThreshold(ratio, for_s, alert="HighMemoryUsage", severity=severity))


def told(record: Record, scenario: Scenario | None = None) -> Verdict:
    verdicts = judge_claims(record.history(), scenario or plan())
    return next(v for v in verdicts if v.check == "alert_fires_before_oom_kill")


def killed(at: float) -> Record:
    """A drill whose leak is eight times as fast, so that the kernel kills the target at `at`."""
    record = drill(lambda t: flat(t) + (8 * (leaking(t) - flat(t)) if t < at else 0)).drop("prometheus", "alert")
    return record.sample(at, TargetExited(-9.0, signal="SIGKILL", oom_kill="true"))


def test_a_leak_that_the_alert_can_see_is_named_as_slower() -> None:
    verdict = told(ruled(drill(), 0.8, 8))
    assert verdict.outcome == "PASS"
    assert verdict.message.endswith(
        "to spare; 80 % held for 8 s is blind to leaks faster than 150 % of the limit a minute; "
        "this one grew by 93.8 % of the limit a minute, which is slower"
    )
    assert verdict.numbers["blind_above_share_per_production_min"] == pytest.approx(1.5)
    assert verdict.numbers["leak_share_per_production_min"] == pytest.approx(6.25 / 400 * 60)


def test_speeds_are_told_in_production_time_and_in_rehearsal_time() -> None:
    alerts = {"rules": ["r"], "time_scale": 60, "expect": [{"alert": "HighMemoryUsage", "fires_within": "30s"}]}
    verdict = told(ruled(drill(), 0.8, 300), plan(alerts=alerts))
    assert "80 % held for 5 min is blind to leaks faster than 4 % of the limit a minute (rehearsal: 4 % a second)" in (
        verdict.message
    )
    assert "this one grew by 1.56 % of the limit a minute (rehearsal: 1.56 % a second), which is slower" in (
        verdict.message
    )


def test_a_kill_by_a_leak_that_is_too_fast_fails_and_says_that_the_rule_is_blind_to_it() -> None:
    verdict = told(ruled(killed(22), 0.8, 30))
    assert verdict.outcome == "FAIL"
    assert "did not fire; the container was OOM-killed after" in verdict.message
    assert verdict.message.endswith("which is faster: the rule is blind to it")
    assert "threshold" in verdict.hint


def test_a_kill_before_a_late_alert_says_so_too() -> None:
    verdict = told(ruled(killed(22).alert(30, "firing"), 0.8, 30))
    assert verdict.outcome == "FAIL"
    assert "too late; 80 % held for 30 s" in verdict.message
    assert verdict.message.endswith("the rule is blind to it")


def test_a_kill_by_a_slow_leak_is_not_blamed_on_the_rule() -> None:
    verdict = told(ruled(killed(22), 0.8, 0.1))
    assert verdict.outcome == "FAIL"
    assert "blind to it" not in verdict.message


def test_without_growth_and_without_a_threshold_nothing_is_said_of_blindness() -> None:
    assert told(drill(flat)).outcome == "UNKNOWN"
    for record in (drill(), ruled(drill(), 0.8, 0), ruled(drill(flat), 0.8, 300)):
        assert "blind" not in told(record).message


def test_of_several_levels_the_one_that_is_expected_counts_else_the_one_that_sees_most() -> None:
    record = ruled(ruled(drill(), 0.75, 300), 0.9, 30, "critical")
    one = [{"alert": "HighMemoryUsage", "labels": {"severity": "critical"}, "fires_within": "30s"}]
    assert told(record, plan(alerts={"rules": ["r"], "expect": one})).numbers["threshold"] == 0.9
    assert told(record).numbers["threshold"] == 0.9
