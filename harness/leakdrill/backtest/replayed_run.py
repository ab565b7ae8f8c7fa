"""A stored run, played again to the exporter that published it: the same names and labels, in production time.

A second of a run with a time scale of 60 is a minute of production. Its readings are scraped as often as they were,
and lie so much further apart; rules are then evaluated as they are written. A counter of something that a second holds,
such as CPU seconds or requests, grows as much faster, so that its rate is what the drill measured; one of ends, such as
restarts, does not.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import container_labels, more_labels
from leakdrill.alerting.published_series import asked_by_rules
from leakdrill.alerting.rules import LEAST_INTERVAL_MS
from leakdrill.backtest.past import Past, PastSeries, World, scrape_count
from leakdrill.backtest.run_happenings import run_happenings
from leakdrill.backtest.selected import is_selected, selected_by
from leakdrill.record.events import AlertTransition, ServiceMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from leakdrill.alerting.rules import Rules
    from leakdrill.alerting.selectors import SelectedSeries
    from leakdrill.backtest.past import Floats
    from leakdrill.record.history import Event, History
    from leakdrill.scenario.scenario import Scenario

_OF_ENDS: Final = re.compile(r"restart|oom|created")
_COUNTS: Final = ("_total", "_count", "_sum", "_bucket")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_READ_EVERY_S: Final = 0.1
_MOST_WAYS: Final = 5
_SERVICE_FRESH_S: Final = 5.0
"""The service's own page is read once a second, and seldom if it is slow."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


def pasts_of_run(history: History, scenario: Scenario, rules: Rules, *, name: str) -> list[Past]:
    """Returns the pasts of a drill as `rules` would have seen it, one for each moment at which it may be scraped.

    Readings are made more often than scrapes, and a record does not tell which of them were scraped. Memory that goes
    up and down within a scrape is seen or not, by chance: as it would be in production.

    Args:
        history: its record.
        scenario: what was played.
        rules: they say which series are asked for, and which of the labels that differ between installations.
        name: what messages call the run.

    Raises:
        BadInput: when it is too long.
    """
    selected = selected_by(rules, rules.alerts)
    alerts = tuple(range(len(rules.alerts)))
    ways = _ways(scenario.alerts.scrape_interval)

    def world_at(scrapes_s: Sequence[float]) -> World:
        return World(alerts, tuple(_Replay(history, scenario, rules).series(scrapes_s, selected)))

    return [_past(history, scenario, name, early_s, world_at) for early_s in ways]


def _past(
    history: History, scenario: Scenario, name: str, early_s: float, world_at: Callable[[Sequence[float]], World]
) -> Past:
    alerts, scale = scenario.alerts, scenario.alerts.time_scale
    end_s, origin_s = _end_s(history), _first_evaluation_s(history, alerts.evaluation_interval)
    count = scrape_count(name, max(0.0, end_s - origin_s), alerts.scrape_interval)
    scrapes_s = [max(0.0, origin_s + k * alerts.scrape_interval - early_s) for k in range(count)]
    return Past(
        name=name,
        kind="run",
        scrape_s=_ms(alerts.scrape_interval * scale),
        evaluate_s=_ms(alerts.evaluation_interval * scale),
        least_evaluate_s=_ms(LEAST_INTERVAL_MS / 1000 * scale),
        ends_s=max(0.0, end_s - origin_s) * scale,
        origin_s=origin_s * scale,
        worlds=(world_at(scrapes_s),),
        happenings=tuple(run_happenings(history, scale, end_s)),
        time_scale=scale,
    )


def _ways(scrape_s: float) -> list[float]:
    """How long before an evaluation the newest scrape may be, in seconds of the drill."""
    count = min(_MOST_WAYS, max(1, round(scrape_s / _READ_EVERY_S)))
    return [scrape_s * k / count for k in range(count)]


def _end_s(history: History) -> float:
    """When the drill began to take its target away: what alerts did then, nobody looked at."""
    teardown = history.phase("teardown")
    return teardown[0] if teardown else history.end_s


def _first_evaluation_s(history: History, every_s: float) -> float:
    """When the rules would have been evaluated first, so that the evaluations of the drill are among those here."""
    times = [event.at for event in history.where(source=AlertTransition.source, name="alert") if event.at is not None]
    phases = Counter(round(max(at, 0.0) % every_s, 3) % every_s for at in times)
    return phases.most_common(1)[0][0] if phases else 0.0


def _ms(seconds: float) -> float:
    return round(seconds, 3)


class _Clock:
    """The clock of a record: readings grow old as they did, and times of day are production's since the beginning."""

    def __init__(self, scale: float) -> None:
        self.t_s = 0.0
        self._scale = scale

    def monotonic(self) -> float:
        return self.t_s

    def time(self) -> float:
        return self.t_s * self._scale


class _Replay:
    """The readings of a record, heard by an exporter one after the other."""

    def __init__(self, history: History, scenario: Scenario, rules: Rules) -> None:
        target, self._scale = scenario.target, scenario.alerts.time_scale
        self.started_at = 0.0
        self._events = sorted(history.events, key=lambda event: event.t)
        self._listeners: list[Callable[[Event], None]] = []
        self._clock = _Clock(self._scale)
        self._page: tuple[float, Mapping[str, float]] | None = None
        self._service = {"job": target.name, "instance": target.name}
        own, asked = {**target.labels, "container": target.name}, asked_by_rules(scenario, rules)
        self._exporter = Exporter(
            self,
            labels=container_labels(target, own, asked),
            more=more_labels(target, own, asked),
            limit_bytes=target.limits.memory,
            cpus=target.limits.cpus,
            time_scale=self._scale,
            clock=self._clock,
        )
        self.subscribe(self._note_page)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    def series(self, scrapes_s: Sequence[float], selected: Sequence[SelectedSeries]) -> Iterator[PastSeries]:
        """Yields what `selected` finds, scraped at `scrapes_s`."""
        values: dict[_Key, Floats] = {}
        unwanted: set[_Key] = set()
        heard = 0
        for number, scrape_s in enumerate(scrapes_s):
            while heard < len(self._events) and self._events[heard].t <= scrape_s:
                self._hear(self._events[heard])
                heard += 1
            self._clock.t_s = scrape_s
            for name, labels, value in self._scraped():
                key: _Key = (name, tuple(sorted(labels.items())))
                if key in unwanted:
                    continue
                if key not in values:
                    if not is_selected(name, labels, selected):
                        unwanted.add(key)
                        continue
                    values[key] = np.full(len(scrapes_s), np.nan)
                values[key][number] = value if np.isfinite(value) else np.nan
        for (name, own_labels), own in values.items():
            if not np.isnan(own).all():
                yield PastSeries(name, dict(own_labels), own)

    def _hear(self, event: Event) -> None:
        self._clock.t_s = event.t
        for listener in self._listeners:
            listener(event)

    def _scraped(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        for family in self._exporter.collect():
            for sample in family.samples:
                counts = family.type == "counter" or sample.name.endswith(_COUNTS)
                yield sample.name, sample.labels, self._faster(sample.name, sample.value, counts=counts)
        if self._page is not None and self._clock.t_s - self._page[0] <= _SERVICE_FRESH_S:
            for key, value in self._page[1].items():
                name, _, labels = key.partition("{")
                own = {label: _unescaped(text) for label, text in _LABEL.findall(labels)}
                told = self._faster(name, value, counts=name.endswith(_COUNTS))
                yield name, {**own, **self._service}, told

    def _faster(self, name: str, value: float, *, counts: bool) -> float:
        return value * self._scale if counts and not _OF_ENDS.search(name) else value

    def _note_page(self, event: Event) -> None:
        page = ServiceMetrics.read(event)
        if page is not None:
            self._page = (self._clock.t_s, page.others)


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
