"""Plays rules to a stretch of the past, with `promtool test rules`: what each alert would have done in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.backtest.alert_past import AlertPast, Backtested, Grid, stretches_of
from leakdrill.backtest.selected import (
    asks_for_the_time,
    is_selected,
    lacking,
    recordings_of,
    selected_by,
    told_lacking,
)
from leakdrill.backtest.states_sheet import StatesSheet, seen_in
from leakdrill.envelope.label_values import series_name
from leakdrill.envelope.notation import notation
from leakdrill.envelope.promtool import outputs, what_it_said
from leakdrill.envelope.written_rules import alert_as_written, recording_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.backtest.past import Past, PastSeries, World
    from leakdrill.backtest.states_sheet import Seen


@dataclass(frozen=True, slots=True)
class _Part:
    """Alerts that are played together."""

    way: int
    world: World
    numbers: tuple[int, ...]
    evaluate_s: float


def backtest(rules: Rules, pasts: Sequence[Past]) -> list[Backtested]:
    """Returns what each alert of `rules` would have done in `pasts`, which are the ways to see one past.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    reasons: dict[tuple[int, int], str] = {}
    parts = [part for way, past in enumerate(pasts) for part in _parts(rules, past, way, reasons)]
    found: dict[tuple[int, int], AlertPast] = {}
    while parts:
        refused = _play(rules, pasts, parts, found)
        parts = [half for part in refused for half in _halves(part)]
        reasons |= {(part.way, part.numbers[0]): said for part, said in refused.items() if len(part.numbers) == 1}
    return [
        Backtested(alert, tuple(_one(alert, (way, number), found, reasons) for way in range(len(pasts))))
        for number, alert in enumerate(rules.alerts)
    ]


def _one(
    alert: AlertRule,
    key: tuple[int, int],
    found: Mapping[tuple[int, int], AlertPast],
    reasons: Mapping[tuple[int, int], str],
) -> AlertPast:
    return found.get(key) or AlertPast(alert, reason=reasons.get(key, "no series was read for it"))


def _parts(rules: Rules, past: Past, way: int, reasons: dict[tuple[int, int], str]) -> Iterator[_Part]:
    """The alerts of which something is known, together where they are evaluated at the same interval."""
    reasons.update({(way, number): reason for number, reason in past.unknown.items()})
    for world in past.worlds:
        together: dict[float, list[int]] = {}
        for number in world.alerts:
            reason = _reason(number, rules, past, world.series)
            if reason:
                reasons[way, number] = reason
                continue
            own_s = rules.alerts[number].interval_s
            evaluate_s = max(own_s, past.least_evaluate_s) if own_s else past.evaluate_s
            together.setdefault(evaluate_s, []).append(number)
        yield from (_Part(way, world, tuple(numbers), evaluate_s) for evaluate_s, numbers in together.items())


def _reason(number: int, rules: Rules, past: Past, series: Sequence[PastSeries]) -> str:
    alert = rules.alerts[number]
    missing = lacking(alert, rules, series)
    if missing:
        return told_lacking(missing, series)
    function = asks_for_the_time(alert, rules, calendar_only=past.has_clock)
    return f"it asks for the time of day with {function}(), and the engine's clock begins at 1970" if function else ""


def _play(
    rules: Rules, pasts: Sequence[Past], parts: Sequence[_Part], found: dict[tuple[int, int], AlertPast]
) -> dict[_Part, str]:
    """Plays `parts`; returns those that the engine refused, with its words."""
    sheets = [_sheet(rules, pasts[part.way], part, str(index)) for index, part in enumerate(parts)]
    refused: dict[_Part, str] = {}
    for indices, output in outputs(sheets):
        seen, ran = seen_in(output)
        for index in indices:
            part, sheet = parts[index], sheets[index]
            if sheet.name in ran:
                found.update(_told(rules, pasts[part.way], part, sheet, seen))
            else:
                refused[part] = f"promtool refuses it: {what_it_said(output) or 'it did not say why'}"
    return refused


def _told(
    rules: Rules, past: Past, part: _Part, sheet: StatesSheet, seen: Mapping[Seen, set[int]]
) -> Iterator[tuple[tuple[int, int], AlertPast]]:
    grid = Grid(past.origin_s, part.evaluate_s)
    own: dict[int, list[tuple[Seen, set[int]]]] = {}
    for one, evaluations in seen.items():
        if one.sheet == sheet.name:
            own.setdefault(one.rule, []).append((one, evaluations))
    for number in part.numbers:
        states: dict[tuple[tuple[str, str], ...], dict[str, set[int]]] = {}
        for one, evaluations in own.get(number, ()):
            states.setdefault(one.labels, {})[one.state] = evaluations
        stretches = [
            stretch
            for labels, by_state in states.items()
            for stretch in stretches_of(labels, by_state, sheet.count, grid)
        ]
        stretches.sort(key=lambda one: (one.firing_s if one.pending_s is None else one.pending_s, one.labels))
        yield (part.way, number), AlertPast(rules.alerts[number], tuple(stretches), part.evaluate_s)


def _sheet(rules: Rules, past: Past, part: _Part, name: str) -> StatesSheet:
    alerts = [rules.alerts[number] for number in part.numbers]
    groups = [{"name": "leakdrill-alerts", "rules": [alert_as_written(n, rules.alerts[n]) for n in part.numbers]}]
    recorded = list(recording_rules(rules, recordings_of(rules, alerts)))
    if recorded:
        groups.insert(0, {"name": "leakdrill-recordings", "rules": recorded})
    selected = selected_by(rules, alerts)
    return StatesSheet(
        name=name,
        groups=groups,
        series=_in_notation(one for one in part.world.series if is_selected(one.name, one.labels, selected)),
        scrape_s=past.scrape_s,
        evaluate_s=part.evaluate_s,
        ends_s=past.ends_s,
    )


def _in_notation(series: Iterable[PastSeries]) -> dict[str, str]:
    return {series_name(one.name, dict(one.labels)): notation(one.values) for one in series}


def _halves(part: _Part) -> Iterator[_Part]:
    """Two parts of half as many alerts; none of a single one."""
    middle = len(part.numbers) // 2
    if middle:
        yield _Part(part.way, part.world, part.numbers[:middle], part.evaluate_s)
        yield _Part(part.way, part.world, part.numbers[middle:], part.evaluate_s)
