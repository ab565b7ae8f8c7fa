"""A drill as a trace in OTLP/HTTP with JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp.

One span for the drill, one for each phase below it, one for each step and restart below its phase; leaks, alerts,
deliveries and kills are events of the drill. The ids follow from the run's, so that a second export is the same trace.
No SDK is needed for that, and none would let the times be those of a stored run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill import __version__
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.exports.moments import Moment
    from leakdrill.record.verdict import Verdict

PATH: Final = "/v1/traces"
_INTERNAL: Final = 1
_OK, _ERROR = 1, 2
_SPANS: Final = ("phase", "step", "restart")
_TRACE_CHARS: Final = 32
_SPAN_CHARS: Final = 16


def trace_of(
    moments: Sequence[Moment], verdicts: Sequence[Verdict], *, run_id: str, scenario: str, target: str
) -> dict[str, Any]:
    """The body of an export: one trace.

    Args:
        moments: of one run, the drill itself first.
        verdicts: on it.
        run_id: from which the ids of trace and spans follow.
        scenario: its name.
        target: the name of what was drilled, which is the service of the trace.
    """
    trace = _hex(run_id, _TRACE_CHARS)
    whole, rest = moments[0], moments[1:]
    root = {
        **_span(trace, run_id, 0, whole, parent=""),
        "attributes": _attributes(
            {
                "leakdrill.scenario": scenario,
                "leakdrill.run_id": run_id,
                "leakdrill.outcome": str(worst(verdicts)),
                **{f"leakdrill.claim.{_claim(one)}": str(one.outcome) for one in verdicts},
            }
        ),
        "events": [_event(one) for one in rest if one.kind not in _SPANS],
        "status": _status(verdicts),
    }
    spans = [(at, one) for at, one in enumerate(rest, start=1) if one.kind in _SPANS]
    children = [_span(trace, run_id, at, one, parent=_parent(spans, one, root, run_id)) for at, one in spans]
    resource = {"service.name": target, "telemetry.sdk.name": "leakdrill", "telemetry.sdk.version": __version__}
    scope = {"name": "leakdrill", "version": __version__}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": scope, "spans": [root, *children]}],
            }
        ]
    }


def _parent(spans: Sequence[tuple[int, Moment]], one: Moment, root: Mapping[str, Any], run_id: str) -> str:
    """The phase in which a step began; of a phase the drill."""
    if one.kind != "phase":
        phases = [(at, phase) for at, phase in spans if phase.kind == "phase" and phase.start_ns <= one.start_ns]
        if phases:
            return _hex(f"{run_id}/{phases[-1][0]}", _SPAN_CHARS)
    return str(root["spanId"])


def _span(trace: str, run_id: str, at: int, moment: Moment, *, parent: str) -> dict[str, Any]:
    return {
        "traceId": trace,
        "spanId": _hex(f"{run_id}/{at}", _SPAN_CHARS),
        "parentSpanId": parent,
        "name": moment.name if moment.kind == "drill" else f"{moment.kind} {moment.name}",
        "kind": _INTERNAL,
        "startTimeUnixNano": str(moment.start_ns),
        "endTimeUnixNano": str(moment.end_ns),
        "attributes": _attributes({"leakdrill.detail": moment.detail} if moment.detail else {}),
        "status": {"code": _ERROR, "message": moment.detail} if moment.outcome is Outcome.FAIL else {},
    }


def _event(moment: Moment) -> dict[str, Any]:
    attributes = {"leakdrill.kind": moment.kind, "leakdrill.detail": moment.detail}
    return {
        "timeUnixNano": str(moment.start_ns),
        "name": moment.name,
        "attributes": _attributes({key: value for key, value in attributes.items() if value}),
    }


def _status(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """OK, ERROR with the first sentence of a FAIL; unset where it is UNKNOWN, which is neither."""
    outcome = worst(verdicts)
    if outcome is Outcome.PASS:
        return {"code": _OK}
    failed = next((one for one in verdicts if one.outcome is Outcome.FAIL), None)
    return {"code": _ERROR, "message": printable(f"{_claim(failed)}: {failed.message}")} if failed else {}


def _claim(verdict: Verdict) -> str:
    return printable(f"{verdict.check} {verdict.subject}".strip())


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": printable(value)}} for key, value in values.items()]


def _hex(text: str, chars: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:chars]
