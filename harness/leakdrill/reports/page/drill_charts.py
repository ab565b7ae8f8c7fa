"""The charts of a drill: its resources against their limits, thresholds and baselines, and the load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.capacity import disk_size_bytes, memory_limit_bytes
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.record.events import CgroupResources, LoadRequests, MemoryThreshold
from leakdrill.reports.page.chart import Band, Chart, Curve, Level
from leakdrill.reports.page.gaps import with_gaps
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.event_class import Sample
    from leakdrill.record.history import History, Series
    from leakdrill.record.verdict import Number, Verdict
    from leakdrill.reports.page.chart import Unit
    from leakdrill.resources import Resource
    from leakdrill.scenario.scenario import Scenario

_MS: Final = 1000
_UNITS: Final[dict[str, Unit]] = {"bytes": "bytes", "count": "count", "cores": "cores"}


def drill_charts(history: History, scenario: Scenario, verdicts: Sequence[Verdict]) -> tuple[Chart, ...]:
    """The charts of a drill, what leaks first, then memory; one without a reading is left out."""
    leaking = [leak.resource for leak in scenario.leaks]
    shown = [name for name in RESOURCES if _is_shown(name, scenario, verdicts)]
    names: list[str] = list(dict.fromkeys([*leaking, "memory", *shown]))
    charts = [_resource_chart(history, scenario, verdicts, RESOURCES[name]) for name in names]
    return tuple(chart for chart in [*charts, *_load_charts(history, scenario)] if chart.curves)


def _is_shown(name: str, scenario: Scenario, verdicts: Sequence[Verdict]) -> bool:
    """Whether a leak grows the resource, or a claim is about it."""
    claims = {RESOURCES[name].returns, RESOURCES[name].stays}
    return any(leak.resource == name for leak in scenario.leaks) or any(v.check in claims for v in verdicts)


def _resource_chart(history: History, scenario: Scenario, verdicts: Sequence[Verdict], resource: Resource) -> Chart:
    title = resource.name.replace("_", " ")
    main = _curve(title, resource_series(history, resource.name))
    others = [_curve("working set", history.series(CgroupResources, "working_set_bytes"))]
    curves = [main, *(others if resource.name == "memory" else [])]
    return Chart(
        key=resource.name,
        title=title[:1].upper() + title[1:],
        unit=_UNITS[resource.unit],
        curves=tuple(curve for curve in curves if len(curve)),
        levels=tuple(_levels(history, scenario, resource)),
        bands=tuple(_baseline(verdicts, resource)),
    )


def _levels(history: History, scenario: Scenario, resource: Resource) -> Iterator[Level]:
    if resource.name == "memory":
        limits = _limits(history, scenario)
        if limits:
            yield Level(name="limit", value=limits[0][1], kind="limit", changes=tuple(limits[1:]))
            yield from _thresholds(history, limits)
    elif resource.name == "disk":
        size = disk_size_bytes(history, scenario)
        if size:
            yield Level(name="size of the disk", value=size, kind="limit")
    elif resource.name == "cpu" and scenario.target.limits.cpus:
        yield Level(name="limit", value=scenario.target.limits.cpus, kind="limit")


def _limits(history: History, scenario: Scenario) -> list[tuple[float, float]]:
    """The limit of memory, from each moment on; of several replicas the sum, so that it changes with their number."""
    series = history.series(CgroupResources, "limit_bytes")
    read = [(t, limit) for t, limit in zip(series.t.tolist(), series.values.tolist(), strict=True) if limit > 0]
    changes = [one for at, one in enumerate(read) if at == 0 or one[1] != read[at - 1][1]]
    if not changes:
        limit = memory_limit_bytes(history, scenario)
        return [(0.0, limit)] if limit else []
    return [(0.0, changes[0][1]), *changes[1:]]


def _thresholds(history: History, limits: Sequence[tuple[float, float]]) -> Iterator[Level]:
    """The memory above which each rule matches; a level that several rules share is drawn once."""
    names: dict[float, list[str]] = {}
    for event in history.of(MemoryThreshold):
        if event.ratio is not None and np.isfinite(event.ratio):
            severity = f" ({event.severity})" if event.severity else ""
            listed = names.setdefault(event.ratio, [])
            listed.extend({f"{event.alert}{severity}"} - set(listed))
    for ratio, alerts in sorted(names.items()):
        levels = [(at, limit * ratio) for at, limit in limits]
        yield Level(name=", ".join(alerts), value=levels[0][1], kind="threshold", changes=tuple(levels[1:]))


def _baseline(verdicts: Sequence[Verdict], resource: Resource) -> Iterator[Band]:
    """The level of the baseline with its margin, as the claim about it measured them."""
    claims = {resource.returns, resource.stays}
    numbers = next((v.numbers for v in verdicts if v.check in claims and v.numbers), {})
    base, margin = (_number(numbers.get(f"{name}_{resource.unit}")) for name in ("baseline", "level_margin"))
    if base is not None and margin is not None:
        yield Band(name="baseline and its margin", low=max(0.0, base - margin), high=base + margin)


def _number(value: Number) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    return float(value) if known else None  # type: ignore[arg-type]


def _load_charts(history: History, scenario: Scenario) -> Iterator[Chart]:
    yield Chart(
        key="requests",
        title="Requests",
        unit="per second",
        curves=_of_load(history, {"requests": "rps", "failed": "fail_per_s"}),
    )
    p99 = scenario.expect.p99
    yield Chart(
        key="latency",
        title="Response time",
        unit="seconds",
        curves=_of_load(history, {"p99": "p99_ms", "p50": "p50_ms"}, divided_by=_MS),
        levels=(Level(name="p99 wanted", value=float(p99), kind="wanted"),) if p99 is not None else (),
    )


def _of_load(history: History, fields: dict[str, str], *, divided_by: float = 1.0) -> tuple[Curve, ...]:
    series = {name: history.series(LoadRequests, field) for name, field in fields.items()}
    return tuple(_curve(name, one, divided_by) for name, one in series.items() if len(one))


def _curve(name: str, series: Series, divided_by: float = 1.0) -> Curve:
    x, values = with_gaps(series.t, series.values / divided_by)
    return Curve(name=name, x=x, values=values)


def series_curve(history: History, event_class: type[Sample], field: str, name: str) -> Curve:
    """A field of a meter's readings as a curve."""
    return _curve(name, history.series(event_class, field))
