"""Watches a Prometheus' alerts and records each change of state at the time of Prometheus' own evaluation.

`ALERTS[window]` gives the samples that rule evaluations wrote, with their times, so a poll that comes late finds the
same times as one that comes at once; the window reaches back to the last poll that was answered. Asking
`/api/v1/alerts` instead was rejected: its `activeAt` tells when an alert became pending; nothing tells when it ended.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.alerting.selectors import needs, selectors
from leakdrill.alerting.timeline import Timeline
from leakdrill.in_words import in_words
from leakdrill.record.alerting_events import jobs_text
from leakdrill.record.events import AlertTransition, PrometheusPoll, RuleError, ScrapeError, SelectorMatches
from leakdrill.remember import MOST, is_new, remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.alerting.timeline import State
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.alerts import AlertName

_OVERLAP_S: Final = 10.0
"""The reach of a poll beyond the last answered one: an evaluation's samples appear only when it is done."""

_OWN_LABELS: Final = ("__name__", "alertstate")
_DEFAULT_INTERVAL_S: Final = 60.0

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert now: its labels, its state, and since when, in seconds since the start of the run."""

    labels: Mapping[str, str]
    state: State
    since_s: float


class AlertPoller:
    """Records transitions as samples `alert` of source `prometheus`, with the alert's labels; asks every `every_s`.

    Each poll is itself a sample `poll`: numbers when Prometheus answered, None with the label `error` when it did not.
    A rule that fails to evaluate becomes a sample `rule_error`, once for each error.

    Args:
        prometheus_url: where it answers.
        recorder: gets the samples.
        every_s: seconds between two polls.
        look_back_s: how far the first poll looks back: a Prometheus that ran before may have alerts that fire already.
        ahead_s: how far its clock is ahead of ours.
        only: names of the alerts whose rule groups must be evaluated in time; None for all of them.
        scraped: the job whose series the rules need, and without which they see nothing; None where others choose.
    """

    def __init__(
        self,
        prometheus_url: str,
        recorder: Recorder,
        *,
        every_s: float = 0.25,
        look_back_s: float = 0.0,
        ahead_s: float = 0.0,
        only: AbstractSet[str] | None = None,
        scraped: str | None = None,
    ) -> None:
        self._api = PrometheusApi(prometheus_url)
        self._recorder = recorder
        self._every_s = every_s
        self._ahead_s = ahead_s
        self._only = only
        self._scraped = scraped
        self._scraped_mono: float | None = None
        self._answered_at = time.time() - look_back_s
        self._answered_mono = time.monotonic()
        self._clocks_apart_s = _clocks_apart_s()
        self._timelines: dict[Key, Timeline] = {}
        self._states: dict[Key, AlertState] = {}
        self._errors: dict[tuple[str, str, str], None] = {}
        self._scrape_errors: dict[str, str] = {}
        self._stop = threading.Event()
        self._polling = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="alert-poller", daemon=True)

    def start(self) -> None:
        """Begin to ask, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ask once more, so that nothing is missed, and stop. May be called again."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.poll()
        self._api.close()

    def silent_s(self) -> float:
        """For how long no poll was answered."""
        return time.monotonic() - self._answered_mono

    def states(self) -> list[AlertState]:
        """Every alert that was seen so far, and its state now."""
        return list(self._states.values())

    def firing(self, name: AlertName) -> bool:
        """Whether an alert that `name` matches is firing now."""
        return any(s.state == "firing" and name.matches(dict(s.labels)) for s in self.states())

    def poll(self) -> None:
        """Ask once, and record what changed."""
        with self._polling:
            try:
                value = self._query()
            except (NoAnswer, ValueError, LookupError, TypeError, AttributeError, OverflowError) as e:
                error = str(e) if isinstance(e, NoAnswer) else f"no sense in the answer: {in_words(e)}"
                self._recorder.record(PrometheusPoll(error=error))
            else:
                self._recorder.record(PrometheusPoll.of(value))

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.poll()
            self._stop.wait(max(0.0, self._every_s - (time.monotonic() - began)))

    def _query(self) -> dict[str, float]:
        queried_at = time.time()
        # In this order each answer knows at least what the one before it was about.
        groups = [_Group(group) for group in self._api.groups()]
        present = {_key(row["metric"]) for row in self._api.query("ALERTS")}
        window_ms = round((queried_at - self._answered_at + _OVERLAP_S) * 1000)
        samples = _by_alert(self._api.query(f"ALERTS[{window_ms}ms]"))
        for key in samples.keys() | self._timelines.keys():
            self._follow(key, samples.get(key, []), _group_of(key, groups), gone=key not in present)
        self._forget(samples.keys())
        self._answered_at, self._answered_mono = queried_at, time.monotonic()
        self._note_scrapes()
        counted = [s.state for s in self.states()]
        return {
            "up": 1.0,
            "alerts_firing": float(counted.count("firing")),
            "alerts_pending": float(counted.count("pending")),
            "rules_failing": float(self._note_errors(groups)),
            "evaluation_late_s": round(self._late_s(groups, queried_at + self._ahead_s), 3),
            "clock_ahead_s": round(_clocks_apart_s() - self._clocks_apart_s, 3),
            **self._scrapes(),
        }

    def _note_scrapes(self) -> None:
        """Record what Prometheus says of its scrapes, where the targets are the drill's own, when that has changed."""
        if self._scraped is None:
            return
        for target in self._api.targets():
            url, error = str(target.get("scrapeUrl", "")), str(target.get("lastError") or "")
            if error != self._scrape_errors.get(url, ""):
                remember(self._scrape_errors, url, error)
                self._recorder.record(ScrapeError(error, job=str(target.get("scrapePool", "")), url=url))

    def _scrapes(self) -> dict[str, float]:
        """The time since the newest sample of `scraped`; nothing before the first one."""
        if self._scraped is None:
            return {}
        rows = self._api.query(f'time() - timestamp(up{{job="{self._scraped}"}} == 1)')
        now = time.monotonic()
        if rows:
            self._scraped_mono = now - min(float(row["value"][1]) for row in rows)
        return {} if self._scraped_mono is None else {"scrape_late_s": round(max(0.0, now - self._scraped_mono), 3)}

    def _late_s(self, groups: Iterable[_Group], now_epoch_s: float) -> float:
        """By how much the group that is latest should have been evaluated before; a new one is not late yet."""
        counted = [g for g in groups if g.rules and (self._only is None or self._only & g.alert_names)]
        return max((now_epoch_s - g.evaluated_at - g.interval_s for g in counted if g.evaluated_at > 0), default=0.0)

    def _follow(self, key: Key, samples: list[tuple[float, State]], group: _Group, *, gone: bool) -> None:
        timeline = self._timelines.setdefault(key, Timeline())
        changes = timeline.add(samples, interval_s=group.interval_s, was_gone=lambda at: self._was_gone(key, at))
        # An evaluation later than the last sample has been done, and wrote none: `lastEvaluation` is when one began,
        # which is less than an interval after the time that it evaluated for.
        if timeline.active and gone and group.evaluated_at >= timeline.last_s + group.interval_s:
            changes.append(timeline.end(group.interval_s))
        for change in changes:
            at = self._recorder.at_s(change.epoch_s - self._ahead_s)
            self._states[key] = AlertState(dict(key), change.state, at)
            self._recorder.record(AlertTransition(change.state, labels=dict(key), at=at))

    def _forget(self, written: AbstractSet[Key]) -> None:
        """Forget alerts that ended and of which nothing is written any more, where there are more than `MOST`."""
        if len(self._timelines) > MOST:
            for key in [key for key, line in self._timelines.items() if not line.active and key not in written]:
                del self._timelines[key], self._states[key]

    def _was_gone(self, key: Key, epoch_s: float) -> bool:
        present = self._api.query("ALERTS", at_epoch_s=epoch_s - 0.001)
        return all(_key(row["metric"]) != key for row in present)

    def _note_errors(self, groups: Iterable[_Group]) -> int:
        failing = [(g, rule) for g in groups for rule in g.rules if rule.get("health") == "err"]
        for group, rule in failing:
            error = (group.name, str(rule["name"]), str(rule.get("lastError", "")))
            if is_new(self._errors, error):
                self._recorder.record(RuleError(error[2], group=group.name, rule=error[1], file=group.file))
        return len(failing)


def _clocks_apart_s() -> float:
    """From the clock of the run to that by which Prometheus dates: constant until somebody sets the latter."""
    return time.time() - time.monotonic()


def record_selector_counts(prometheus_url: str, recorder: Recorder, alerts: Iterable[AlertRule]) -> None:
    """Record how many series each selector of each rule matches now, as samples `selector` of source `prometheus`.

    A rule whose selector matches nothing can never fire: most often a label is mistyped. The value is None, with the
    label `error`, when Prometheus did not answer. The label `jobs` says who publishes what the rule is judged on.
    """
    api = PrometheusApi(prometheus_url)
    counted: dict[str, SelectorMatches] = {}
    for alert in alerts:
        asked = selectors(alert.expr)
        for selector in asked:
            if selector not in counted:
                counted[selector] = _count(api, selector)
        severity, place = alert.labels.get("severity", ""), f"{alert.file.name}:{alert.line}"
        empty = {selector for selector in asked if counted[selector].series == 0}
        missing = {selector for alternatives in needs(alert.expr) if alternatives <= empty for selector in alternatives}
        for selector in asked:
            found, optional = counted[selector], "true" if selector in empty - missing else ""
            recorder.record(replace(found, alert=alert.name, severity=severity, rule=place, optional=optional))
    api.close()


def _count(api: PrometheusApi, selector: str) -> SelectorMatches:
    try:
        rows = api.query(f"count by (job) ({selector})")
    except NoAnswer as e:
        return SelectorMatches(selector=selector, error=str(e))
    try:
        jobs = jobs_text(str(row["metric"].get("job", "")) for row in rows)
        series = sum(float(row["value"][1]) for row in rows)
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        return SelectorMatches(selector=selector, error=f"no sense in the answer: {in_words(e)}")
    return SelectorMatches(series, selector=selector, jobs=jobs)


class _Group:
    """A rule group as `/api/v1/rules` describes it."""

    def __init__(self, group: Mapping[str, Any]) -> None:
        self.name = str(group.get("name", ""))
        self.file = str(group.get("file", "")).rpartition("/")[2]
        self.interval_s = float(group.get("interval") or _DEFAULT_INTERVAL_S)
        self.rules: list[dict[str, Any]] = group.get("rules") or []
        self.evaluated_at = datetime.fromisoformat(group["lastEvaluation"]).timestamp()

    @property
    def alert_names(self) -> frozenset[str]:
        """The names of its alerting rules."""
        return frozenset(str(rule["name"]) for rule in self.rules if rule.get("type") == "alerting")

    def has(self, alert: Mapping[str, str], *, with_labels: bool) -> bool:
        """Whether the rule of `alert` is in this group."""
        return any(
            rule.get("type") == "alerting"
            and rule["name"] == alert.get("alertname")
            and (not with_labels or (rule.get("labels") or {}).items() <= alert.items())
            for rule in self.rules
        )


def _group_of(key: Key, groups: list[_Group]) -> _Group:
    # A templated label of the rule does not equal the alert's, so the name alone must do then.
    alert = dict(key)
    owners = [g for g in groups if g.has(alert, with_labels=True)] or [
        g for g in groups if g.has(alert, with_labels=False)
    ]
    if not owners:
        raise NoAnswer(f"/api/v1/rules names no rule {alert.get('alertname')}, though ALERTS does")
    return min(owners, key=lambda g: g.evaluated_at)


def _key(metric: Mapping[str, str]) -> Key:
    return tuple(sorted((name, value) for name, value in metric.items() if name not in _OWN_LABELS))


def _by_alert(rows: Iterable[Mapping[str, Any]]) -> dict[Key, list[tuple[float, State]]]:
    samples_of: dict[Key, list[tuple[float, State]]] = {}
    for row in rows:
        state = row["metric"]["alertstate"]
        samples_of.setdefault(_key(row["metric"]), []).extend((float(when), state) for when, _ in row["values"])
    return {key: sorted(samples) for key, samples in samples_of.items()}
