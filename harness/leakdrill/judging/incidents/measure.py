"""What an alert measures: its resource, the level of that when it fired, and the threshold of its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.record.events import CgroupResources, MemoryThreshold, PodResources, SelectorMatches
from leakdrill.resources import RESOURCES
from leakdrill.units import plain, show_duration, show_share, show_size

if TYPE_CHECKING:
    from leakdrill.judging.incidents.recorded import RecordedRun
    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import Series

_FAMILIES: Final = (
    ("container_memory_", "memory"),
    ("process_resident_memory_", "memory"),
    ("container_cpu_", "cpu"),
    ("process_cpu_", "cpu"),
    ("node_filesystem_", "disk"),
    ("container_fs_", "disk"),
    ("DCGM_FI_DEV_FB_", "gpu_memory"),
    ("process_open_fds", "descriptors"),
    ("container_threads", "threads"),
)
"""How the names of series begin that measure a resource."""
_FIELDS: Final = (("usage_bytes", "usage_bytes"), ("working_set_bytes", "working_set_bytes"), ("rss", "anon_bytes"))
"""What the series of memory are called, and the field of the readings from which each is published."""
_NEWEST_S: Final = 5.0
"""How old a reading may be that says where a resource stood."""


def resource_of(run: RecordedRun, fired: AlertTransition) -> Fact:
    """The resource that the rule of an alert selects; else the one that the scenario's leaks grow."""
    name = resource_name(run, fired)
    return Fact(name.replace("_", " ")) if name else unknown("the record does not say what the alert's rule measures")


def resource_name(run: RecordedRun, fired: AlertTransition) -> str:
    """The name of that resource; empty where it is not known."""
    selected = [one.selector for one in _selectors(run, fired)]
    for prefix, resource in _FAMILIES:
        if any(selector.startswith(prefix) for selector in selected):
            return resource
    grown = {leak.resource for leak in run.scenario.leaks}
    expected = any(alert.matches(fired.labels) for alert in run.scenario.alerts.expect)
    return str(next(iter(grown))) if len(grown) == 1 and expected else ""


def _selectors(run: RecordedRun, fired: AlertTransition) -> list[SelectorMatches]:
    name, severity = fired.labels.get("alertname", ""), fired.labels.get("severity", "")
    return [e for e in run.history.of(SelectorMatches) if e.alert == name and e.severity == severity]


def value_of(run: RecordedRun, fired: AlertTransition) -> Fact:
    """The level of the resource when the alert fired, by the drill's own meters; of memory also as a share."""
    name, t = resource_name(run, fired), fired.when
    if not name:
        return unknown("the record does not say what the alert's rule measures")
    if name == "memory" and _threshold(run, fired) is not None:
        share = _memory_share(run, fired)
        if share is not None:
            return share
    level = _newest(resource_series(run.history, name), t)
    if level is None:
        return unknown(f"no meter read {name} within {show_duration(_NEWEST_S)} before it fired")
    return Fact(RESOURCES[name].show(level), level)


def _memory_share(run: RecordedRun, fired: AlertTransition) -> Fact | None:
    names = [one.selector for one in _selectors(run, fired)]
    field = next((field for part, field in _FIELDS if any(part in name for name in names)), "usage_bytes")
    for meter in (CgroupResources, PodResources):
        used = _newest(run.history.series(meter, field), fired.when)
        limit = _newest(run.history.series(meter, "limit_bytes"), fired.when) or run.scenario.target.limits.memory
        if used is not None and limit:
            text = f"{show_share(used / limit)} of the limit ({show_size(used)} of {show_size(limit)})"
            return Fact(text, used / limit)
    return None


def _newest(series: Series, t: float) -> float | None:
    part = series.between(t - _NEWEST_S, t)
    return float(part.values[-1]) if len(part) else None


def threshold_of(run: RecordedRun, fired: AlertTransition) -> Fact:
    """The threshold of the alert's rule with its `for`, in production time."""
    threshold = _threshold(run, fired)
    if threshold is None or threshold.ratio is None:
        return unknown("the record holds the threshold of rules that compare memory with its limit, and of no other")
    held = f", held for {show_duration(threshold.for_s)}" if threshold.for_s else ""
    ratio = float(plain(round(threshold.ratio, 6)))
    return Fact(f"{show_share(ratio)} of the limit{held}", ratio)


def _threshold(run: RecordedRun, fired: AlertTransition) -> MemoryThreshold | None:
    name, severity = fired.labels.get("alertname", ""), fired.labels.get("severity", "")
    known = [e for e in run.history.of(MemoryThreshold) if e.alert == name and e.severity == severity]
    return known[0] if known else None
