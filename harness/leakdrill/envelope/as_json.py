"""Envelopes as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.envelope.sentence import least_seen_s, sees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.envelope.envelope import Envelope
    from leakdrill.envelope.requirement import Judged
    from leakdrill.envelope.settings import Settings

SCHEMA_VERSION: Final = 1
"""Grows when a field changes its meaning."""


def envelopes_as_json(
    envelopes: Sequence[Envelope], settings: Settings, promtool: str, judged: Sequence[Judged]
) -> dict[str, Any]:
    """Returns everything that was found out; times in seconds, `spare_s` null where an alert is blind."""
    return {
        "schema": SCHEMA_VERSION,
        "promtool": promtool,
        "assumed": {
            "limits": dict(settings.limits),
            "baseline": settings.baseline,
            "scrape_s": settings.scrape_s,
            "evaluate_s": settings.evaluate_s,
        },
        "alerts": [_envelope(one, settings) for one in envelopes],
        "verdicts": [{"outcome": str(one.outcome), "message": one.text} for one in judged],
    }


def _envelope(one: Envelope, settings: Settings) -> dict[str, Any]:
    alert = one.alert
    return {
        "alert": alert.name,
        "labels": dict(alert.labels),
        "file": str(alert.file),
        "line": alert.line,
        "message": sees(one, settings.baseline),
        "reason": one.reason,
        "resources": list(one.resources),
        "sees_from_s": least_seen_s(one.steady),
        "leaks": {
            shape: [
                {
                    "takes_s": sight.takes_s,
                    "spare_s": sight.spare_s,
                    "kills_before": sight.kills_before,
                    "before_the_leak": sight.is_early,
                    "within_s": sight.within_s,
                }
                for sight in sights
            ]
            for shape, sights in one.sights.items()
        },
        "false_alarms": [
            {"shape": alarm.shape, "fired_s": alarm.fired_s, "lasts_s": alarm.lasts_s} for alarm in one.false_alarms
        ],
        "healthy": list(one.healthy),
        "notes": list(one.notes),
    }
