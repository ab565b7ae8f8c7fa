"""A range of time read from a Prometheus: the samples that rules select, as they were scraped, and what alerts did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leakdrill.alerting.look_back import looks_back_s
from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.backtest.past import Happening, Past, PastSeries, World, at_scrapes, scrape_count
from leakdrill.backtest.run_happenings import alert_text
from leakdrill.backtest.selected import recordings_of, selected_by
from leakdrill.errors import BadInput, EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.alerting.rules import Rules
    from leakdrill.backtest.past import Floats

_MOST_SAMPLES: Final = 5_000_000
_SAMPLES_A_QUESTION: Final = 500_000
_LONGEST_QUESTION_S: Final = 21_600.0
_FRESH: Final = 1.5
"""A sample counts for so many times the usual distance to the next one; then the series is gone."""
_SETTLES_S: Final = 60.0

_Samples = dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Range:
    """What is read.

    Attributes:
        url: of the Prometheus.
        start_s: in Unix time.
        end_s: likewise.
        scrape_s: seconds between two scrapes.
        evaluate_s: seconds between two evaluations, of a group without an interval of its own.
    """

    url: str
    start_s: float
    end_s: float
    scrape_s: float
    evaluate_s: float


def past_of_range(asked: Range, rules: Rules) -> Past:
    """Returns the past that a Prometheus remembers, from so much earlier on as `rules` look back.

    Raises:
        BadInput: when it is too long, or holds more samples than are read.
        EnvironmentProblem: when the Prometheus does not answer.
    """
    before_s = _looks_back_s(rules)
    begin_s = asked.start_s - before_s
    count = scrape_count(asked.url, asked.end_s - begin_s, asked.scrape_s)
    scrapes_s = np.arange(count, dtype=np.float64)
    scrapes_s *= asked.scrape_s
    scrapes_s += begin_s
    reader = _Reader(asked.url, begin_s, asked.end_s)
    try:
        series = list(_series(reader, rules, scrapes_s, asked.scrape_s))
        happenings = list(_seen_live(reader, rules, asked, begin_s))
    except NoAnswer as e:
        raise EnvironmentProblem(f"{asked.url}: {e}", hint="is it the address of a Prometheus?") from e
    finally:
        reader.close()
    return Past(
        name=asked.url,
        kind="prometheus",
        scrape_s=asked.scrape_s,
        evaluate_s=asked.evaluate_s,
        ends_s=asked.end_s - begin_s,
        worlds=(World(tuple(range(len(rules.alerts))), tuple(series)),),
        happenings=(*happenings, Happening(asked.end_s - begin_s, "end", "the range ends")),
        began=datetime.fromtimestamp(begin_s, UTC),
        has_clock=False,
        shown_from_s=before_s,
    )


def _looks_back_s(rules: Rules) -> float:
    recorded = [expr for name in recordings_of(rules, rules.alerts) for expr in rules.recordings[name]]
    own = max((looks_back_s(alert.expr) for alert in rules.alerts), default=0.0)
    behind = sum(looks_back_s(expr) for expr in recorded)
    waits = max((alert.for_s for alert in rules.alerts), default=0.0)
    return own + behind + waits + _SETTLES_S


class _Reader:
    """Asks for the samples of a selector piece by piece."""

    def __init__(self, url: str, begin_s: float, end_s: float) -> None:
        self._api, self._url = PrometheusApi(url), url
        self._begin_s, self._end_s = begin_s, end_s
        self._count = 0

    def close(self) -> None:
        self._api.close()

    def samples(self, selector: str) -> _Samples:
        """Returns the samples of each series that `selector` finds, in their order."""
        found: _Samples = {}
        at_s, length_s = self._begin_s, 600.0
        while at_s < self._end_s:
            until_s = min(self._end_s, at_s + length_s)
            read = self._piece(selector, found, until_s, until_s - at_s)
            at_s = until_s
            if read < _SAMPLES_A_QUESTION / 8:
                length_s = min(_LONGEST_QUESTION_S, length_s * 4)
        return found

    def _piece(self, selector: str, found: _Samples, until_s: float, length_s: float) -> int:
        before = self._count
        for row in self._api.query(f"{selector}[{round(length_s * 1000)}ms]", at_epoch_s=until_s):
            labels = {str(key): str(value) for key, value in dict(row.get("metric") or {}).items()}
            name = labels.pop("__name__", "")
            samples = found.setdefault((name, tuple(sorted(labels.items()))), [])
            values = [sample for sample in row.get("values") or [] if _is_sample(sample)]
            last = samples[-1][0] if samples else -np.inf
            samples += [(float(t), float(value)) for t, value in values if float(t) > last]
            self._count += len(values)
        if self._count > _MOST_SAMPLES:
            raise BadInput(
                f"{self._url}: {selector} and what was read before it have more than {_MOST_SAMPLES:,} samples",
                hint="take a shorter time, or select fewer series",
            )
        return self._count - before


def _is_sample(sample: Any) -> bool:
    try:
        return len(sample) == 2 and np.isfinite(float(sample[0])) and float(sample[1]) is not None  # noqa: PLR2004
    except (TypeError, ValueError):
        return False


def _series(reader: _Reader, rules: Rules, scrapes_s: Floats, scrape_s: float) -> Iterator[PastSeries]:
    seen = set()
    for one in selected_by(rules, rules.alerts):
        if one.name in rules.recordings:
            continue
        for (name, labels), samples in reader.samples(one.text).items():
            if (name, labels) in seen or not name:
                continue
            seen.add((name, labels))
            table = np.array(samples, dtype=float).reshape(len(samples), 2)
            apart_s = float(np.median(np.diff(table[:, 0]))) if len(samples) > 1 else scrape_s
            fresh_s = max(apart_s, scrape_s) * _FRESH
            values = at_scrapes(table[:, 0], table[:, 1], scrapes_s, fresh_s=fresh_s)
            if not np.isnan(values).all():
                yield PastSeries(name, dict(labels), values)


def _seen_live(reader: _Reader, rules: Rules, asked: Range, begin_s: float) -> Iterator[Happening]:
    """When alerts of these names fired there, by the rules that it has."""
    for name in dict.fromkeys(alert.name for alert in rules.alerts):
        for (_, labels), samples in reader.samples(f'ALERTS{{alertname="{name}",alertstate="firing"}}').items():
            own = {key: value for key, value in labels if key != "alertstate"}
            yield from _transitions(own, [t for t, _ in samples], asked, begin_s)


def _transitions(labels: dict[str, str], times_s: list[float], asked: Range, begin_s: float) -> Iterator[Happening]:
    apart_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else asked.evaluate_s
    last_s = -np.inf
    for t_s in [*times_s, np.inf]:
        if t_s - last_s > _FRESH * apart_s:
            over_s = last_s + apart_s
            if np.isfinite(last_s) and over_s < asked.end_s:
                yield Happening(over_s - begin_s, "alert", alert_text(labels, "resolved"), labels, "resolved")
            if np.isfinite(t_s):
                yield Happening(t_s - begin_s, "alert", alert_text(labels, "firing"), labels, "firing")
        last_s = t_s
