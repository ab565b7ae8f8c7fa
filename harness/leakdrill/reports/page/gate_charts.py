"""The charts of a gate run: memory after each slot over the requests so far, for each corpus and build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.judging.leak.gate import BASELINE, CANDIDATE, planned_looks, verdict_so_far
from leakdrill.judging.leak.slots import corpora, slot_events, slot_trace
from leakdrill.reports.page.chart import Chart, Curve
from leakdrill.reports.page.growth import fit_line, interval, per_request
from leakdrill.reports.page.timeline import Mark, Phase, Timeline
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.judging.leak.gate_baseline import BaselineFile
    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.judging.leak.trace import Trace
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Measured:
    """A gate run.

    Attributes:
        history: its record.
        scenario: as it was run.
        stored: the baseline that it was compared with, if any.
        verdicts: the leak verdict on the candidate for each corpus under which it was measured.
    """

    history: History
    scenario: Scenario
    stored: BaselineFile | None
    verdicts: Mapping[str, LeakVerdict]

    def trace(self, build: str, corpus: str) -> Trace:
        """The recording of one build; of a baseline that was not run beside it, the stored one."""
        found = slot_trace(self.history, build=build, corpus=corpus)
        return self.stored.trace() if build == BASELINE and self.stored is not None and not len(found) else found


def measured_run(history: History, scenario: Scenario, stored: BaselineFile | None) -> Measured:
    """A gate run with what was measured of its candidate."""
    measured = corpora(history, build=CANDIDATE)
    return Measured(
        history, scenario, stored, {one: verdict_so_far(history, scenario, one, stored) for one in measured}
    )


def gate_timeline(measured: Measured) -> Timeline:
    """The charts of a gate run over its requests; warm-up and looks are those of the first corpus."""
    names = list(measured.verdicts)
    charts = tuple(chart for corpus in names for chart in _charts(measured, corpus, alone=len(names) == 1))
    end = max((float(curve.x[-1]) for chart in charts for curve in chart.curves if len(curve)), default=0.0)
    return Timeline(
        axis="requests",
        end=end,
        charts=charts,
        phases=tuple(_phases(measured, names[0])) if names else (),
        marks=tuple(_looks(measured, names[0])) if names else (),
    )


def _charts(measured: Measured, corpus: str, *, alone: bool) -> Iterator[Chart]:
    of = "" if alone else f", {corpus} corpus"
    verdict, traces = measured.verdicts[corpus], {name: measured.trace(name, corpus) for name in (CANDIDATE, BASELINE)}
    traces = {name: trace for name, trace in traces.items() if len(trace)}
    if CANDIDATE not in traces or any(trace.impossible for trace in traces.values()):
        return
    candidate = traces[CANDIDATE]
    fit = fit_line(verdict, candidate.requests, candidate.resident, "growth of the candidate")
    measured_curves = [
        Curve(name=name, x=trace.requests, values=trace.resident, dots=True) for name, trace in traces.items()
    ]
    yield Chart(
        key=f"memory-{corpus}",
        title=f"Memory after each slot ({verdict.column}){of}",
        unit="bytes",
        curves=(*measured_curves, *([fit] if fit else [])),
        from_zero=False,
        note=f"Growth a request: {per_request(verdict.growth.per_request)}, {interval(verdict.growth)}; "
        f"budget {per_request(verdict.budget)}."
        if fit
        else "",
    )
    yield from _objects(traces, corpus, of)


def _objects(traces: dict[str, Trace], corpus: str, of: str) -> Iterator[Chart]:
    """What the agent in the service counted, where there was one."""
    curves = [
        Curve(name=name, x=trace.requests, values=trace.columns["gcobj"], dots=True)
        for name, trace in traces.items()
        if "gcobj" in trace.columns
    ]
    if curves:
        yield Chart(
            key=f"objects-{corpus}",
            title=f"Python objects that the collector tracks{of}",
            unit="count",
            curves=tuple(curves),
            from_zero=False,
        )


def _phases(measured: Measured, corpus: str) -> Iterator[Phase]:
    verdict, requests = measured.verdicts[corpus], measured.trace(CANDIDATE, corpus).requests
    judged_from = len(requests) - verdict.judged_points
    if not verdict.judged_points or not 0 <= judged_from < len(requests):
        return
    first, judged = float(requests[0]), float(requests[judged_from])
    if first > 0:
        yield Phase(name="warm-up, not measured", start=0.0, end=first)
    if judged > first:
        yield Phase(name="given up as warm-up", start=first, end=judged)
    yield Phase(name="judged", start=judged, end=float(requests[-1]))


def _looks(measured: Measured, corpus: str) -> Iterator[Mark]:
    """The looks at which the run was judged, as far as it came."""
    slots = slot_events(measured.history, build=CANDIDATE, corpus=corpus)
    for look in planned_looks(measured.scenario, measured.stored):
        if look.after_slots <= len(slots):
            slot = slots[look.after_slots - 1]
            at = slot.requests or 0.0
            detail = f"judged with confidence {look.confidence:.3%}{'; the last look' if look.last else ''}"
            yield Mark(
                start=at, end=at, kind="look", label=f"look after {show_count(look.after_slots, 'slot')}", detail=detail
            )
