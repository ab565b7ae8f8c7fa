"""The states of alerts, and when Prometheus did not know them: literal events in, spans out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import ALERT, Record, plan

from leakdrill.judging.evidence.alert_states import (
    Silence,
    alertmanager_silences,
    already_active,
    firing_spans,
    first_firing,
    rests_on_kubelet_series,
    rule_errors,
    series_key,
    tolerated_gap_s,
    transitions,
    unanswered,
)
from leakdrill.judging.evidence.windows import Span
from leakdrill.record.events import (
    AlertmanagerPoll,
    AlertTransition,
    KubeletScrape,
    PrometheusPoll,
    PrometheusStart,
    RuleError,
    SelectorMatches,
    TargetRestart,
)
from leakdrill.scenario.alerts import AlertName

if TYPE_CHECKING:
    from leakdrill.scenario.alerts import Alerts

HIGH = AlertName(alert="HighMemoryUsage")
SPAN = Span(10, 60)


def event(when: float, state: str, **labels: str) -> AlertTransition:
    return AlertTransition(state, labels=ALERT | labels, t=when + 0.2, at=when)


def alerts(**keys: Any) -> Alerts:
    return plan(alerts={"rules": ["rules.yml"]} | keys).alerts


def test_transitions_come_in_the_order_of_prometheus_own_clock() -> None:
    record = Record().alert(31, "firing", at=29).alert(30, "pending", at=29).alert(30.5, "pending", at=20)
    record.alert(32, "firing", at=28, alertname="Other")
    history = record.history()
    assert [(e.state, e.when) for e in transitions(history, HIGH)] == [("pending", 20), ("pending", 29), ("firing", 29)]
    assert [e.when for e in transitions(history)] == [20, 28, 29, 29]
    assert series_key(transitions(history)[0]) == frozenset(ALERT.items())


@pytest.mark.parametrize(
    ("events", "active"),
    [
        ([], False),
        ([event(9, "firing")], True),
        ([event(10, "firing")], False),
        ([event(9, "pending")], False),
        ([event(9, "pending"), event(10, "firing")], True),
        ([event(9, "pending"), event(12, "inactive"), event(20, "firing")], False),
        ([event(9, "pending"), event(20, "firing"), event(30, "resolved")], True),
        ([event(8, "firing"), event(9, "resolved")], False),
        ([event(8, "firing"), event(9, "resolved"), event(11, "firing")], False),
        ([event(9, "pending", pod="a"), event(12, "firing", pod="b")], False),
        ([event(8, "resolved", pod="a"), event(9, "firing", pod="b")], True),
        ([event(8, "inactive"), event(12, "firing")], False),
    ],
)
def test_an_alert_was_active_when_a_series_fired_or_went_on_to_fire(
    events: list[AlertTransition], active: bool
) -> None:
    assert already_active(events, 10) == active


def test_the_first_firing_is_at_or_after_the_moment() -> None:
    events = [event(9, "firing"), event(10, "pending"), event(11, "firing"), event(12, "firing")]
    assert first_firing(events, 10) is events[2]
    assert first_firing(events, 11) is events[2]
    assert first_firing(events, 9) is events[0]
    assert first_firing(events, 12.1) is None


def test_an_alert_fires_while_any_series_does() -> None:
    assert firing_spans([], end_s=60) == []
    assert firing_spans([event(5, "pending"), event(9, "resolved")], end_s=60) == []
    events = [event(10, "firing", pod="a"), event(12, "firing", pod="b"), event(14, "resolved", pod="a")]
    assert firing_spans(events, end_s=60) == [Span(10, 60)]
    events += [event(15, "pending", pod="c"), event(20, "resolved", pod="b"), event(22, "inactive", pod="c")]
    assert firing_spans(events, end_s=60) == [Span(10, 20)]
    events += [event(30, "firing", pod="a"), event(31, "pending", pod="a"), event(40, "firing", pod="a")]
    assert firing_spans(events, end_s=60) == [Span(10, 20), Span(30, 31), Span(40, 60)]


def test_the_rules_that_cannot_be_evaluated_are_told_of_one_alert_or_of_all() -> None:
    record = Record().sample(3, RuleError("no such label", rule="HighMemoryUsage")).sample(4, RuleError("bad"))
    history = record.history()
    assert rule_errors(history) == [("HighMemoryUsage", "no such label", 0), ("?", "bad", 1)]
    assert rule_errors(history, "HighMemoryUsage") == [("HighMemoryUsage", "no such label", 0)]
    assert rule_errors(history, "Other") == []


@pytest.mark.parametrize(("interval", "tolerated_s"), [("100ms", 1.0), ("500ms", 1.5), ("1s", 3.0)])
def test_three_evaluations_may_be_missed_and_always_a_second(interval: str, tolerated_s: float) -> None:
    assert tolerated_gap_s(alerts(evaluation_interval=interval)) == pytest.approx(tolerated_s)


def polled(*but: tuple[float, float], **values: float) -> Record:
    """Prometheus is asked twice a second from 0 to 70 s, but not between the given times."""
    record = Record()
    for half in range(141):
        t = half / 2
        if not any(start < t < end for start, end in but):
            record.sample(t, PrometheusPoll(**({"up": 1.0} | values)))
    return record


def silences(record: Record, **keys: Any) -> list[Silence]:
    return unanswered(record.history(), alerts(evaluation_interval="1s", scrape_interval="1s", **keys), SPAN)


def test_prometheus_may_be_silent_for_three_evaluations() -> None:
    assert silences(polled()) == []
    assert silences(polled((20, 23))) == []
    (silence,) = silences(polled((20, 23.5)))
    assert silence == Silence(20, 23.5)
    assert str(silence) == "Prometheus did not answer for 3.5 s"
    assert silences(polled((55, 80))) == [Silence(55, 60)]
    assert silences(polled((-1, 14))) == [Silence(10, 14)]
    assert silences(Record()) == [Silence(10, 60)]


def test_a_poll_answers_unless_it_is_empty_or_down() -> None:
    assert silences(polled().change("prometheus", "poll", lambda e: None if 20 < e.t < 24 else e.value)) != []
    assert silences(polled().change("prometheus", "poll", lambda e: {"up": 0.0} if 20 < e.t < 24 else e.value)) != []
    firing = polled().change("prometheus", "poll", lambda e: {"alerts_firing": 1.0} if 20 < e.t < 24 else e.value)
    assert silences(firing) == []
    half = polled().change("prometheus", "poll", lambda e: {"up": 0.5} if 20 < e.t < 24 else e.value)
    assert silences(half) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("evaluation_late_s", "Prometheus did not evaluate the rules"),
        ("scrape_late_s", "Prometheus took in no readings of the target"),
    ],
)
def test_prometheus_may_be_late_with_its_own_work_for_as_long(name: str, reason: str) -> None:
    def late(*polls: tuple[float, float]) -> list[Silence]:
        by_time = dict(polls)
        return silences(polled().change("prometheus", "poll", lambda e: {"up": 1.0, name: by_time.get(e.t, 0.1)}))

    assert late((20, 3.0)) == []
    assert late((20, 3.1)) == [Silence(16.9, 20, reason=reason)]
    assert str(late((20, 5.0))[0]) == f"{reason} for 5 s"
    assert late((12, 5.0)) == [Silence(10, 12, reason=reason)]
    assert late((9.5, 5.0), (60.5, 5.0)) == []
    assert late((10, 5.0)) == [Silence(10, 10, reason=reason)]
    assert late((60, 5.0)) == [Silence(55, 60, reason=reason)]
    assert late((20, 5.0), (25, 5.0)) == [Silence(15, 25, reason=reason)]
    assert late((20, 5.0), (25.5, 5.0)) == [Silence(15, 20, reason=reason), Silence(20.5, 25.5, reason=reason)]


def test_rare_scrapes_may_be_late_for_three_of_them() -> None:
    def late(seconds: float) -> list[Silence]:
        record = polled().change(
            "prometheus", "poll", lambda e: {"up": 1.0, "scrape_late_s": seconds if e.t == 30 else 0}
        )
        return unanswered(record.history(), alerts(evaluation_interval="1s", scrape_interval="4s"), SPAN)

    assert late(12.0) == []
    assert late(12.1) == [Silence(30 - 12.1, 30, reason="Prometheus took in no readings of the target")]


def test_a_clock_that_was_set_hides_all_that_follows_and_is_no_lateness() -> None:
    def ahead(*steps: tuple[float, float], late: bool = False) -> list[Silence]:
        def value(poll: Any) -> dict[str, float]:
            gained = sum(more for t, more in steps if poll.t >= t)
            return {"up": 1.0, "clock_ahead_s": gained} | ({"evaluation_late_s": 9.0} if late else {})

        return silences(polled().change("prometheus", "poll", value))

    assert ahead((20, 0.25)) == []
    assert ahead((20, 0.5)) == [Silence(20, 60, reason="the clock of this machine had been set by +0.5 s")]
    assert ahead((20, -30), late=True) == [Silence(20, 60, reason="the clock of this machine had been set by -30.0 s")]
    assert ahead((10, 3)) == [Silence(10, 60, reason="the clock of this machine had been set by +3.0 s")]
    assert ahead((9.5, 3)) == []
    assert ahead((60, 3)) == []
    assert [one.start_s for one in ahead((20, 3), (30, -3))] == [20, 30]


def test_alertmanager_may_fail_to_answer_once() -> None:
    def failed(*times: float) -> list[Silence]:
        record = Record().sample(15, AlertmanagerPoll())
        for t in times:
            record.sample(t, AlertmanagerPoll(error=f"refused at {t:g}"))
        return alertmanager_silences(record.history(), SPAN)

    assert failed(20) == []
    assert failed(9.9, 20, 60.1) == []
    assert failed(10, 60) == [Silence(10, 60, "Alertmanager did not answer (refused at 10)", (0, 2))]
    assert failed(20, 30, 25) == [Silence(20, 30, "Alertmanager did not answer (refused at 20)", (1, 2, 3))]


def scraped(*errors: tuple[float, str], until: float = 70) -> Record:
    """The kubelet's series each 5 s, but a failed scrape at the given times."""
    record, failing = polled(), dict(errors)
    for t in range(0, int(until) + 1, 5):
        error = failing.get(float(t))
        record.sample(t, KubeletScrape(error=error) if error else KubeletScrape(series=3.0))
    return record


def test_the_kubelets_series_may_be_missing_for_as_long_as_prometheus_measures() -> None:
    missing = "Prometheus had no series of the kubelet's"
    assert silences(scraped()) == []
    assert silences(scraped((15, "a"), (20, "b"), (25, "c"))) == []
    assert silences(scraped((15, "a"), (20, "b"), (25, "c"), (30, "d"))) == [Silence(10, 35, reason=f"{missing} (d)")]
    assert silences(scraped(until=35)) == [Silence(35, 60, reason=f"{missing} (nobody looked)")]
    assert silences(scraped((5, "a"), (10, "b"), (15, "c"), (20, "d"), (25, "e"), (30, "f"), (35, "g"))) == [
        Silence(10, 40, reason=f"{missing} (g)")
    ]


def test_the_kubelets_series_may_be_missing_while_the_target_is_down() -> None:
    record = scraped((15, "a"), (20, "b"), (25, "c"), (30, "d"))
    assert silences(record.act(TargetRestart(), 15, 20)) == []
    longer = scraped(*((float(t), "a") for t in range(15, 45, 5)))
    assert silences(longer.act(TargetRestart(), 11, 20)) == [
        Silence(21.5, 45, reason="Prometheus had no series of the kubelet's (a)")
    ]


@pytest.mark.parametrize(
    ("jobs", "alert", "started", "scraped_it", "rests"),
    [
        ("kubelet", "HighMemoryUsage", False, False, True),
        ("app,kubelet", "HighMemoryUsage", False, False, True),
        ("app", "HighMemoryUsage", False, False, False),
        ("kubelet", "Other", False, False, False),
        ("kubelet", "HighMemoryUsage", True, False, False),
        ("kubelet", "HighMemoryUsage", True, True, True),
        ("kubelet", "HighMemoryUsage", False, True, True),
    ],
)
def test_a_rule_rests_on_the_kubelet_where_its_job_published_what_was_selected(
    jobs: str, alert: str, started: bool, scraped_it: bool, rests: bool
) -> None:
    record = Record().sample(1, SelectorMatches(1.0, alert=alert, selector="up", jobs=jobs))
    if started:
        record.act(PrometheusStart(), 0, 0.5)
    if scraped_it:
        record.sample(2, KubeletScrape(series=1.0))
    assert rests_on_kubelet_series(record.history(), HIGH) == rests
