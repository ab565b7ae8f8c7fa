"""The states of one alert in Prometheus, in the order of its own evaluations, and when it did not answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.windows import Span, down_spans, gaps, outside
from leakdrill.record.events import (
    AlertmanagerPoll,
    AlertTransition,
    KubeletScrape,
    PrometheusPoll,
    PrometheusStart,
    RuleError,
    SelectorMatches,
)
from leakdrill.scenario.kubernetes import KUBELET, KUBELET_MEASURES_WITHIN_S
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import AlertName, Alerts

_SHORTEST_GAP_S: Final = 1.0
_EVALUATIONS: Final = 3
_FAILED_POLLS: Final = 2
_CLOCK_JUMP_S: Final = 0.25
"""Between two polls: a clock that is only adjusted gains or loses a two-thousandth."""


_LATENESS: Final[tuple[tuple[Callable[[PrometheusPoll], float | None], str], ...]] = (
    (lambda poll: poll.evaluation_late_s, "Prometheus did not evaluate the rules"),
    (lambda poll: poll.scrape_late_s, "Prometheus took in no readings of the target"),
)


@dataclass(frozen=True, slots=True)
class Silence(Span):
    """A stretch in which the states of alerts are not known, and why."""

    reason: str = "Prometheus did not answer"
    events: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.reason} for {show_duration(self.length_s)}"


def transitions(history: History, alert: AlertName | None = None) -> list[AlertTransition]:
    """The transitions of `alert`, or of every alert, ordered by Prometheus' own clock."""
    matching = [e for e in history.of(AlertTransition) if alert is None or alert.matches(e.labels)]
    return sorted(matching, key=lambda e: (e.when, e.index))


def series_key(event: AlertTransition) -> frozenset[tuple[str, str]]:
    """The identity of one series of an alert: all its labels."""
    return frozenset(event.labels.items())


def already_active(events: list[AlertTransition], began_s: float) -> bool:
    """Whether a series fired, or counted down to firing without a break, from before `began_s`."""
    before = {series_key(e): e.state for e in events if e.when < began_s}
    following = {series_key(e): e.state for e in reversed(events) if e.when >= began_s}
    return any(
        state == "firing" or (state == "pending" and following.get(series) == "firing")
        for series, state in before.items()
    )


def first_firing(events: list[AlertTransition], after_s: float) -> AlertTransition | None:
    """The first transition to `firing` at or after `after_s`."""
    return next((e for e in events if e.state == "firing" and e.when >= after_s), None)


def firing_spans(events: list[AlertTransition], *, end_s: float) -> list[Span]:
    """The spans in which at least one series fired; a span that is still open ends at `end_s`."""
    spans: list[Span] = []
    firing: set[frozenset[tuple[str, str]]] = set()
    since_s = 0.0
    for event in events:
        was_firing = bool(firing)
        (firing.add if event.state == "firing" else firing.discard)(series_key(event))
        if firing and not was_firing:
            since_s = event.when
        elif was_firing and not firing:
            spans.append(Span(since_s, event.when))
    return [*spans, Span(since_s, end_s)] if firing else spans


def rule_errors(history: History, alert: str | None = None) -> list[tuple[str, str, int]]:
    """Rules that Prometheus could not evaluate, of one alert or of all: the rule, the error, the event."""
    errors = history.of(RuleError)
    return [(rule, e.message, e.index) for e in errors if alert in (None, rule := e.rule or "?")]


def tolerated_gap_s(alerts: Alerts) -> float:
    """The time for which Prometheus may be silent before a state may have been missed."""
    return max(_SHORTEST_GAP_S, _EVALUATIONS * alerts.evaluation_interval)


def unanswered(history: History, alerts: Alerts, span: Span) -> list[Silence]:
    """The spans in which Prometheus did not answer for longer than is tolerated, or had no data for the rules."""
    answered = [e.t for e in history.of(PrometheusPoll) if e.values and (e.up is None or e.up > 0)]
    silent = [Silence(gap.start_s, gap.end_s) for gap in gaps(answered, span, longest_s=tolerated_gap_s(alerts))]
    jumps = _clock_jumps(history, span)
    late = (
        [] if jumps else [s for lateness, reason in _LATENESS for s in _late(history, alerts, span, lateness, reason)]
    )
    return [*silent, *jumps, *late, *_series_gaps(history, span)]


def _late(
    history: History, alerts: Alerts, span: Span, lateness: Callable[[PrometheusPoll], float | None], reason: str
) -> list[Silence]:
    """The spans in which Prometheus answered, but was late with its own work for longer than is tolerated."""
    tolerated_s = max(tolerated_gap_s(alerts), _EVALUATIONS * alerts.scrape_interval)
    late: list[Silence] = []
    for poll in history.of(PrometheusPoll):
        lateness_s = lateness(poll) or 0.0
        if lateness_s <= tolerated_s or not span.start_s <= poll.t <= span.end_s:
            continue
        since_s = max(poll.t - lateness_s, span.start_s)
        if late and since_s <= late[-1].end_s:
            since_s = late.pop().start_s
        late.append(Silence(since_s, poll.t, reason=reason))
    return late


def _clock_jumps(history: History, span: Span) -> list[Silence]:
    """From each jump of the clock by which Prometheus evaluates and dates, to the end of `span`."""
    polls = [(e.t, e.clock_ahead_s) for e in history.of(PrometheusPoll) if e.clock_ahead_s is not None]
    return [
        Silence(t, span.end_s, reason=f"the clock of this machine had been set by {after - before:+.1f} s")
        for (_, before), (t, after) in pairwise(polls)
        if abs(after - before) > _CLOCK_JUMP_S and span.start_s <= t < span.end_s
    ]


def alertmanager_silences(history: History, span: Span) -> list[Silence]:
    """The one stretch of `span` in which Alertmanager did not answer more than once, if there is one."""
    failed = [e for e in history.of(AlertmanagerPoll) if e.error and span.start_s <= e.t <= span.end_s]
    if len(failed) < _FAILED_POLLS:
        return []
    reason = f"Alertmanager did not answer ({failed[0].error})"
    return [Silence(failed[0].t, failed[-1].t, reason, tuple(e.index for e in failed))]


def _series_gaps(history: History, span: Span) -> list[Silence]:
    """The spans without the kubelet's series for longer than Prometheus measures, while the target was up."""
    scrapes = history.of(KubeletScrape)
    if not scrapes:
        return []
    scraped_at = [e.t for e in scrapes if e.values]
    return [
        Silence(
            part.start_s,
            part.end_s,
            reason=f"Prometheus had no series of the kubelet's ({_scrape_problem(scrapes, part)})",
        )
        for gap in gaps(scraped_at, span, longest_s=KUBELET_MEASURES_WITHIN_S)
        for part in outside(gap, down_spans(history))
        if part.length_s > KUBELET_MEASURES_WITHIN_S
    ]


def _scrape_problem(scrapes: list[KubeletScrape], gap: Span) -> str:
    errors = [e.error for e in scrapes if not e.values and gap.start_s <= e.t <= gap.end_s]
    return errors[-1] if errors else "nobody looked"


def rests_on_kubelet_series(history: History, alert: AlertName) -> bool:
    """Whether the rule of `alert` saw the kubelet's own series, as the scrape job of what it selected says.

    The drill's own exporter publishes under that job, too; its Prometheus says when it scrapes kubelets beside it.
    """
    if history.acts(PrometheusStart) and not history.of(KubeletScrape):
        return False
    selected = [e for e in history.of(SelectorMatches) if e.alert == alert.alert]
    return any(KUBELET in e.job_names for e in selected)
