"""What must be made so that an alert can be played: its series, through its recording rules, or why that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import promql_parser as promql

from leakdrill.alerting.look_back import looks_back_s
from leakdrill.alerting.selectors import needs, selected_series
from leakdrill.alerting.time_scale import nodes, parse
from leakdrill.envelope.family_labels import VARIANTS, usual_labels
from leakdrill.envelope.label_values import examples, fitting_value, meets
from leakdrill.envelope.quantities import Quantity, quantity_of
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.alerting.selectors import SelectedSeries
    from leakdrill.envelope.label_values import Condition
    from leakdrill.envelope.quantities import Resource

MOST_HISTORY_S: Final = 2 * 86_400.0
_NOT_JOINT: Final = frozenset({"job", "instance", "metrics_path", "__name__"})
"""Labels by which the parts of one service differ."""
_SAYS_NOTHING: Final = frozenset({"limit", "zero", "one", "running"})
_TELLS_A_SHARE: Final = frozenset({"limit", "used share", "stalled seconds", "idle seconds"})
_FIRST_REPLICA: Final = "app-0"
_DEEPEST: Final = 8
"""Recording rules that rest on recording rules are followed so far."""

Conditions = dict[str, tuple["Condition", ...]]


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """One series to make for each replica.

    Attributes:
        name: of the series.
        conditions: those on each label.
        quantity: what it tells.
    """

    name: str
    conditions: Conditions
    quantity: Quantity

    def labels(self, replica: str, life: int) -> dict[str, str]:
        """Returns its labels for one life of `replica`, every condition met."""
        return _labels(self.name, self.conditions, replica, life) or {}


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """What is needed to play an alert.

    Attributes:
        series: to be made.
        recordings: names of the recording rules that it rests on.
        resources: what it watches, in the order of its expression; what leaks in the made courses.
        history_s: how far it looks back.
        least_range_s: the shortest range in it; None where it has none.
        looks_back_at_recordings: whether a range in it is one over a recording rule's series.
        notes: one sentence for each thing that was left out or read by its name.
    """

    series: tuple[PlannedSeries, ...]
    recordings: tuple[str, ...]
    resources: tuple[Resource, ...]
    history_s: float
    least_range_s: float | None
    looks_back_at_recordings: bool
    notes: tuple[str, ...]


class CannotBeMade(Exception):  # noqa: N818 - it is an answer
    """Why there is no envelope for an alert."""


def plan_of(alert: AlertRule, rules: Rules) -> AlertPlan:
    """Returns what must be made to play `alert`.

    Raises:
        CannotBeMade: with the reason, which names the series.
    """
    found = _Found(rules.recordings)
    found.look_at(alert.expr, 0)
    lacking = found.lacking(alert.expr, 0)
    resources = _watched(found.series)
    if lacking and not resources:
        raise CannotBeMade(f"it watches no resource that we know: {lacking}")
    if not resources:
        names = ", ".join(sorted({one.name for one in found.series})) or "no series"
        raise CannotBeMade(f"it watches no memory, disk, descriptors, threads, CPU, card or restarts: {names}")
    if lacking:
        raise CannotBeMade(f"it cannot have a result without {lacking}")
    exprs = [alert.expr, *(expr for name in found.recordings for expr in rules.recordings[name])]
    history_s = sum(looks_back_s(expr) for expr in exprs)
    if history_s > MOST_HISTORY_S:
        far, most = show_duration(history_s), show_duration(MOST_HISTORY_S)
        raise CannotBeMade(f"it looks back {far}; a made course has {most} of history at most")
    lengths = [length for expr in exprs for length in _ranges_s(expr)]
    return AlertPlan(
        series=tuple(found.joined()),
        recordings=tuple(found.recordings),
        resources=resources,
        history_s=history_s,
        least_range_s=min(lengths, default=None),
        looks_back_at_recordings=any(_looks_back_at(expr, found.recordings) for expr in exprs),
        notes=tuple(dict.fromkeys(found.notes + list(_notes(found.series)))),
    )


class _Found:
    """The series behind an expression, and those that cannot be made."""

    def __init__(self, recordings: Mapping[str, tuple[str, ...]]) -> None:
        self._recorded = recordings
        self.recordings: dict[str, None] = {}
        self.series: list[PlannedSeries] = []
        self.notes: list[str] = []
        self._lacking: dict[str, str] = {}

    def look_at(self, expr: str, depth: int) -> None:
        """Collects what `expr` selects."""
        needed = {text for alternatives in needs(expr) for text in alternatives}
        for one in selected_series(expr):
            if one.name in self._recorded:
                self._look_at_recorded(one, depth)
                continue
            made, reason = _planned(one)
            self.series += [series for series in made if series not in self.series]
            if reason:
                self._lacking[one.text] = reason
                if one.text not in needed:
                    self.notes.append(f"left out {one.text}: {reason}")

    def _look_at_recorded(self, one: SelectedSeries, depth: int) -> None:
        if one.name in self.recordings:
            return
        if depth >= _DEEPEST:
            self._lacking[one.text] = "its recording rules rest on one another"
            return
        self.recordings[one.name] = None
        for expr in self._recorded[one.name]:
            self.look_at(expr, depth + 1)

    def lacking(self, expr: str, depth: int) -> str:
        """Returns what `expr` has no result without, with the reason; empty where nothing is lacking."""
        names = {one.text: one.name for one in selected_series(expr)}
        for alternatives in sorted(needs(expr), key=sorted):
            reasons = [self._why(text, names.get(text, ""), depth) for text in sorted(alternatives)]
            if all(reasons):
                return reasons[0]
        return ""

    def _why(self, text: str, name: str, depth: int) -> str:
        if text in self._lacking:
            return f"{text}: {self._lacking[text]}"
        if name not in self._recorded or depth >= _DEEPEST:
            return ""
        reasons = [self.lacking(expr, depth + 1) for expr in self._recorded[name]]
        return reasons[0] if all(reasons) else ""

    def joined(self) -> Iterator[PlannedSeries]:
        """Yields the series with conditions on a label taken from all others, where one value can meet them all."""
        everywhere: dict[str, tuple[Condition, ...]] = {}
        for one in self.series:
            for label, conditions in one.conditions.items():
                everywhere[label] = tuple(dict.fromkeys((*everywhere.get(label, ()), *conditions)))
        seen = []
        for one in self.series:
            usual = usual_labels(one.name, _FIRST_REPLICA, 0)
            wanted = {
                label: conditions
                for label, conditions in everywhere.items()
                if label not in _NOT_JOINT
                and (label in usual or label in one.conditions)
                and fitting_value(conditions, usual.get(label, "")) is not None
            }
            joined = PlannedSeries(one.name, {**one.conditions, **wanted}, one.quantity)
            if joined not in seen:
                seen.append(joined)
                yield joined


def _planned(one: SelectedSeries) -> tuple[list[PlannedSeries], str]:
    """The series for a selector; or none, and why."""
    name = one.name or _named_by_pattern(one)
    if not name:
        return [], "its name is a pattern that no series we know has"
    conditions: Conditions = {}
    for label, sign, value in one.matchers:
        if label != "__name__":
            conditions[label] = (*conditions.get(label, ()), (sign, value))
    made = [series for own in _variants(name, conditions) if (series := _series(name, own)) is not None]
    if made:
        return made, ""
    labels = _labels(name, conditions, _FIRST_REPLICA, 0)
    if labels is None:
        return [], "no value that we can make meets its conditions"
    return [], "we do not know what this series tells"


def _series(name: str, conditions: Conditions) -> PlannedSeries | None:
    labels = _labels(name, conditions, _FIRST_REPLICA, 0)
    quantity = None if labels is None else quantity_of(name, labels)
    return None if quantity is None else PlannedSeries(name, conditions, quantity)


def _variants(name: str, conditions: Conditions) -> Iterator[Conditions]:
    label, values = VARIANTS.get(name, ("", ()))
    own = conditions.get(label, ())
    fitting = [value for value in values if all(meets(value, condition) for condition in own)]
    yield from ({**conditions, label: (*own, ("=", value))} for value in fitting)
    if not fitting:
        yield conditions


def _named_by_pattern(one: SelectedSeries) -> str:
    signs = [(sign, value) for label, sign, value in one.matchers if label == "__name__"]
    tried = [
        value for sign, pattern in signs if sign in ("=", "=~") for value in (pattern, *examples(pattern, "memory"))
    ]
    fits = (value for value in tried if all(meets(value, condition) for condition in signs))
    return next((value for value in fits if quantity_of(value, {}) is not None), "")


def _labels(name: str, conditions: Conditions, replica: str, life: int) -> dict[str, str] | None:
    """The labels of a series, every condition met; None where a condition cannot be."""
    labels = usual_labels(name, replica, life)
    for label, wanted in conditions.items():
        value = fitting_value(wanted, labels.get(label, ""), word=replica if label == "pod" else "app")
        if value is None:
            return None
        labels[label] = value
    return {label: value for label, value in labels.items() if value}


def _watched(series: Iterable[PlannedSeries]) -> tuple[Resource, ...]:
    """What may leak here: what the series tell of, but for their limits; memory where only lives are watched."""
    told = [one.quantity for one in series if one.quantity.role not in _SAYS_NOTHING]
    resources = tuple(dict.fromkeys(one.resource for one in told if one.resource != "life"))
    if resources:
        return resources
    return ("memory",) if told else ()


def _notes(series: Sequence[PlannedSeries]) -> Iterator[str]:
    with_limit = {one.quantity.resource for one in series if one.quantity.role in _TELLS_A_SHARE}
    for resource in dict.fromkeys(one.quantity.resource for one in series if one.quantity.role not in _SAYS_NOTHING):
        if resource != "life" and resource not in with_limit:
            yield f"it selects no limit of {resource}; that of --limit is assumed"
    for one in series:
        what = f"{one.quantity.resource}, {one.quantity.role}"
        if one.quantity.by_words:
            yield f"{one.name} is read by the words in its name: {what}"
        if one.quantity.role == "stalled seconds":
            yield f"{one.name} is a model: stalls begin at 90 % of the limit and reach half of the time at the kill"
        if one.name.startswith("kube_pod_container_resource_requests"):
            yield f"{one.name} is taken for the limit"


def _ranges_s(expr: str) -> Iterator[float]:
    for node in nodes(parse(expr)):
        if isinstance(node, promql.MatrixSelector | promql.SubqueryExpr) and node.range is not None:
            yield node.range.total_seconds()


def _looks_back_at(expr: str, names: Container[str]) -> bool:
    ranges = [node for node in nodes(parse(expr)) if isinstance(node, promql.MatrixSelector | promql.SubqueryExpr)]
    inner = [one.vector_selector if isinstance(one, promql.MatrixSelector) else one.expr for one in ranges]
    selectors = [node for one in inner for node in nodes(one) if isinstance(node, promql.VectorSelector)]
    return any((node.name or "") in names for node in selectors)
