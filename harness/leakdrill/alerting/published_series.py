"""The series that a drill will publish, known before it starts, and whether a rule's selectors find any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import NODE_NAME, container_labels, more_labels
from leakdrill.alerting.gpu_series import GPU_FIELDS
from leakdrill.alerting.rules import Rules
from leakdrill.alerting.selectors import needs, selected_series
from leakdrill.meters.network import INTERFACE_COUNTS, PROTOCOL_COUNTS
from leakdrill.record.events import (
    CgroupDetails,
    CgroupResources,
    FilesystemDisk,
    GpuDevice,
    GpuDevices,
    MachineFigures,
    NetworkInterfaces,
    ProcessDetails,
    ProcessSmaps,
    ProcessTree,
    TargetExited,
    TargetReady,
)
from leakdrill.record.parts import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.alerting.selectors import SelectedSeries
    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import Event
    from leakdrill.scenario.scenario import Scenario

_NO_RULES = Rules((), ())
_SERVERS_OWN = ("up", "scrape_", "ALERTS")
"""How the names of series begin that Prometheus makes itself."""
_EXPECTED_COUNTS = 100
"""Selectors of an expected alert count as often as so many others."""

_READ: Final[tuple[type[Reading], ...]] = (
    CgroupResources,
    ProcessTree,
    FilesystemDisk,
    CgroupDetails,
    ProcessDetails,
    ProcessSmaps,
    NetworkInterfaces,
    MachineFigures,
)
_EXAMPLES: Final[Mapping[type[Reading], dict[str, float]]] = {
    NetworkInterfaces: dict.fromkeys((*(f"eth0.{what}" for what in INTERFACE_COUNTS), *PROTOCOL_COUNTS), 1.0)
}
"""What is read by names that depend on the machine: of a machine with one interface."""


@dataclass(frozen=True, slots=True)
class Series:
    """One published series: its name, its labels, and a sentence about it."""

    name: str
    labels: Mapping[str, str]
    about: str = ""


class _Anything:
    """Readings with every field that a meter may have.

    Args:
        cards: whether there is a card.
        disk: whether there is a disk.
    """

    started_at = 0.0

    def __init__(self, *, cards: bool, disk: bool) -> None:
        self._cards = cards
        self._kinds = _READ if disk else tuple(kind for kind in _READ if kind is not FilesystemDisk)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Tell `listener` of one reading of each kind."""
        for event in self._of_cards():
            listener(event)
        listener(TargetExited(oom_kill="true").to_event())
        listener(TargetReady().to_event())
        for kind in self._kinds:
            values = {part.key: 1.0 for part in kind.parts().values() if isinstance(part, Entry)}
            listener(kind.of(values | _EXAMPLES.get(kind, {})).to_event())

    def _of_cards(self) -> list[Event]:
        if not self._cards:
            return []
        card = GpuDevice(device_key="gpu0", gpu="0", uuid="GPU-0", device="nvidia0", model="any", hostname=NODE_NAME)
        fields = {f"gpu0.{field}": 1.0 for field in GPU_FIELDS}
        return [card.to_event(), GpuDevices(others=fields).to_event()]


def published_series(scenario: Scenario, rules: Rules = _NO_RULES) -> list[Series]:
    """Returns the series of a container, its disk, its processes and its cards; those of the service are not known.

    On a machine without control groups some are left out, and the record says so. Some are there once the service was
    killed.
    """
    target = scenario.target
    own = {**target.labels, "container": target.name}
    asked = asked_by_rules(scenario, rules)
    exporter = Exporter(
        _Anything(cards=target.gpu is not None, disk=target.disk_is_read),
        labels=container_labels(target, own, asked),
        more=more_labels(target, own, asked),
        limit_bytes=target.limits.memory,
        cpus=target.limits.cpus,
        stale_after_s=60.0,
    )
    return [
        Series(sample.name, sample.labels, family.documentation)
        for family in exporter.collect()
        for sample in family.samples
    ]


def asked_by_rules(scenario: Scenario, rules: Rules) -> list[SelectedSeries]:
    """Returns what the rules select; what the expected alerts select counts more often than that of all others."""
    named = {name.alert for name in scenario.alerts.expect} | {step.on.alert for step in scenario.steps if step.on}
    expected = [one for rule in rules.alerts if rule.name in named for one in selected_series(rule.expr)]
    recorded = [expr for exprs in rules.recordings.values() for expr in exprs]
    others = [one for expr in (*(rule.expr for rule in rules.alerts), *recorded) for one in selected_series(expr)]
    return expected * _EXPECTED_COUNTS + others


def unmatched_selectors(
    rule: AlertRule, series: Sequence[Series], recordings: Mapping[str, tuple[str, ...]] | None = None
) -> list[str]:
    """Returns the selectors without which `rule` cannot fire and that find none of `series`.

    What Prometheus makes itself is found, and what the recording rules make, if they find their own.
    """

    def is_there(selector: SelectedSeries) -> bool:
        own = selector.name.startswith(_SERVERS_OWN)
        return own or any(selector.matches(one.name, one.labels) for one in series)

    return unmatched(rule.expr, is_there, recordings or {})


def unmatched(
    expr: str, is_there: Callable[[SelectedSeries], bool], recordings: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Returns the selectors without which `expr` has no result and that find nothing.

    Args:
        expr: PromQL.
        is_there: whether a selector finds a series; one is found too where a recording rule of its name finds its own.
        recordings: the expressions of the recording rules, by name.
    """
    by_text = {one.text: one for one in selected_series(expr)}

    def found(selector: SelectedSeries) -> bool:
        if is_there(selector):
            return True
        others = {name: exprs for name, exprs in recordings.items() if name != selector.name}
        return any(not unmatched(inner, is_there, others) for inner in recordings.get(selector.name, ()))

    missing = []
    for alternatives in needs(expr):
        texts = sorted(alternatives, key=list(by_text).index)
        if not any(found(by_text[text]) for text in texts):
            missing.append(" or ".join(texts))
    return sorted(missing, key=expr.find)
