"""A backtest as JSON: seconds are of production time since the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.backtest.live import fired_live_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.backtest.against import Change
    from leakdrill.backtest.alert_past import Backtested
    from leakdrill.backtest.past import Past

SCHEMA_VERSION: Final = 1
"""Grows when a field changes its meaning."""


def past_as_json(past: Past, alerts: Sequence[Backtested], changed: Sequence[Change] | None) -> dict[str, Any]:
    """Returns what each alert would have done in `past`, what happened, and what changed against older rules."""
    facts: dict[str, Any] = {
        "past": past.name,
        "kind": past.kind,
        "began": None if past.began is None else past.began.isoformat(),
        "lasts_s": past.origin_s + past.ends_s,
        "time_scale": past.time_scale,
        "scrape_s": past.scrape_s,
        "alerts": [_alert(one, past) for one in alerts],
        "happenings": [
            {"t_s": one.t_s, "kind": one.kind, "text": one.text}
            for one in past.happenings
            if one.t_s >= past.shown_from_s
        ],
        "notes": list(past.notes),
    }
    if changed is not None:
        facts["changes"] = [
            {"alert": one.alert, "word": one.word, "seconds": one.seconds, "detail": one.detail} for one in changed
        ]
    return facts


def _alert(one: Backtested, past: Past) -> dict[str, Any]:
    between = one.fires_between_s
    return {
        "alert": one.alert.name,
        "labels": dict(one.alert.labels),
        "rule": f"{one.alert.file}:{one.alert.line}",
        "word": one.word,
        "reason": one.reason,
        "fires_s": one.fires_s,
        "fires_earliest_s": between[0] if between else None,
        "fires_latest_s": between[1] if between else None,
        "fires_in_ways": one.fires_in,
        "ways": len(one.ways),
        "fired_live_s": fired_live_s(one.alert, past),
        "evaluate_s": one.usual.evaluate_s,
        "stretches": [
            {"labels": dict(stretch.labels), "pending_s": stretch.pending_s, "firing_s": stretch.firing_s,
             "over_s": stretch.over_s}
            for stretch in one.usual.stretches
            if stretch.over_s is None or stretch.over_s >= past.shown_from_s
        ],
    }  # fmt: skip
