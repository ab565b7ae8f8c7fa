"""What rules select, through their recording rules, and what of it is nowhere in the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import promql_parser as promql

from leakdrill.alerting.published_series import unmatched
from leakdrill.alerting.selectors import selected_series
from leakdrill.alerting.time_scale import nodes, parse, series_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.alerting.selectors import SelectedSeries
    from leakdrill.backtest.past import PastSeries

_CALENDAR: Final = frozenset({
    "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"
})  # fmt: skip
_CLOCK: Final = frozenset({"time", "timestamp"})
_MOST_NAMED: Final = 3


def is_selected(name: str, labels: Mapping[str, str], selected: Iterable[SelectedSeries]) -> bool:
    """Returns whether one of `selected` finds the series."""
    return any((not one.name or one.name == name) and one.matches(name, labels) for one in selected)


def recordings_of(rules: Rules, alerts: Iterable[AlertRule]) -> list[str]:
    """Returns the names of the recording rules that `alerts` rest on; one that rests on another stands before it."""
    found: dict[str, None] = {}
    waiting = [alert.expr for alert in alerts]
    while waiting:
        for one in selected_series(waiting.pop()):
            if one.name in rules.recordings and one.name not in found:
                found[one.name] = None
                waiting += rules.recordings[one.name]
    return list(found)


def selected_by(rules: Rules, alerts: Sequence[AlertRule]) -> list[SelectedSeries]:
    """Returns what `alerts` and the recording rules behind them select, each selector once."""
    recorded = [expr for name in recordings_of(rules, alerts) for expr in rules.recordings[name]]
    exprs = [*(alert.expr for alert in alerts), *recorded]
    return list(dict.fromkeys(one for expr in exprs for one in _all_selected(expr)))


def lacking(alert: AlertRule, rules: Rules, series: Sequence[PastSeries]) -> list[str]:
    """Returns the selectors of `alert` that find none of `series` and without which nothing can be said of it.

    `absent()` of what is known under no labels at all is one of them: nobody looked.
    """

    def is_there(selector: SelectedSeries) -> bool:
        return any(is_selected(one.name, one.labels, [selector]) for one in series)

    missing = unmatched(alert.expr, is_there, rules.recordings)
    names = {one.name for one in series} | set(rules.recordings)
    exprs = [alert.expr, *(e for name in recordings_of(rules, [alert]) for e in rules.recordings[name])]
    missing += [text for expr in exprs for name, text in _absent(expr) if name not in names]
    return list(dict.fromkeys(missing))


def told_lacking(missing: Sequence[str], series: Sequence[PastSeries]) -> str:
    """Returns a sentence about selectors that find nothing; says where a series of that name has other labels."""
    names = {one.name for one in series}
    told = []
    for text in missing[:_MOST_NAMED]:
        name = text.partition("{")[0]
        told.append(f"{text} (there is {name} with other labels)" if name in names else text)
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return f"there is no {', no '.join(told)}{more}"


def asks_for_the_time(alert: AlertRule, rules: Rules, *, calendar_only: bool) -> str:
    """Returns the function with which `alert` asks for the time of day; empty where it does not.

    Args:
        alert: the rule.
        rules: with its recording rules.
        calendar_only: whether `time()` and `timestamp()` may be asked for.
    """
    asked = _CALENDAR if calendar_only else _CALENDAR | _CLOCK
    exprs = [alert.expr, *(e for name in recordings_of(rules, [alert]) for e in rules.recordings[name])]
    calls = [node.func.name for expr in exprs for node in nodes(parse(expr)) if isinstance(node, promql.Call)]
    return next((name for name in calls if name in asked), "")


def _all_selected(expr: str) -> list[SelectedSeries]:
    """`selected_series`, and what stands in `absent()`."""
    inner = [node.args[0] for node in nodes(parse(expr)) if _is_absent(node)]
    texts = [series_text(n) for arg in inner for n in nodes(arg) if isinstance(n, promql.VectorSelector)]
    return [*selected_series(expr), *(one for text in texts for one in selected_series(text))]


def _absent(expr: str) -> list[tuple[str, str]]:
    inner = [node.args[0] for node in nodes(parse(expr)) if _is_absent(node)]
    found = [n for arg in inner for n in nodes(arg) if isinstance(n, promql.VectorSelector)]
    return [(n.name or "", series_text(n)) for n in found]


def _is_absent(node: object) -> bool:
    return isinstance(node, promql.Call) and node.func.name in ("absent", "absent_over_time")
