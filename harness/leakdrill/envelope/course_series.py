"""The series of a made course: for each planned series and each replica its labels and its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.envelope.label_values import series_name
from leakdrill.envelope.notation import notation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leakdrill.envelope.alert_plan import PlannedSeries
    from leakdrill.envelope.course import Bools, Course, Floats, Replica
    from leakdrill.envelope.quantities import Quantity, Resource

_STALLS_FROM: Final = 0.9
_STALLED_AT_THE_KILL: Final = 0.5
_MOST_BLOCKS: Final = 1000


def course_series(planned: Iterable[PlannedSeries], course: Course, limits: Mapping[Resource, float]) -> dict[str, str]:
    """Returns the series of `course`, their values in promtool's notation.

    Args:
        planned: what the alert selects.
        course: what happens.
        limits: of each resource, in bytes, cores or a number.
    """
    values: dict[str, Floats] = {}
    for one in planned:
        for replica in course.replicas:
            told = _values(one.quantity, replica, course.scrape_s, limits)
            for life in np.unique(replica.life):
                name = series_name(one.name, one.labels(replica.name, int(life)))
                own = np.where(replica.life == life, told, np.nan)
                known = values.get(name)
                values[name] = own if known is None else _together(one.quantity, known, own)
    return {name: notation(own) for name, own in values.items() if not np.isnan(own).all()}


def _together(quantity: Quantity, known: Floats, more: Floats) -> Floats:
    """What one series tells of two replicas, or of two lives: of a node the sum, else that of the one that is there."""
    both = ~np.isnan(known) & ~np.isnan(more)
    if quantity.presence == "node" and quantity.role in ("used", "usage", "used seconds", "cache"):
        return np.where(both, known + more, np.where(np.isnan(known), more, known))
    return np.where(np.isnan(more), known, more)


def _values(quantity: Quantity, replica: Replica, scrape_s: float, limits: Mapping[Resource, float]) -> Floats:
    """The value at each scrape; NaN where there is none."""
    limit = limits.get(quantity.resource, 1.0) * quantity.factor
    value = _told(quantity, replica, scrape_s, limit)
    return np.where(_is_there(quantity, replica) & replica.scraped, value, np.nan)


def _is_there(quantity: Quantity, replica: Replica) -> Bools:
    if quantity.presence == "node":
        return np.ones(len(replica.used), dtype=np.bool_)
    return replica.up if quantity.presence == "container" else replica.present


def _told(quantity: Quantity, replica: Replica, scrape_s: float, limit: float) -> Floats:
    used = np.where(replica.up, replica.used, 0.0 if quantity.presence == "node" else replica.used)
    ones, life = np.ones(len(used)), replica.life.astype(np.float64)
    flows = {
        "used seconds": used * limit,
        "idle seconds": (1 - used) * limit,
        "stalled seconds": np.clip((used - _STALLS_FROM) / (1 - _STALLS_FROM), 0.0, 1.0) * _STALLED_AT_THE_KILL,
    }
    if quantity.role in flows:
        return _counted(flows[quantity.role], replica, scrape_s, resets=quantity.presence == "container")
    return {
        "used": used * limit,
        "usage": (used + replica.cache) * limit,
        "cache": replica.cache * limit,
        "limit": ones * limit,
        "free": (1 - used - replica.cache) * limit,
        "available": (1 - used) * limit,
        "used share": used,
        "one": ones * quantity.factor,
        "zero": 0 * ones,
        "restarts": life,
        "kills": 0 * ones if quantity.presence == "container" else life,
        "started": replica.started_s,
        "waiting": (replica.present & ~replica.up).astype(np.float64),
        "running": replica.up.astype(np.float64),
    }[quantity.role]


def _in_blocks(flow: Floats) -> Floats:
    """`flow` held constant for a thousandth of the course: the counter is then a few straight lines, not a curve."""
    length = -(-len(flow) // _MOST_BLOCKS)
    starts = np.arange(0, len(flow), length)
    return np.repeat(flow[starts], np.diff([*starts, len(flow)]))


def _counted(flow: Floats, replica: Replica, scrape_s: float, *, resets: bool) -> Floats:
    """A counter that grows by `flow` a second; it begins again with each life of the container."""
    count = np.cumsum(_in_blocks(flow)) * scrape_s
    if not resets:
        return count
    starts = np.flatnonzero(np.diff(replica.life, prepend=-1))
    before = np.where(starts > 0, count[np.maximum(starts - 1, 0)], 0.0)
    return np.asarray(count - np.repeat(before, np.diff([*starts, len(count)])))
