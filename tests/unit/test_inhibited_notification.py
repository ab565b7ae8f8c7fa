"""An inhibited alert is not missing when somebody was told of the one that stands for it."""

from __future__ import annotations

from histories import ALERT, Record, drill, plan

from leakdrill.judging.checks.alerts import notification_arrives
from leakdrill.record.events import AlertInhibited, Notification
from leakdrill.record.verdict import Outcome, Verdict


def judged(record: Record) -> Verdict:
    scenario = plan()
    return notification_arrives(record.history(), alert=scenario.alerts.expect[0], scenario=scenario)


def inhibited() -> Record:
    return (
        drill()
        .drop("alertmanager")
        .sample(36.0, AlertInhibited("HighMemoryUsage", by_severity="critical", labels=ALERT))
    )


def test_the_worse_alert_that_was_told_stands_for_the_inhibited_one() -> None:
    """The verdict names the alert that inhibited it and the receiver that was told."""
    critical = Notification("firing", receiver="on-call", labels={**ALERT, "severity": "critical"})
    verdict = judged(inhibited().sample(36.5, critical))
    assert verdict.outcome is Outcome.PASS
    assert verdict.message == (
        "HighMemoryUsage was inhibited by HighMemoryUsage{severity=critical}, of which the receiver on-call was told"
    )


def test_an_inhibited_alert_whose_inhibitor_reached_nobody_is_missing() -> None:
    """Nobody heard of the fault at all."""
    assert judged(inhibited()).outcome is Outcome.FAIL
