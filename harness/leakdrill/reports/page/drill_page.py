"""The page of a drill, and of a rehearsal of a runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.windows import alerts_watched_from_s
from leakdrill.record.verdict import worst
from leakdrill.reports.page.alert_lanes import alert_lanes
from leakdrill.reports.page.claim_rows import claim_rows
from leakdrill.reports.page.content import Page
from leakdrill.reports.page.drill_charts import drill_charts
from leakdrill.reports.page.drill_marks import drill_marks, drill_phases
from leakdrill.reports.page.facts import record_facts, target_fact
from leakdrill.reports.page.headline import drill_figures, sentence
from leakdrill.reports.page.timeline import Timeline
from leakdrill.units import plain, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.history import History
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict


def drill_page(history: History, info: RunInfo, verdicts: Sequence[Verdict], *, note: str = "") -> Page:
    """The page of a drill.

    Args:
        history: its record.
        info: its `run.json`.
        verdicts: what the record shows.
        note: a remark about the record, such as that it is unsealed.
    """
    scenario, outcome = info.scenario, worst(verdicts)
    return Page(
        kind="drill" if info.rehearsal is None else "rehearsal of a runbook",
        name=scenario.name,
        summary=scenario.summary,
        outcome=outcome,
        word=str(outcome),
        sentence=sentence(verdicts) if verdicts or not note else note,
        facts=tuple(_facts(history, info)),
        figures=drill_figures(verdicts, scenario.alerts.time_scale),
        timeline=_timeline(history, info, verdicts),
        claims=claim_rows(verdicts, history),
        record=record_facts(info.run_id, info.started, info.leakdrill, info.versions, info.machine, note),
    )


def _timeline(history: History, info: RunInfo, verdicts: Sequence[Verdict]) -> Timeline:
    scenario = info.scenario
    began_s = alerts_watched_from_s(history, scenario) if scenario.leaks else None
    return Timeline(
        axis="time",
        end=history.end_s,
        charts=drill_charts(history, scenario, verdicts),
        phases=drill_phases(history),
        marks=drill_marks(history),
        lanes=alert_lanes(history, scenario),
        time_scale=scenario.alerts.time_scale,
        origin=None if began_s is None else (began_s, "the leak began"),
    )


def _facts(history: History, info: RunInfo) -> Iterator[tuple[str, str]]:
    scenario = info.scenario
    if scenario.rehearses:
        yield "rehearses", scenario.rehearses
    yield "target", target_fact(scenario)
    if scenario.leaks:
        yield "leak", ", ".join(f"{leak.name} ({leak.resource.replace('_', ' ')})" for leak in scenario.leaks)
    if scenario.steps:
        yield "steps", ", ".join(step.name for step in scenario.steps)
    yield "started", f"{info.started:%Y-%m-%d %H:%M:%S} UTC"
    yield "took", show_duration(history.end_s)
    if scenario.alerts.evaluated:
        scale = scenario.alerts.time_scale
        yield "time scale", "production time" if scale == 1 else f"{plain(scale)}: 1 s is {show_duration(scale)}"
