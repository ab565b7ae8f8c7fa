"""Whether a load was spread: by the replicas' own counts, after they were there."""

from __future__ import annotations

import pytest
from histories import Record, phases, plan

from leakdrill.judging.checks.spread import load_is_spread
from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import ReplicaRequestCounts, StepAct


def scenario():
    compose = {"file": "compose.yaml", "service": "gateway", "entrance": "nginx"}
    return plan(
        target={"name": "inference-gateway", "compose": compose, "metrics": "/metrics"},
        steps=[{"name": "scale out", "scale": {"replicas": 2}, "seen": {"nothing": True}}],
    )


def record(*, second_per_s):
    """One replica until 50 s, where a step brings another; it answers `second_per_s`, the first 30 a second."""
    made = phases(Record()).act(StepAct("scale out", action="scale"), 50, 52)
    for t in range(5, 71):
        counts = {"gateway-1": 30.0 * t, "requests": 99.0 * t}
        if t >= 52 and second_per_s is not None:
            counts["gateway-2"] = second_per_s * (t - 52)
        made.sample(float(t), ReplicaRequestCounts.of(counts))
    return made.history()


@pytest.mark.parametrize(
    ("second_per_s", "outcome", "told"),
    [
        (25.0, "PASS", "an even share is"),
        (5.0, "FAIL", "was not spread over 2 replicas"),
        (0.0, "FAIL", "gateway-2: 0"),
        (None, "FAIL", "was not spread over 2 replicas: gateway-1"),
    ],
)
def test_each_replica_must_answer_half_of_an_even_share(second_per_s, outcome, told):
    verdict = load_is_spread(record(second_per_s=second_per_s), scenario=scenario(), replicas=2)
    assert (verdict.outcome, told in verdict.message) == (outcome, True), verdict.message


def test_replicas_that_nobody_read_are_unknown():
    verdict = load_is_spread(phases(Record()).history(), scenario=scenario(), replicas=2)
    assert verdict.outcome == "UNKNOWN"


def test_a_restarted_replica_counts_from_zero():
    made = phases(Record()).act(StepAct("scale out", action="scale"), 50, 52)
    for t in range(55, 71):
        made.sample(float(t), ReplicaRequestCounts.of({"gateway-1": 30.0 * t, "gateway-2": 30.0 * (t % 60)}))
    assert load_is_spread(made.history(), scenario=scenario(), replicas=2).outcome == "PASS"


def test_replicas_that_were_there_too_briefly_are_unknown():
    made = (
        phases(Record()).act(StepAct("scale out", action="scale"), 50, 52).act(StepAct("next", action="gc"), 55.5, 56)
    )
    for t in range(55, 71):
        made.sample(float(t), ReplicaRequestCounts.of({"gateway-1": 30.0 * t, "gateway-2": 30.0 * t}))
    verdict = load_is_spread(made.history(), scenario=scenario(), replicas=2)
    assert (verdict.outcome, "nothing longer than 500 ms" in verdict.message) == ("UNKNOWN", True), verdict.message


def test_it_is_asked_wherever_replicas_share_a_load():
    process = plan(steps=[{"name": "scale out", "scale": {"replicas": 2}}])
    for asked, there in ((scenario(), True), (process, True), (plan(), False)):
        checks = {v.check for v in judge_claims(record(second_per_s=25.0), asked)}
        assert ("load_is_spread" in checks) is there
