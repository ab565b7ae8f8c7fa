"""The page of `leakdrill trace`: a recording from anywhere, with what was judged of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill import __version__
from leakdrill.record.history import History
from leakdrill.reports.page.chart import Chart, Curve
from leakdrill.reports.page.claim_rows import claim_rows
from leakdrill.reports.page.content import Page, Table
from leakdrill.reports.page.growth import fit_line, growth_rows, interval, leak_figures, per_request
from leakdrill.reports.page.timeline import Phase, Timeline
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.judging.leak.trace import Trace

_COUNTS: Final = ("blocks", "gcobj", "threads", "fds")


def trace_page(candidate: Trace, baseline: Trace | None, verdict: LeakVerdict, *, projection: str = "") -> Page:
    """The page of a recording.

    Args:
        candidate: the recording that was judged.
        baseline: the one that it was compared with, if any.
        verdict: the answer.
        projection: when memory runs out in production, in words; empty where that was not asked.
    """
    claim = verdict.as_verdict()
    facts = [
        ("readings", f"{len(candidate)} of {verdict.column}"),
        ("recorded over", show_duration(float(candidate.t[-1] - candidate.t[0])) if len(candidate) else ""),
        ("compared with", baseline.name if baseline is not None else ""),
        ("projection", projection),
    ]
    return Page(
        kind="trace",
        name=candidate.name,
        summary="",
        outcome=claim.outcome,
        word=str(verdict.outcome),
        sentence=verdict.message,
        facts=tuple((term, text) for term, text in facts if text),
        figures=leak_figures(verdict, claim.outcome, (claim.check, ""), per=candidate.per),
        timeline=_timeline(candidate, baseline, verdict),
        claims=claim_rows([claim], History(())),
        tables=(
            Table(
                title="Growth",
                head=("", f"bytes {candidate.per}", "from", "to", "points"),
                rows=tuple(growth_rows(verdict)),
            ),
        ),
        record=(("recording", candidate.name), ("Leakdrill", __version__)),
    )


def _timeline(candidate: Trace, baseline: Trace | None, verdict: LeakVerdict) -> Timeline:
    traces = {"candidate": candidate} | ({"baseline": baseline} if baseline is not None else {})
    charts = tuple(chart for chart in _charts(traces, verdict) if chart.curves)
    end = max((float(curve.x[-1]) for chart in charts for curve in chart.curves if len(curve)), default=0.0)
    return Timeline(axis="requests", end=end, charts=charts, phases=tuple(_phases(candidate, verdict)))


def _charts(traces: dict[str, Trace], verdict: LeakVerdict) -> Iterator[Chart]:
    candidate = traces["candidate"]
    curves = [
        Curve(name=name, x=trace.requests, values=trace.resident, dots=trace.quiet)
        for name, trace in traces.items()
        if len(trace)
    ]
    fit = fit_line(verdict, candidate.requests, candidate.resident, "growth") if candidate.quiet else None
    yield Chart(
        key="memory",
        title=f"Memory over requests ({verdict.column})",
        unit="bytes",
        curves=(*curves, *([fit] if fit else [])),
        from_zero=False,
        note=f"Growth {candidate.per}: {per_request(verdict.growth.per_request)}, {interval(verdict.growth)}.",
    )
    for column in _COUNTS:
        if column in candidate.columns and len(candidate):
            curve = Curve(name=column, x=candidate.requests, values=candidate.columns[column], dots=candidate.quiet)
            yield Chart(key=column, title=column, unit="count", curves=(curve,), from_zero=False)


def _phases(candidate: Trace, verdict: LeakVerdict) -> Iterator[Phase]:
    """What was judged; a continuous recording is judged by points made of many readings, so by its requests."""
    if not verdict.judged_requests or not len(candidate):
        return
    end = float(candidate.requests[-1])
    start = max(0.0, end - verdict.judged_requests)
    if start > 0:
        yield Phase(name="given up as warm-up", start=0.0, end=start)
    yield Phase(name="judged", start=start, end=end)
