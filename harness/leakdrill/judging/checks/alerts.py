"""Whether the alert fired in time, and whether its notification arrived."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from leakdrill.judging.checks.growth import leaks_show
from leakdrill.judging.evidence.alert_states import (
    already_active,
    first_firing,
    rests_on_kubelet_series,
    rule_errors,
    transitions,
    unanswered,
)
from leakdrill.judging.evidence.cause import Cause
from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.detection_limit import meant
from leakdrill.judging.evidence.failed_scrapes import failed_scrapes
from leakdrill.judging.evidence.load_share import begun_share
from leakdrill.judging.evidence.undelivered import doubt_about_delivery, why_undelivered
from leakdrill.judging.evidence.windows import Span, alerts_watched_from_s, step_runs, unasked_exits, watched_until_s
from leakdrill.record.events import (
    AlertInhibited,
    AlertTransition,
    Notification,
    SelectorMatches,
    TargetExited,
)
from leakdrill.scenario.alerts import AlertName
from leakdrill.scenario.kubernetes import KUBELET_MEASURES_WITHIN_S, KUBELET_SCRAPED_EVERY_S
from leakdrill.units import show_duration, show_durations, show_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import Alerts, ExpectedAlert
    from leakdrill.scenario.scenario import Scenario

_JUDGED_ON = " (judged on the kubelet's own series)"

_DELIVERY_S = 5.0
"""A record that ends sooner after the alert cannot say that nothing was delivered."""


def expected_firing(history: History, scenario: Scenario, alert: ExpectedAlert) -> AlertTransition | None:
    """The first time `alert` fired after the leak began; None when it did not, or the leak never began."""
    began_s = alerts_watched_from_s(history, scenario)
    return None if began_s is None else first_firing(transitions(history, alert), began_s)


def alert_fires_in_time(history: History, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
    """Whether `alert` reached `firing` at most `alert.fires_within` seconds after the leak began.

    By Prometheus' own clock, in rehearsal seconds; the verdict also names production time. UNKNOWN when Prometheus was
    silent for longer than is tolerated or the leak itself did not show, and the alert was not seen.
    """
    claim = Claim("alert_fires_in_time", str(alert))
    began_s = alerts_watched_from_s(history, scenario)
    if began_s is None:
        return claim.unknown(
            f"{alert} had nothing to detect: the leak never began", hint="see the verdict leak_grows_as_declared"
        )
    events = transitions(history, alert)
    if already_active(events, began_s):
        return claim.unknown(
            f"{alert} was already firing, or about to, before the leak began: it says nothing about the leak",
            events=[e.index for e in events if e.when < began_s],
            hint="its threshold lies below what the service needs at rest, or an earlier drill left something behind",
        )
    fired = first_firing(events, began_s)
    if fired is None:
        return _did_not_fire(history, claim, alert, scenario, began_s)
    return _fired(history, claim, alert, scenario, Span(began_s, fired.when), fired)


def _fired(
    history: History, claim: Claim, alert: ExpectedAlert, scenario: Scenario, took: Span, fired: AlertTransition
) -> Verdict:
    alerts = scenario.alerts
    kubelets = rests_on_kubelet_series(history, alert)
    measured_s = KUBELET_MEASURES_WITHIN_S + KUBELET_SCRAPED_EVERY_S if kubelets else alerts.scrape_interval
    floor_s = measured_s + alerts.evaluation_interval
    numbers = {
        "fired_after_s": took.length_s,
        "fired_after_production_s": took.length_s * alerts.time_scale,
        "budget_s": alert.fires_within,
        "budget_production_s": alert.fires_within * alerts.time_scale,
        "floor_s": floor_s,
        "time_scale": alerts.time_scale,
    }
    fired_after, budget = show_durations(took.length_s, alert.fires_within)
    message = (
        f"{alert} fired after {fired_after}{_production(took.length_s, alerts)}; "
        f"budget {budget}{_production(alert.fires_within, alerts)}; "
        f"of this, {'measuring, ' if kubelets else ''}scraping and evaluating may take {show_duration(floor_s)}, and "
        f"the rule's own `for` comes on top{_JUDGED_ON if kubelets else ''}"
    )
    if took.length_s <= alert.fires_within:
        return claim.holds(message, numbers=numbers, events=[fired.index])
    silences = unanswered(history, alerts, took)
    if silences:
        return claim.unknown(
            f"{message}; but {silences[0].reason} for a while before, so it may have fired earlier",
            numbers=numbers,
            events=[fired.index],
            hint="see the verdict measurements_are_complete",
        )
    share = begun_share(history, scenario, took)
    if share is not None and took.length_s * share <= alert.fires_within:
        return claim.unknown(
            f"{message}; but only {show_share(share)} of the tasks that were asked for were begun, and with all of "
            "them the leak would have come so much sooner",
            numbers=numbers | {"begun_share": share},
            events=[fired.index],
            hint="is this machine busy, or the service too slow for this load? Or ask for a lower `load.rate`",
        )
    return claim.fails(
        message, numbers=numbers, events=[fired.index], hint="lower the rule's threshold or its `for`, or the budget"
    )


def _did_not_fire(history: History, claim: Claim, alert: ExpectedAlert, scenario: Scenario, began_s: float) -> Verdict:
    window = Span(began_s, _watched_until(history, began_s, alert))
    numbers = {"watched_s": window.length_s, "budget_s": alert.fires_within}
    summary = f"{alert} had not fired {_both(window.length_s, scenario.alerts)} after the leak began"
    summary += _JUDGED_ON if rests_on_kubelet_series(history, alert) else ""
    silences = unanswered(history, scenario.alerts, window)
    if silences:
        return claim.unknown(
            f"{summary}, but {silences[0]} in that time",
            numbers=numbers,
            hint="see the verdict measurements_are_complete",
        )
    broken = _obstacle(history, alert, window)
    if broken:
        wording = claim.fails if broken.is_certain else claim.unknown
        return wording(f"{summary}: {broken.text}", numbers=numbers, events=broken.events, hint=broken.hint)
    if not leaks_show(history, scenario):
        return claim.unknown(
            f"{summary}, but the leak itself did not show", numbers=numbers, hint="see leak_grows_as_declared"
        )
    if window.length_s < alert.fires_within and not _ended(history, window):
        return claim.unknown(
            f"{summary}, and nothing longer was watched; budget {_both(alert.fires_within, scenario.alerts)}",
            numbers=numbers,
            hint="let `phases.load` last longer than `fires_within`",
        )
    return claim.fails(
        f"{summary}; budget {_both(alert.fires_within, scenario.alerts)}",
        numbers=numbers,
        events=[e.index for e in _ended(history, window)],
        hint="does the leak reach the rule's threshold within `phases.load`, and does its `for` fit into the budget?",
    )


def _watched_until(history: History, began_s: float, alert: ExpectedAlert) -> float:
    """The end of the time in which the alert had to fire: its budget, unless something ended the leak before."""
    steps = [run.start_s for run in step_runs(history) if run.act.succeeded and run.start_s >= began_s]
    exits = [e.when for e in unasked_exits(history) if e.when >= began_s]
    return min([began_s + alert.fires_within, watched_until_s(history), *steps, *exits])


def _ended(history: History, window: Span) -> list[TargetExited]:
    """The unasked end of the target that closed the window: nothing was left that could fire."""
    return [e for e in unasked_exits(history) if e.when == window.end_s]


def _obstacle(history: History, alert: ExpectedAlert, window: Span) -> Cause | None:
    """What kept the rule from firing, by the record; None when it shows nothing."""
    for _, reason, event in rule_errors(history, alert.alert):
        return Cause(f"its rule could not be evaluated ({reason})", "run the expression in promtool", (event,))
    of_alert = [e for e in history.of(SelectorMatches) if e.alert == alert.alert and meant(alert, e)]
    empty = [e for e in of_alert if e.series == 0 and not e.optional]
    if not empty:
        return failed_scrapes(history, alert, window)
    selectors = " and ".join(sorted({e.selector or "?" for e in empty}))
    return Cause(
        f"the rule's selector {selectors} matched no series: it can never fire",
        "check the selector's labels against the published series",
        tuple(e.index for e in empty),
    )


def notification_arrives(history: History, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
    """Whether a notification of `alert` arrived, at `alert.receiver` where one is named.

    Arrival counts by our clock: the notification's own time is the alert's start. An alert that Alertmanager inhibited
    is not missing when somebody was told of the one that stands for it.
    """
    claim = Claim("notification_arrives", str(alert))
    fired = expected_firing(history, scenario, alert)
    if fired is None:
        return claim.unknown(f"{alert} did not fire, so nothing was to be delivered", hint="see alert_fires_in_time")
    arrived = _notifications(history, alert, fired)
    matching = [e for e in arrived if alert.receiver in (None, e.receiver)]
    if matching:
        delay_s = max(0.0, matching[0].t - fired.when)
        doubt = doubt_about_delivery(history, matching[0], fired)
        if doubt is not None:
            events = [fired.index, matching[0].index, *doubt.events]
            return claim.unknown(f"{alert} {_delivery(matching[0])} {doubt.text}", events=events, hint=doubt.hint)
        return claim.holds(
            f"{alert} {_delivery(matching[0])} {_both(delay_s, scenario.alerts)} after it fired",
            numbers={
                "delivered_after_s": delay_s,
                "delivered_after_production_s": delay_s * scenario.alerts.time_scale,
            },
            events=[fired.index, matching[0].index],
        )
    return _inhibited(history, claim, alert, fired) or _undelivered(history, claim, alert, fired, arrived)


def _delivery(notification: Notification) -> str:
    """The clause that says how the notification was observed: by our webhook, or through Alertmanager's API."""
    receiver = notification.receiver or "?"
    if notification.via != "api":
        return f"reached the receiver {receiver}"
    return f"was held by Alertmanager for the receiver {receiver}, and a request to a receiver had succeeded,"


def _notifications(history: History, alert: ExpectedAlert, fired: AlertTransition) -> list[Notification]:
    sent = history.of(Notification)
    # A poll may see the firing after Alertmanager has told us, so `t` is compared with Prometheus' own time.
    return [e for e in sent if e.status == "firing" and alert.matches(e.labels) and e.t >= fired.when]


def _inhibited(history: History, claim: Claim, alert: ExpectedAlert, fired: AlertTransition) -> Verdict | None:
    """PASS when `alert` was inhibited and somebody was told of what inhibited it; None otherwise."""
    for event in history.of(AlertInhibited):
        if not alert.matches(event.labels) or event.t < fired.when:
            continue
        severity = {"severity": event.by_severity} if event.by_severity else {}
        stands_for_it = AlertName(alert=event.by, labels=severity)
        notification = next(
            (e for e in history.of(Notification) if e.status == "firing" and stands_for_it.matches(e.labels)), None
        )
        if notification is not None:
            return claim.holds(
                f"{alert} was inhibited by {stands_for_it}, of which the receiver {notification.receiver or '?'} "
                "was told",
                events=[fired.index, event.index, notification.index],
            )
    return None


def _undelivered(
    history: History, claim: Claim, alert: ExpectedAlert, fired: AlertTransition, elsewhere: list[Notification]
) -> Verdict:
    waited_s = watched_until_s(history) - fired.when
    numbers = {"waited_s": waited_s}
    cause = why_undelivered(history, alert, fired)
    if cause is not None:
        wording = claim.fails if cause.is_certain else claim.unknown
        events = [fired.index, *cause.events]
        return wording(f"{alert} fired, {cause.text}", numbers=numbers, events=events, hint=cause.hint)
    if waited_s < _DELIVERY_S:
        return claim.unknown(
            f"{alert} fired, and the record ends {show_duration(waited_s)} later without a notification",
            numbers=numbers,
            events=[fired.index],
            hint="let the drill last longer; Alertmanager waits `group_wait` before it tells anybody",
        )
    got = ", ".join(sorted({e.receiver or "?" for e in elsewhere})) or "nobody"
    wanted = f"the receiver {alert.receiver}" if alert.receiver else "any receiver"
    return claim.fails(
        f"{alert} fired, but no notification reached {wanted} within {show_duration(waited_s)}; {got} was told",
        numbers=numbers,
        events=[fired.index, *(e.index for e in elsewhere)],
        hint="check the routes, inhibitions and `group_wait` of `alerts.routing`",
    )


def _both(seconds: float, alerts: Alerts) -> str:
    """Rehearsal time, and where it differs, production time."""
    return show_duration(seconds) + _production(seconds, alerts)


def _production(seconds: float, alerts: Alerts) -> str:
    return "" if alerts.time_scale == 1 else f" (production: {show_duration(seconds * alerts.time_scale)})"


class JudgesAlert(Protocol):
    """A pure function from a history, an expected alert and its scenario to a verdict."""

    def __call__(self, history: History, /, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
        """The verdict."""
        ...


def for_each_alert(
    applies: Callable[[History, Scenario], bool], name: str, sentence: str, judge: JudgesAlert
) -> Check[Scenario]:
    """Returns the row of a claim about every expected alert, where it `applies`."""

    def cases(history: History, scenario: Scenario) -> Iterator[Case]:
        for alert in scenario.alerts.expect if applies(history, scenario) else []:
            yield Case(Claim(name, str(alert)), partial(judge, history, alert=alert, scenario=scenario))

    return Check({name: sentence}, cases)


IN_TIME: Final = for_each_alert(
    lambda _history, _scenario: True,
    "alert_fires_in_time",
    "Each expected alert fired within its time after the leak began, and not before.",
    alert_fires_in_time,
)
NOTIFIED: Final = for_each_alert(
    lambda _history, scenario: scenario.alerts.delivery_observable,
    "notification_arrives",
    "The notification of each expected alert reached a receiver.",
    notification_arrives,
)
