"""Nobody was told of an alert that fired: the verdict names what was seen to keep the notification back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import ALERT, Record, drill, plan

from leakdrill.judging.checks.alerts import notification_arrives
from leakdrill.record.events import (
    AlertInhibited,
    AlertmanagerRequests,
    AlertRouted,
    BadNotification,
    Notification,
)

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict


def untold() -> Record:
    return drill().drop("alertmanager")


def routed(receiver: str = "on-call", **more: Any) -> AlertRouted:
    base: dict[str, Any] = {"group_wait_s": 0.5, "group_interval_s": 5.0, "route": "routing.yaml:7", "ways": "webhook"}
    return AlertRouted(receiver=receiver, labels=ALERT, **{**base, **more})


def judged(record: Record, receiver: str | None = None) -> Verdict:
    scenario = plan()
    alert = scenario.alerts.expect[0].model_copy(update={"receiver": receiver})
    return notification_arrives(record.history(), alert=alert, scenario=scenario)


def test_a_calendar_that_mutes_the_route_is_named():
    verdict = judged(untold().sample(35.5, routed(muted="within the time interval nights")))
    assert verdict.outcome == "FAIL"
    assert verdict.message == (
        "HighMemoryUsage fired, and its route to the receiver on-call (routing.yaml:7) is muted within the time "
        "interval nights: nobody was told"
    )
    assert "drill at another time" in verdict.hint


def test_a_calendar_that_mutes_no_more_is_not_blamed():
    record = untold().sample(35.5, routed(muted="within the time interval nights")).sample(36.0, routed())
    assert "muted" not in judged(record).message


def test_one_route_that_is_open_is_enough():
    record = untold().sample(35.5, routed(muted="within the time interval nights")).sample(35.5, routed("chat"))
    assert "muted" not in judged(record).message


def test_an_inhibition_of_which_nobody_was_told_is_named():
    record = untold().sample(36.0, AlertInhibited("NodeDown", by_severity="critical", labels=ALERT))
    verdict = judged(record.sample(36.0, routed()))
    assert verdict.outcome == "FAIL"
    assert "and NodeDown{severity=critical} inhibits it, of which nobody was told either" in verdict.message
    assert "labels under `equal` that both alerts lack count as equal" in verdict.hint


def test_a_route_to_another_receiver_is_named_with_its_line():
    record = untold().sample(35.5, routed("chat")).sample(36.0, Notification("firing", receiver="chat", labels=ALERT))
    verdict = judged(record, "pager")
    assert verdict.outcome == "FAIL"
    assert "Alertmanager leads it to the receiver chat (routing.yaml:7), not to the receiver pager" in verdict.message
    assert "`continue`" in verdict.hint


def test_a_receiver_that_notifies_nobody_is_named():
    verdict = judged(untold().sample(35.5, routed("null", ways="")))
    assert verdict.outcome == "FAIL"
    assert "and the receiver null (routing.yaml:7) notifies nobody" in verdict.message


@pytest.mark.parametrize(
    ("told_before", "waits", "named"),
    [
        (False, {"group_wait_s": 300.0}, "waits 5 min (`group_wait`)"),
        (True, {"group_interval_s": 300.0}, "waits 5 min (`group_interval`)"),
    ],
)
def test_a_route_that_waits_for_longer_than_the_drill_is_no_failure(told_before, waits, named):
    record = untold().sample(35.5, routed(**waits))
    if told_before:
        record.sample(9.0, Notification("firing", receiver="on-call", labels={"alertname": "Other"}))
    verdict = judged(record)
    assert verdict.outcome == "UNKNOWN"
    assert named in verdict.message
    assert "alerts.time_scale" in verdict.hint


def test_a_route_whose_wait_is_over_is_a_failure():
    verdict = judged(untold().sample(35.5, routed(group_wait_s=20.0)))
    assert verdict.outcome == "FAIL"
    assert "no notification reached any receiver" in verdict.message


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ([(5.0, 4, 1), (37.0, 4, 3)], "and all of the requests that Alertmanager made"),
        (
            [(5.0, 4, 1), (37.0, 6, 2)],
            "and 1 of 3 of the requests that Alertmanager made to receivers since then failed",
        ),
        ([(5.0, 4, 1)], "and no request of Alertmanager's to a receiver ended since"),
    ],
)
def test_a_receiver_that_refuses_or_does_not_answer_is_named(counts, named):
    record = untold().sample(35.5, routed())
    for t, succeeded, failed in counts:
        failing = "webhook" if t > 35 else ""
        record.sample(t, AlertmanagerRequests(float(succeeded), float(failed), failing=failing))
    verdict = judged(record)
    assert verdict.outcome == "FAIL"
    assert named in verdict.message
    assert "(webhook)" in verdict.message or len(counts) == 1
    assert "Alertmanager's log" in verdict.hint


def test_requests_that_all_succeed_are_not_blamed():
    record = untold().sample(5.0, AlertmanagerRequests(4.0, 1.0)).sample(37.0, AlertmanagerRequests(6.0, 1.0))
    assert "no notification reached any receiver" in judged(record).message


def test_a_notification_that_could_not_be_read_is_not_missing():
    verdict = judged(untold().sample(36.0, BadNotification("on-call", "it is no JSON")))
    assert verdict.outcome == "UNKNOWN"
    assert "what Alertmanager sent to the receiver on-call could not be read: it is no JSON" in verdict.message


def seen_from_outside(*counts: tuple[float, float, float, str]) -> Verdict:
    record = untold().sample(35.5, routed())
    for t, succeeded, failed, failing in counts:
        record.sample(t, AlertmanagerRequests(succeeded, failed, failing=failing))
    told = Notification("firing", receiver="on-call", via="api", labels=ALERT)
    return judged(record.sample(36.5, told))


def test_a_request_that_succeeded_while_others_began_to_fail_may_have_been_anothers():
    verdict = seen_from_outside((5.0, 4.0, 0.0, ""), (36.0, 5.0, 1.0, "webhook"))
    assert verdict.outcome == "UNKNOWN"
    assert "but other requests failed then (webhook): which of them was its nobody can tell" in verdict.message


@pytest.mark.parametrize(
    "counts",
    [
        [(5.0, 4.0, 0.0, ""), (36.0, 5.0, 0.0, "")],
        [(5.0, 4.0, 0.0, ""), (36.0, 5.0, 1.0, "email")],
        [(5.0, 4.0, 2.0, "webhook"), (36.0, 5.0, 3.0, "webhook")],
    ],
)
def test_failures_that_are_none_of_its_own_leave_it_told(counts):
    assert seen_from_outside(*counts).outcome == "PASS"
