"""Rules that cannot fire in a drill, whatever leaks: known from their durations and the time scale alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.alerting.selectors import needed_samples
from leakdrill.errors import BadInput
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.alerting.selectors import Sample
    from leakdrill.scenario.alerts import Alerts
    from leakdrill.scenario.scenario import Scenario

_STARTS_S = 10.0
"""What Prometheus sees of the drill before its first phase and after its last."""
_LEAST_SCRAPES = 2
"""`rate` and its like need two samples in their range."""


def why_it_cannot_fire(rule: AlertRule, alerts: Alerts, *, lasts_s: float) -> str | None:
    """Returns the reason why `rule` cannot fire; None where nothing is known against it.

    Args:
        rule: in production time.
        alerts: how it is evaluated.
        lasts_s: rehearsal seconds from the start of Prometheus to the end of the last phase.
    """
    if rule.for_s / alerts.time_scale > lasts_s:
        return _too_long("its `for`", rule.for_s, alerts.time_scale, lasts_s)
    for alternatives in sorted(needed_samples(rule.expr), key=lambda samples: sorted(one.text for one in samples)):
        reasons = [_why_not_there(one, alerts, lasts_s) for one in sorted(alternatives, key=lambda one: one.text)]
        if all(reasons):
            return reasons[0]
    return None


def refuse_long_for(rules: Sequence[AlertRule], scenario: Scenario) -> None:
    """Refuses an expected alert whose `for` is longer than the drill, of a Prometheus that others run.

    Its series are older than the drill, so that offsets and ranges explain nothing there.

    Raises:
        BadInput: names the alert and its `for`.
    """
    lasts_s = drill_lasts_s(scenario)
    for index, alert in enumerate(scenario.alerts.expect):
        of_alert = [rule.for_s for rule in rules if rule.name == alert.alert]
        if of_alert and min(of_alert) > lasts_s:
            reason = _too_long("its `for`", min(of_alert), 1.0, lasts_s)
            raise BadInput(f"alerts.expect[{index}]: {alert} cannot fire in this drill: {reason}")


def drill_lasts_s(scenario: Scenario) -> float:
    """Returns how long Prometheus sees the drill at most."""
    phases = scenario.phases
    return _STARTS_S + phases.warmup + phases.baseline + phases.load + phases.mitigate + phases.recover


def _why_not_there(sample: Sample, alerts: Alerts, lasts_s: float) -> str | None:
    scale, within_s = alerts.time_scale, sample.two_within_s
    if within_s is not None and within_s / scale < _LEAST_SCRAPES * alerts.scrape_interval:
        return (
            f"it looks back {show_duration(within_s)}, which time_scale {scale:g} makes "
            f"{show_duration(within_s / scale)}; that is too short for two scrapes, "
            f"{show_duration(alerts.scrape_interval)} apart"
        )
    return _too_long("its offset", sample.ago_s, scale, lasts_s) if sample.ago_s / scale > lasts_s else None


def _too_long(what: str, seconds: float, scale: float, lasts_s: float) -> str:
    scaled = f" (time_scale {scale:g} makes {show_duration(seconds / scale)} of it)" if scale != 1 else ""
    return f"{what} is {show_duration(seconds)}{scaled}, and the drill lasts {show_duration(lasts_s)}"
