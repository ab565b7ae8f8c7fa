"""Other ways to write an alert, the mildest first: thresholds, `for`, ranges, horizons, and the working set.

Where usage is alerted on, everything is tried with the working set: page cache deceives every threshold on usage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final

from leakdrill.envelope.rewriting import Rewrite, rewrite
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.alerting.rules import AlertRule

MOST_CANDIDATES: Final = 40
"""For each alert."""
_NEARER: Final = (0.95, 0.9, 0.85, 0.8, 0.7)
_MOVED: Final = (0.95, 1.05, 0.9, 1.1, 0.85, 0.8, 0.7)
"""Thresholds that are tried with another `for`: one farther off with a shorter one sees fast leaks."""
_WINDOWS: Final = (0.5, 0.25, 2.0)
_HORIZONS: Final = (2.0, 4.0, 0.5)
_WAITS_S: Final = (0.0, 60.0, 120.0, 300.0, 600.0, 900.0)
_MARGIN: Final = 0.97
_MARGIN_DIGITS: Final = 6
_IN_A_RANGE: Final = 4
"""So many scrapes stand in a range at least."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One other way.

    Attributes:
        alert: with its other expression and `for`.
        changes: one clause for each change.
    """

    alert: AlertRule
    changes: tuple[str, ...]


def candidates(alert: AlertRule, *, scrape_s: float) -> list[Candidate]:
    """Returns at most 40 other ways to write `alert`, no two alike.

    Args:
        alert: the rule as written.
        scrape_s: seconds between two scrapes; four of them stand in a range at least.
    """
    found: dict[tuple[str, float], Candidate] = {}
    for wanted, for_s in _plans(alert, scrape_s):
        written = rewrite(alert.expr, wanted, least_range_s=_IN_A_RANGE * scrape_s)
        waits = (f"for {show_duration(alert.for_s)} to {show_duration(for_s)}",) if for_s != alert.for_s else ()
        changes = (*written.changes, *waits)
        if changes and len(found) < MOST_CANDIDATES:
            other = Candidate(replace(alert, expr=written.expr, for_s=for_s), changes)
            found.setdefault((written.expr, for_s), other)
    return list(found.values())


def with_less_room(candidate: Candidate, *, evaluate_s: float) -> AlertRule:
    """Returns the alert of `candidate` a little keener: what is silent by a hair's breadth, or by luck, fires then.

    Args:
        candidate: its thresholds come 3 % nearer, and it waits for one evaluation less.
        evaluate_s: seconds between two evaluations, where its group has no interval.
    """
    rewritten = rewrite(candidate.alert.expr, Rewrite(nearer=_MARGIN, digits=_MARGIN_DIGITS), least_range_s=0.0)
    waits_s = max(candidate.alert.for_s - (candidate.alert.interval_s or evaluate_s), 0.0)
    return replace(candidate.alert, expr=rewritten.expr, for_s=waits_s)


def _plans(alert: AlertRule, scrape_s: float) -> Iterator[tuple[Rewrite, float]]:
    """What to change and which `for`: one thing alone first, then two together."""
    working = Rewrite(working_set=True)
    is_usage = bool(rewrite(alert.expr, working, least_range_s=scrape_s).changes)
    base = working if is_usage else Rewrite()
    if is_usage:
        yield base, alert.for_s
    shorter = [one for one in _WAITS_S if one < alert.for_s][::-1]
    longer = [one for one in _WAITS_S if one > alert.for_s][:2]
    yield from ((replace(base, nearer=nearer), alert.for_s) for nearer in _NEARER)
    yield from ((base, for_s) for for_s in shorter)
    of_ranges = [replace(base, windows=windows) for windows in _WINDOWS]
    of_ranges += [replace(base, horizon=horizon) for horizon in _HORIZONS]
    yield from ((one, alert.for_s) for one in of_ranges)
    yield from ((one, for_s) for one, for_s in product(of_ranges, shorter[:2]))
    together = product(_MOVED, (*shorter, *longer))
    yield from ((replace(base, nearer=nearer), for_s) for nearer, for_s in together)
    yield from ((replace(one, nearer=nearer), alert.for_s) for one, nearer in product(of_ranges, _NEARER))
