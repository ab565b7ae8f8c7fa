"""Why nobody was told of an alert that fired, by what Alertmanager itself did with it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.alert_states import alertmanager_silences
from leakdrill.judging.evidence.cause import Cause
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import (
    AlertInhibited,
    AlertmanagerExited,
    AlertmanagerRequests,
    AlertRouted,
    AlertSilenced,
    BadNotification,
    Notification,
)
from leakdrill.scenario.alerts import AlertName
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import ExpectedAlert

_SPARE_S: Final = 2.0
"""How much longer than a route waits its notification may take."""
_LOG: Final = "read alertmanager's log in the run folder"
_CALENDAR: Final = "drill at another time, or take the intervals out of the routing that is drilled"


def why_undelivered(history: History, alert: ExpectedAlert, fired: AlertTransition) -> Cause | None:
    """The first cause that the record shows; None when it shows none."""
    span = Span(fired.when, watched_until_s(history))
    causes = chain(
        _without_alertmanager(history, span),
        _silenced(history, alert),
        _inhibited(history, alert, fired),
        _by_route(history, alert, span),
        _refused(history, alert, span),
    )
    return next(causes, None)


def doubt_about_delivery(history: History, notification: Notification, fired: AlertTransition) -> Cause | None:
    """Why a notification that was seen from outside may have been another's; None where nothing speaks for that.

    Requests of the same way began to fail when this alert was to be passed on: one that succeeded says little then.
    """
    if notification.via != "api":
        return None
    counts = history.of(AlertmanagerRequests)
    failed = [e for e in counts if e.t >= fired.when and e.failing]
    routes = [e for e in history.of(AlertRouted) if e.receiver == notification.receiver]
    ways = {way for route in routes for way in route.ways.split(",")} & {
        w for e in failed for w in e.failing.split(",")
    }
    if not ways or any(set(e.failing.split(",")) & ways for e in counts if e.t < fired.when):
        return None
    text = f"but other requests failed then ({', '.join(sorted(ways))}): which of them was its nobody can tell"
    return Cause(text, "Alertmanager's log names the receiver: Notify for alerts failed", (failed[0].index,))


def _without_alertmanager(history: History, span: Span) -> Iterator[Cause]:
    if history.of(AlertmanagerExited):
        yield Cause("but Alertmanager ended on its own before it told anybody", _LOG, (), is_certain=False)
    for silence in alertmanager_silences(history, span):
        text = f"but {silence}: nobody can say whether it would have told somebody"
        yield Cause(text, _LOG, silence.events, is_certain=False)


def _silenced(history: History, alert: ExpectedAlert) -> Iterator[Cause]:
    for event in history.of(AlertSilenced):
        if alert.matches(event.labels):
            text = f"and a silence in Alertmanager mutes it ({event.silence}): nobody was told"
            yield Cause(text, "end the silence, or drill where there is none", (event.index,))


def _inhibited(history: History, alert: ExpectedAlert, fired: AlertTransition) -> Iterator[Cause]:
    for event in history.of(AlertInhibited):
        if alert.matches(event.labels) and event.t >= fired.when:
            by = AlertName(alert=event.by, labels={"severity": event.by_severity} if event.by_severity else {})
            yield Cause(
                f"and {by} inhibits it, of which nobody was told either",
                "check `inhibit_rules`: labels under `equal` that both alerts lack count as equal",
                (event.index,),
            )


def _by_route(history: History, alert: ExpectedAlert, span: Span) -> Iterator[Cause]:
    """What the routes that it took say: who was to be told, when, and how."""
    routes = _latest(event for event in history.of(AlertRouted) if alert.matches(event.labels))
    events = tuple(route.index for route in routes)
    wanted = [route for route in routes if alert.receiver in (None, route.receiver)]
    if routes and not wanted:
        yield Cause(
            f"and Alertmanager leads it to {_all(routes)}, not to the receiver {alert.receiver}",
            "the first route whose conditions it meets takes it, unless that has `continue`: amtool config routes test",
            events,
        )
    elif wanted and all(route.muted for route in wanted):
        muted = wanted[0]
        yield Cause(f"and {_route(muted)} is muted {muted.muted}: nobody was told", _CALENDAR, (muted.index,))
    elif wanted and not any(route.ways for route in wanted):
        text = f"and {_all(wanted)} notifies nobody"
        yield Cause(text, "give the receiver a way to notify, or name another one in the route", events)
    elif wanted:
        yield from _still_waits(history, [route for route in wanted if route.ways and not route.muted], span)


def _still_waits(history: History, routes: Sequence[AlertRouted], span: Span) -> Iterator[Cause]:
    waits = [_wait(history, route, span) for route in routes]
    if not waits or not all(wait_s + _SPARE_S > span.length_s for wait_s, _ in waits):
        return
    wait_s, key = min(waits)
    route = routes[waits.index((wait_s, key))]
    yield Cause(
        f"and {_route(route)} waits {show_duration(wait_s)} (`{key}`) before it tells anybody; the record ends "
        f"{show_duration(span.length_s)} after it fired",
        f"let the drill last longer than `{key}`, or shorten that in the routing or by `alerts.time_scale`",
        (route.index,),
        is_certain=False,
    )


def _wait(history: History, route: AlertRouted, span: Span) -> tuple[float, str]:
    """How long `route` waits with what it has to tell from the beginning of `span` on, and the setting that says so."""
    told = [e for e in history.of(Notification) if e.receiver == route.receiver and e.t < span.start_s]
    if told and (route.group_interval_s or 0.0) > (route.group_wait_s or 0.0):
        return route.group_interval_s or 0.0, "group_interval"
    return route.group_wait_s or 0.0, "group_wait"


def _refused(history: History, alert: ExpectedAlert, span: Span) -> Iterator[Cause]:
    """Requests that Alertmanager made and that came to nothing."""
    bad = [e for e in history.of(BadNotification) if e.t >= span.start_s and alert.receiver in (None, e.receiver)]
    if bad:
        text = f"and what Alertmanager sent to the receiver {bad[0].receiver} could not be read: {bad[0].error}"
        yield Cause(text, _LOG, (bad[0].index,), is_certain=False)
    counts = history.of(AlertmanagerRequests)
    before = [e for e in counts if e.t < span.start_s]
    after = [e for e in counts if e.t >= span.start_s]
    first = (before or after)[-1 if before else 0] if counts else None
    if first is None or not after:
        if counts:
            text = "and no request of Alertmanager's to a receiver ended since: one that hangs counts only when it ends"
            yield Cause(text, "does the receiver answer? Alertmanager's log names its address", (counts[-1].index,))
        return
    failed = (after[-1].failed or 0.0) - (first.failed or 0.0)
    if failed > 0:
        ways = ", ".join(sorted({way for e in after for way in e.failing.split(",") if way}))
        succeeded = (after[-1].succeeded or 0.0) - (first.succeeded or 0.0)
        which = "all" if succeeded <= 0 else f"{failed:.0f} of {failed + succeeded:.0f}"
        yield Cause(
            f"and {which} of the requests that Alertmanager made to receivers since then failed"
            f"{f' ({ways})' if ways else ''}: the receiver refuses them or does not answer",
            "Alertmanager's log has the address and the error: Notify for alerts failed",
            (first.index, after[-1].index),
        )


def _latest(events: Iterator[AlertRouted]) -> list[AlertRouted]:
    """The last word on each route of each alert."""
    latest: dict[tuple[str, str, frozenset[tuple[str, str]]], AlertRouted] = {}
    for event in events:
        latest[event.route, event.receiver, frozenset(event.labels.items())] = event
    return list(latest.values())


def _route(route: AlertRouted) -> str:
    place = f" ({route.route})" if route.route else ""
    return f"its route to the receiver {route.receiver}{place}"


def _all(routes: Sequence[AlertRouted]) -> str:
    named = dict.fromkeys(f"{r.receiver}{f' ({r.route})' if r.route else ''}" for r in routes)
    return f"the receiver{'s' if len(named) > 1 else ''} {' and '.join(list(named)[:3])}"
