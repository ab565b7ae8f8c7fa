"""What was seen live of an alert in a run, beside what a backtest says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakdrill.alerting.rules import AlertRule
    from leakdrill.backtest.past import Happening, Past


def is_of(seen: Happening, alert: AlertRule) -> bool:
    """Returns whether `seen` is the alert, by its name and those of its labels that hold no template."""
    fixed = {name: value for name, value in alert.labels.items() if "{{" not in value}
    wanted = {**fixed, "alertname": alert.name}
    return seen.kind == "alert" and all(seen.labels.get(name) == value for name, value in wanted.items())


def fired_live_s(alert: AlertRule, past: Past) -> float | None:
    """Returns when it was first seen firing, in seconds of production time; None where it was not."""
    times = (one.t_s for one in past.happenings if one.state == "firing" and is_of(one, alert))
    return min((t_s for t_s in times if t_s >= past.shown_from_s), default=None)
