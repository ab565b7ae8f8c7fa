"""The marks of a drill's timeline: leaks, steps, restarts, kills, changes and trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.checks.limits import oom_kills
from leakdrill.judging.evidence.windows import step_runs
from leakdrill.record.events import (
    AlertmanagerExited,
    LeakSwitchOff,
    LeakSwitchOn,
    LoadExited,
    Notice,
    PrometheusExited,
    RunBroken,
    StepSkipped,
    TargetExited,
    TargetLimits,
    TargetReplicas,
    TargetRestart,
)
from leakdrill.record.history import PHASES
from leakdrill.reports.page.timeline import Mark, Phase
from leakdrill.units import show_code, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.reports.page.timeline import MarkKind


def drill_phases(history: History) -> tuple[Phase, ...]:
    """The phases that the drill reached."""
    spans = [(name, history.phase(name)) for name in PHASES]
    return tuple(Phase(name=name, start=span[0], end=span[1]) for name, span in spans if span is not None)


def drill_marks(history: History) -> tuple[Mark, ...]:
    """What happened in a drill, in order."""
    parts = (_leaks, _steps, _restarts, _ends, _changes, _trouble)
    marks = [mark for part in parts for mark in part(history)]
    return tuple(sorted(marks, key=lambda mark: mark.start))


def _leaks(history: History) -> Iterator[Mark]:
    acts = [
        *((act.begin.leak, "on", act.begin, act.succeeded, act.reason) for act in history.acts(LeakSwitchOn)),
        *((act.begin.leak, "off", act.begin, act.succeeded, act.reason) for act in history.acts(LeakSwitchOff)),
    ]
    for leak, word, begin, succeeded, reason in acts:
        yield _moment(begin.t, "leak", f"leak {word}", leak if succeeded else f"{leak}: {reason}", begin.index)


def _steps(history: History) -> Iterator[Mark]:
    for run in step_runs(history):
        begin, facts = run.act.begin, run.act.end.more if run.act.end else {}
        told = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in {"action", "act", "output"})
        detail = f"{begin.action}: {'done' if run.act.succeeded else run.act.reason}{f'; {told}' if told else ''}"
        yield Mark(start=run.start_s, end=run.end_s, kind="step", label=begin.step, detail=detail, event=begin.index)
    for skipped in history.of(StepSkipped):
        yield _moment(skipped.t, "step", f"{skipped.step}: not carried out", skipped.reason, skipped.index)


def _restarts(history: History) -> Iterator[Mark]:
    """Restarts outside steps; those of a step are part of it."""
    steps = [run.span for run in step_runs(history)]
    for act in history.acts(TargetRestart):
        if not any(span.start_s <= act.begin.t <= span.end_s for span in steps):
            end_s = act.end.t if act.end else history.end_s
            yield Mark(start=act.begin.t, end=end_s, kind="restart", label="restart", event=act.begin.index)


def _ends(history: History) -> Iterator[Mark]:
    kills = oom_kills(history)
    for kill in kills:
        of = f" of {kill.pod}" if isinstance(kill, TargetExited) and kill.pod else ""
        yield _moment(kill.when, "kill", f"OOM kill{of}", "the kernel killed it for its memory", kill.index)
    killed = {kill.index for kill in kills}
    for ended in history.of(TargetExited):
        if ended.index not in killed:
            detail = ended.signal or ended.reason or f"exit code {show_code(ended.exit_code)}"
            yield _moment(ended.when, "kill", f"{ended.pod or 'the target'} ended", detail, ended.index)


def _changes(history: History) -> Iterator[Mark]:
    for limits in history.of(TargetLimits):
        memory = "" if limits.memory_bytes is None else f"memory {show_size(limits.memory_bytes)}"
        cpus = "" if limits.cpus is None else f"{limits.cpus:g} CPUs"
        detail = ", ".join(part for part in (memory, cpus) if part)
        yield _moment(limits.t, "change", "limits changed", detail, limits.index)
    for replicas in history.of(TargetReplicas):
        detail = "" if replicas.replicas is None else f"{replicas.replicas:.0f} now"
        yield _moment(replicas.t, "change", "replicas changed", detail, replicas.index)


def _trouble(history: History) -> Iterator[Mark]:
    for broken in history.of(RunBroken):
        yield _moment(broken.t, "trouble", "cut short", broken.message, broken.index)
    for notice in history.of(Notice):
        yield _moment(notice.t, "trouble", "notice", notice.message, notice.index)
    exits = [
        *((ended.t, ended.exit_code, ended.index, "the load") for ended in history.of(LoadExited)),
        *((ended.t, ended.exit_code, ended.index, "Prometheus") for ended in history.of(PrometheusExited)),
        *((ended.t, ended.exit_code, ended.index, "Alertmanager") for ended in history.of(AlertmanagerExited)),
    ]
    for at_s, code, index, who in exits:
        yield _moment(at_s, "trouble", f"{who} ended", f"exit code {show_code(code)}", index)


def _moment(at_s: float, kind: MarkKind, label: str, detail: str, event: int) -> Mark:
    return Mark(start=at_s, end=at_s, kind=kind, label=label, detail=detail, event=event)
