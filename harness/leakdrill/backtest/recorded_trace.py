"""A recording of one process' memory as a stretch of the past: each alert sees it under the names that it selects.

A recording has no labels and no names of production's series, so they are made as for an envelope. It tells of memory
alone: an alert that needs anything else, such as CPU time or restarts, is unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.backtest.past import Happening, Past, PastSeries, World, at_scrapes, scrape_count
from leakdrill.envelope.alert_plan import CannotBeMade, plan_of
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.backtest.past import Floats
    from leakdrill.envelope.alert_plan import PlannedSeries
    from leakdrill.judging.leak.trace import Trace

_TOLD: Final = frozenset({"used", "usage", "limit", "free", "available", "used share", "one", "running"})
_NEEDS_LIMIT: Final = frozenset({"limit", "free", "available", "used share"})
_REPLICA: Final = "app-0"
_FRESH: Final = 2.5
"""A reading counts for so many times the usual distance to the next one."""
_FIRST_DATE_S: Final = 1e8


def past_of_recording(
    recording: Trace, rules: Rules, *, limit_bytes: float | None, scrape_s: float, evaluate_s: float
) -> Past:
    """Returns the past in a recording as `rules` would have seen it.

    Args:
        recording: what was read.
        rules: they say under which names and labels.
        limit_bytes: of memory; None where it is not known, and rules that need it are unknown.
        scrape_s: seconds between two scrapes.
        evaluate_s: seconds between two evaluations, of a group without an interval of its own.

    Raises:
        BadInput: when it is too long, or has less than two readings.
    """
    if len(recording) < 2 or recording.impossible:  # noqa: PLR2004 - one reading lasts for no time
        told = recording.impossible or f"it has {len(recording)} readings; expected two or more"
        raise BadInput(f"{recording.name}: {told}")
    first_s = float(recording.t[0])
    times_s = recording.t - first_s
    ends_s = float(times_s[-1])
    scrapes_s = np.arange(scrape_count(recording.name, ends_s, scrape_s), dtype=np.float64)
    scrapes_s *= scrape_s
    fresh_s = max(_FRESH * float(np.median(np.diff(times_s))), scrape_s)
    used = at_scrapes(times_s, recording.resident, scrapes_s, fresh_s=fresh_s)
    worlds, unknown = [], {}
    for number, alert in enumerate(rules.alerts):
        try:
            worlds.append(World((number,), tuple(_series(alert, rules, used, limit_bytes))))
        except CannotBeMade as e:
            unknown[number] = str(e)
    return Past(
        name=recording.name,
        kind="recording",
        scrape_s=scrape_s,
        evaluate_s=evaluate_s,
        ends_s=ends_s,
        worlds=tuple(worlds),
        unknown=unknown,
        happenings=(Happening(ends_s, "end", "the recording ends"),),
        began=datetime.fromtimestamp(first_s, UTC) if first_s > _FIRST_DATE_S else None,
        has_clock=False,
        notes=(f"usage and working set are the recording's {recording.resident_name}; it counts no page cache",),
    )


def _series(alert: AlertRule, rules: Rules, used: Floats, limit_bytes: float | None) -> Iterator[PastSeries]:
    for planned in plan_of(alert, rules).series:
        quantity = planned.quantity
        if quantity.resource not in ("memory", "life") or quantity.role not in _TOLD:
            continue
        if quantity.role in _NEEDS_LIMIT and limit_bytes is None:
            raise CannotBeMade(f"{planned.name} needs the limit: give --limit, such as --limit 512MiB")
        yield _one(planned, used, limit_bytes or 1.0)


def _one(planned: PlannedSeries, used: Floats, limit_bytes: float) -> PastSeries:
    quantity, there = planned.quantity, np.where(np.isnan(used), np.nan, 1.0)
    values = {
        "limit": there * limit_bytes,
        "free": limit_bytes - used,
        "available": limit_bytes - used,
        "used share": used / limit_bytes,
        "one": there,
        "running": there,
    }.get(quantity.role, used)
    shared = quantity.role in ("used share", "running")
    return PastSeries(planned.name, planned.labels(_REPLICA, 0), values if shared else values * quantity.factor)
