"""Tries other ways to write each alert, with the same engine and on the same courses, and keeps the better ones.

All are tried on the healthy courses first, as they are and with a little less room; those that are silent on the steady
leak, and the best of these on every shape.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.rules import Rules
from leakdrill.envelope.candidates import candidates, with_less_room
from leakdrill.envelope.healthy_shapes import HEALTHY_SHAPES
from leakdrill.envelope.leak_shapes import LEAK_SHAPES
from leakdrill.envelope.measure import measure
from leakdrill.envelope.suggestion import (
    MOST_SHOWN,
    Suggestion,
    Suggestions,
    best_of,
    costs,
    fires_without_a_leak,
    gains,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.envelope.candidates import Candidate
    from leakdrill.envelope.envelope import Envelope
    from leakdrill.envelope.settings import Settings

_MOST_FINALISTS: Final = 8

Tried = tuple["Envelope", "Candidate"]
"""A candidate behind the envelope of its alert as it is written."""


def suggestions(rules: Rules, envelopes: Sequence[Envelope], settings: Settings) -> list[Suggestions]:
    """Returns the better ways to write each alert that has an envelope, in their order.

    Args:
        rules: as read.
        envelopes: of the alerts of `rules`, measured with `settings`.
        settings: what is assumed; every healthy course is tried whatever they say.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    asked = [one for one in envelopes if not one.reason]
    search = _Search(rules, settings)
    tried = [(one, other) for one in asked for other in candidates(one.alert, scrape_s=settings.scrape_s)]
    silent = search.silent(tried, [candidate.alert for _, candidate in tried])
    keener = [with_less_room(candidate, evaluate_s=settings.evaluate_s) for _, candidate in silent]
    silent = search.silent(silent, keener)
    better = search.better(silent, frozenset({"steady"}), edges=False)
    finalists = [pair for one in asked for pair in _finalists(one, better)]
    better = search.better(finalists, _leaks(settings), edges=True)
    return [search.result(one, tried, best_of(_of(one, better), most=MOST_SHOWN)) for one in asked]


class _Search:
    """Measures candidates, and counts why they are no suggestions, by the alert that they were made for."""

    def __init__(self, rules: Rules, settings: Settings) -> None:
        self._rules, self._settings = rules, settings
        self._loud: list[Envelope] = []
        self._refused: list[Envelope] = []
        self._healthy: dict[int, tuple[str, ...]] = {}

    def silent(self, tried: Sequence[Tried], alerts: Sequence[AlertRule]) -> list[Tried]:
        """Returns those that are silent in every healthy course; `alerts` are played for them."""
        found = self._measure(alerts, frozenset(HEALTHY_SHAPES), edges=False)
        left = []
        for (of, candidate), envelope in zip(tried, found, strict=True):
            self._healthy[id(of)] = envelope.healthy or self._healthy.get(id(of), ())
            if envelope.reason:
                self._refused.append(of)
            elif envelope.false_alarms:
                self._loud.append(of)
            else:
                left.append((of, candidate))
        return left

    def better(self, tried: Sequence[Tried], leaks: frozenset[str], *, edges: bool) -> list[tuple[Tried, Suggestion]]:
        """Returns those that see more of `leaks` and lose nothing."""
        found = self._measure([candidate.alert for _, candidate in tried], leaks, edges=edges)
        left = []
        for (of, candidate), envelope in zip(tried, found, strict=True):
            won = gains(of, envelope)
            if won:
                left.append(((of, candidate), Suggestion(candidate, envelope, won, costs(of, envelope))))
            elif fires_without_a_leak(envelope):
                self._loud.append(of)
        return left

    def result(self, of: Envelope, tried: Iterable[Tried], best: tuple[Suggestion, ...]) -> Suggestions:
        """Returns what was found for one alert."""
        return Suggestions(
            envelope=of,
            best=best,
            tried=sum(other is of for other, _ in tried),
            fire_for_nothing=sum(other is of for other in self._loud),
            refused=sum(other is of for other in self._refused),
            leaks=tuple(shape for shape in of.sights if shape in _leaks(self._settings)),
            healthy=self._healthy.get(id(of), ()),
        )

    def _measure(self, alerts: Sequence[AlertRule], shapes: frozenset[str], *, edges: bool) -> list[Envelope]:
        rules = Rules(self._rules.sources, tuple(alerts), self._rules.recordings)
        return measure(rules, replace(self._settings, only=shapes), edges=edges)


def _leaks(settings: Settings) -> frozenset[str]:
    """The shapes of leaks that the user wants to be tried; the steady one where there are only healthy ones."""
    wanted = frozenset(shape for shape in LEAK_SHAPES if settings.tries(shape))
    return wanted or frozenset({"steady"})


def _of(of: Envelope, better: Iterable[tuple[Tried, Suggestion]]) -> list[Suggestion]:
    return [suggestion for (other, _), suggestion in better if other is of]


def _finalists(of: Envelope, better: Iterable[tuple[Tried, Suggestion]]) -> list[Tried]:
    return [(of, one.candidate) for one in best_of(_of(of, better), most=_MOST_FINALISTS)]
