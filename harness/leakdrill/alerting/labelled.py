"""Series of one name with a label that tells them apart: interfaces, modes, states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.record.event_class import Reading


def labelled(
    name: str, text: str, own: str, values: Mapping[str, float | None], labels: Mapping[str, str]
) -> Iterator[Metric]:
    """One family whose series differ in the label `own`; a counter where `name` ends in _total.

    Args:
        name: of the series.
        text: the help.
        own: the label.
        values: by its value; None where nothing was read.
        labels: of all of them.
    """
    known = {key: value for key, value in values.items() if value is not None}
    if not known:
        return
    names = [*(key for key in labels if key != own), own]
    if name.endswith("_total"):
        family: Any = CounterMetricFamily(name.removesuffix("_total"), text, labels=names)
    else:
        family = GaugeMetricFamily(name, text, labels=names)
    for key, value in known.items():
        family.add_metric([*(labels[one] for one in names[:-1]), key], value)
    yield family


def named(name: str, text: str, value: float | None, labels: Mapping[str, str]) -> Iterator[Metric]:
    """One series, a counter where `name` ends in _total; none where `value` is None."""
    if value is None:
        return
    if name.endswith("_total"):
        family: Any = CounterMetricFamily(name.removesuffix("_total"), text, labels=list(labels))
    else:
        family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    yield family


def fields_of(reading: Reading | None, names: Mapping[str, str]) -> dict[str, float | None]:
    """The values of a label, by the reading's fields that `names` gives for them."""
    return {label: getattr(reading, field, None) for label, field in names.items()}
