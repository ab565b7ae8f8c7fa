"""Times of a rule that a drill makes shorter than what Prometheus sees of it: they mean something else here.

Nothing of it keeps a rule from firing, so it is told and refuses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import promql_parser as promql

from leakdrill.alerting.rules import LEAST_INTERVAL_MS
from leakdrill.alerting.time_scale import nodes, one_line, parse
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.scenario.alerts import Alerts


def short_times(rule: AlertRule, alerts: Alerts) -> list[str]:
    """Returns a sentence for each time of `rule` that is shorter here than an evaluation or a scrape.

    Args:
        rule: in production time.
        alerts: how it is evaluated.
    """
    return list(dict.fromkeys([*_short_for(rule, alerts), *_short_subqueries(rule, alerts)]))


def _short_for(rule: AlertRule, alerts: Alerts) -> Iterator[str]:
    every_s = alerts.evaluation_interval
    if rule.interval_s:
        every_s = max(rule.interval_s / alerts.time_scale, LEAST_INTERVAL_MS / 1000)
    if 0 < rule.for_s / alerts.time_scale < every_s:
        yield (
            f"its `for`, {_both(rule.for_s, alerts)}, is shorter than the time between two evaluations, "
            f"{show_duration(every_s)}: it fires as if `for` were {show_duration(every_s * alerts.time_scale)}"
        )


def _short_subqueries(rule: AlertRule, alerts: Alerts) -> Iterator[str]:
    scrape_s = alerts.scrape_interval
    for node in nodes(parse(rule.expr)):
        if not isinstance(node, promql.SubqueryExpr):
            continue
        for what, length, so in (
            ("range", node.range, "it sees a single sample, and a change now and then only"),
            ("resolution", node.step, "it counts each sample several times"),
        ):
            if length is not None and length.total_seconds() / alerts.time_scale < scrape_s:
                yield (
                    f"the {what} of the subquery {one_line(node)}, {_both(length.total_seconds(), alerts)}, is shorter "
                    f"than the time between two scrapes, {show_duration(scrape_s)}: {so}"
                )


def _both(seconds: float, alerts: Alerts) -> str:
    """A time in production, and what the time scale makes of it."""
    if alerts.time_scale == 1:
        return show_duration(seconds)
    scaled = show_duration(seconds / alerts.time_scale)
    return f"{show_duration(seconds)}, which time_scale {alerts.time_scale:g} makes {scaled}"
