"""The series that a drill will publish, known before it starts, and whether a rule's selectors find any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import container_labels, more_labels
from leakdrill.alerting.time_scale import SelectedSeries, selected_series
from leakdrill.record.events import CgroupResources, FilesystemDisk, ProcessTree
from leakdrill.record.parts import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import Event
    from leakdrill.scenario.scenario import Scenario

_SERVERS_OWN = ("up", "scrape_", "ALERTS")
"""How the names of series begin that Prometheus makes itself."""


@dataclass(frozen=True, slots=True)
class Series:
    """One published series: its name and labels."""

    name: str
    labels: Mapping[str, str]


class _Anything:
    """Readings with every field that a meter may have."""

    started_at = 0.0

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Tell `listener` of one reading of each kind."""
        kinds: tuple[type[Reading], ...] = (CgroupResources, ProcessTree, FilesystemDisk)
        for kind in kinds:
            values = {part.key: 1.0 for part in kind.parts().values() if isinstance(part, Entry)}
            listener(kind.of(values).to_event())


def published_series(scenario: Scenario) -> list[Series]:
    """Returns the series of a container, its disk and its processes; those of cards and of the service are not known.

    On a machine without control groups some are left out, and the record says so.
    """
    target = scenario.target
    own = {**target.labels, "container": target.name}
    exporter = Exporter(
        _Anything(),
        labels=container_labels(target, own),
        more=more_labels(target, own),
        mountpoint=f"/var/lib/{target.name}",
        fstype="ext4",
        limit_bytes=target.limits.memory,
        cpus=target.limits.cpus,
        stale_after_s=60.0,
    )
    return [Series(sample.name, sample.labels) for family in exporter.collect() for sample in family.samples]


def unmatched_selectors(rule: AlertRule, series: Sequence[Series]) -> list[str]:
    """Returns the selectors of `rule` that find none of `series`, and nothing that Prometheus makes itself."""
    asked = selected_series(rule.expr)
    return [one.text for one in asked if not one.name.startswith(_SERVERS_OWN) and not _found(one, series)]


def _found(selector: SelectedSeries, series: Sequence[Series]) -> bool:
    return any(selector.matches(one.name, one.labels) for one in series)
