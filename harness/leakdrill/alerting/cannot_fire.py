"""Rules that cannot fire in a drill, whatever leaks: known from their durations and the time scale alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.alerting.time_scale import longest_reach, shortest_range
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.alerting.rules import AlertRule
    from leakdrill.scenario.alerts import Alerts

_LEAST_SCRAPES = 2
"""`rate` and its like need two samples in their range."""


def why_it_cannot_fire(rule: AlertRule, alerts: Alerts, *, lasts_s: float) -> str | None:
    """Returns the reason why `rule` cannot fire; None where nothing is known against it.

    Args:
        rule: in production time.
        alerts: how it is evaluated.
        lasts_s: rehearsal seconds from the start of Prometheus to the end of the last phase.
    """
    scale = alerts.time_scale
    shortest_s, reach_s = shortest_range(rule.expr), longest_reach(rule.expr)
    least_s = _LEAST_SCRAPES * alerts.scrape_interval
    if shortest_s is not None and shortest_s / scale < least_s:
        return (
            f"it looks back {show_duration(shortest_s)}, which time_scale {scale:g} makes "
            f"{show_duration(shortest_s / scale)}; that is too short for two scrapes, "
            f"{show_duration(alerts.scrape_interval)} apart"
        )
    if rule.for_s / scale > lasts_s:
        return _too_long("its `for`", rule.for_s, scale, lasts_s)
    if reach_s / scale > lasts_s:
        return _too_long("its offset", reach_s, scale, lasts_s)
    return None


def _too_long(what: str, seconds: float, scale: float, lasts_s: float) -> str:
    scaled = f" (time_scale {scale:g} makes {show_duration(seconds / scale)} of it)" if scale != 1 else ""
    return f"{what} is {show_duration(seconds)}{scaled}, and the drill lasts {show_duration(lasts_s)}"
