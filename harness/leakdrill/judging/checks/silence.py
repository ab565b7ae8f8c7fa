"""Whether the alerts that nobody expects stayed silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.alert_states import rule_errors, series_key, transitions, unanswered
from leakdrill.judging.evidence.check import where
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.windows import Span, alerts_watched_from_s, watched_until_s
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import Alerts
    from leakdrill.scenario.scenario import Scenario


def other_alerts_stay_silent(history: History, *, scenario: Scenario) -> Verdict:
    """Whether no alert fired that is neither expected nor allowed, from the leak's beginning to the end of `recover`.

    A healthy twin has no leak; there the baseline's beginning counts. An alert that fired before is noise: it is named
    and not counted. So is one that counted down before and fired when its `for` had passed: what held before the leak
    says nothing of the leak. UNKNOWN when Prometheus was silent, or could not evaluate a rule.
    """
    claim = Claim("other_alerts_stay_silent")
    began_s = alerts_watched_from_s(history, scenario)
    if began_s is None:
        return claim.unknown(
            "the drill ended before there was anything to watch", hint="see the verdict measurements_are_complete"
        )
    span = Span(began_s, watched_until_s(history))
    counted = [e for e in transitions(history) if _counts(scenario.alerts, e)]
    watched = [e for e in counted if e.state == "firing"]
    noisy = {series_key(e) for e in watched if e.when < began_s}
    pending = _pending_before(counted, began_s)
    loud = [
        e for e in watched if began_s <= e.when <= span.end_s and series_key(e) not in noisy and e.index not in pending
    ]
    noise = sorted({describe(e) for e in watched if series_key(e) in noisy or e.index in pending})
    also = f"; already firing or pending before, so not counted: {', '.join(noise)}" if noise else ""
    if loud:
        first = ", ".join(f"{describe(e)} after {show_duration(e.when - began_s)}" for e in _first_of_each(loud))
        return claim.fails(
            f"alerts fired that nobody expects: {first}{also}",
            numbers={"unexpected_alerts": len(_first_of_each(loud)), "noise_alerts": len(noise)},
            events=[e.index for e in loud],
            hint="if they belong to this failure, name them under `alerts.expect` or `alerts.may_fire`",
        )
    return _doubt(history, claim, scenario.alerts, span) or claim.holds(
        f"no other alert fired in {show_duration(span.length_s)}{_allowed(history, scenario.alerts, span)}{also}",
        numbers={"watched_s": span.length_s, "unexpected_alerts": 0, "noise_alerts": len(noise)},
    )


def _allowed(history: History, alerts: Alerts, span: Span) -> str:
    """The alerts that fired and may, without being expected, as a part of the sentence."""
    fired = (e for e in transitions(history) if e.state == "firing" and span.start_s <= e.when <= span.end_s)
    may = {
        describe(e)
        for e in fired
        if any(one.matches(e.labels) for one in alerts.may_fire)
        and not any(one.matches(e.labels) for one in alerts.expect)
    }
    return f", beside what may: {', '.join(sorted(may))}" if may else ""


def _pending_before(events: list[AlertTransition], began_s: float) -> set[int]:
    """The transitions to `firing` of series that were pending when the watch began, and without a break since."""
    last: dict[frozenset[tuple[str, str]], AlertTransition] = {}
    found = set()
    for event in events:
        before = last.get(series_key(event))
        if event.state == "firing" and before and before.state == "pending" and before.when < began_s <= event.when:
            found.add(event.index)
        last[series_key(event)] = event
    return found


def _counts(alerts: Alerts, event: AlertTransition) -> bool:
    """Whether `event` belongs to an alert that must stay silent."""
    if any(one.matches(event.labels) for one in (*alerts.expect, *alerts.may_fire)):
        return False
    return alerts.silent is None or any(one.matches(event.labels) for one in alerts.silent)


def _doubt(history: History, claim: Claim, alerts: Alerts, span: Span) -> Verdict | None:
    silences = unanswered(history, alerts, span)
    if silences:
        return claim.unknown(
            f"no other alert was seen, but {silences[0]}",
            numbers={"longest_silence_s": max(s.length_s for s in silences)},
            hint="see the verdict measurements_are_complete",
        )
    for rule, why, event in rule_errors(history):
        return claim.unknown(
            f"no other alert was seen, but the rule {rule} could not be evaluated: {why}",
            events=[event],
            hint="run the expression in promtool",
        )
    return None


def describe(event: AlertTransition) -> str:
    """The alert of `event` as a person names it: its name, and its severity where it has one."""
    name, severity = event.labels.get("alertname", "?"), event.labels.get("severity")
    return f"{name} ({severity})" if severity else name


def _first_of_each(events: list[AlertTransition]) -> list[AlertTransition]:
    firsts: dict[frozenset[tuple[str, str]], AlertTransition] = {}
    for event in events:
        firsts.setdefault(series_key(event), event)
    return list(firsts.values())


SILENT: Final = where(
    lambda _history, scenario: scenario.alerts.evaluated,
    "other_alerts_stay_silent",
    "No alert fired that the scenario does not expect.",
    other_alerts_stay_silent,
)
