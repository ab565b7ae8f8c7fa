"""The page of a watched command: its memory by program, or by phase, against the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.watch.memory_split import Owners, attempts, peak, readings
from leakdrill.record.events import WatchExited, WatchInterrupted, WatchMemory, WatchThreshold
from leakdrill.record.verdict import Outcome, worst
from leakdrill.reports.page.chart import Chart, Curve, Level
from leakdrill.reports.page.claim_rows import claim_rows
from leakdrill.reports.page.content import Page, Table
from leakdrill.reports.page.facts import record_facts
from leakdrill.reports.page.gaps import with_gaps
from leakdrill.reports.page.headline import Figure, sentence
from leakdrill.reports.page.timeline import Mark, Phase, Timeline
from leakdrill.units import show_code, show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.judging.watch.memory_split import By, Reading
    from leakdrill.judging.watch.run_files import WatchInfo
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.reports.page.timeline import MarkKind

_AREAS: Final = 7
"""Areas of a chart; what is left is one area more."""
_LONGEST: Final = 60
"""Characters of a command in the head of its page."""
_OTHERS: Final = "all others"


def watch_page(history: History, info: WatchInfo, verdicts: Sequence[Verdict], *, note: str = "") -> Page:
    """The page of a watched command.

    Args:
        history: its record.
        info: its `run.json`.
        verdicts: what the record shows.
        note: a remark about the record, such as that it is unsealed.
    """
    outcome, plan = worst(verdicts), info.watch
    by: By = "phase" if plan.phases else "program"
    runs = attempts(history)
    facts = [
        ("command", " ".join(plan.command)),
        ("limit", show_size(plan.limit_bytes) if plan.limit_bytes is not None else ""),
        ("attempts", str(len(runs)) if len(runs) > 1 else ""),
        ("started", f"{info.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("took", show_duration(history.end_s)),
    ]
    return Page(
        kind="watch",
        name=_short(" ".join(plan.command)),
        summary="",
        outcome=outcome,
        word=str(outcome),
        sentence=sentence(verdicts),
        facts=tuple((term, text) for term, text in facts if text),
        figures=tuple(_figures(history, info, verdicts)),
        timeline=Timeline(
            axis="time",
            end=history.end_s,
            charts=tuple(chart for chart in _charts(history, info, by) if chart.curves),
            phases=tuple(_phases(history)),
            marks=tuple(sorted(_marks(history), key=lambda mark: mark.start)),
        ),
        claims=claim_rows(verdicts, history),
        tables=tuple(_split(history, by)),
        record=record_facts(info.run_id, info.started, info.leakdrill, info.versions, {}, note),
    )


def _short(command: str) -> str:
    return command if len(command) <= _LONGEST else f"{command[:_LONGEST]} …"


def _figures(history: History, info: WatchInfo, verdicts: Sequence[Verdict]) -> Iterator[Figure]:
    every = [reading for attempt in attempts(history) for reading in readings(history, attempt)]
    counted = history.series(WatchMemory, "memory_bytes").values
    highest = max([*(r.total_bytes for r in every), *counted[np.isfinite(counted)].tolist()], default=None)
    limit = info.watch.limit_bytes
    claim = next((v for v in verdicts if v.check == "peak_stays_within_budget"), None)
    yield Figure(
        label="highest reading",
        value="not known" if highest is None else show_size(highest),
        note="no limit was set" if limit is None else f"limit {show_size(limit)}",
        outcome=claim.outcome if claim else None,
        anchor_of=(claim.check, claim.subject) if claim else None,
    )
    top = peak(every)
    if top is not None:
        yield Figure(label="heaviest at that moment", value=Owners(history).heaviest(top), note=show_duration(top.t))
    ended = next((v for v in verdicts if v.check == "command_succeeds"), None)
    if ended is not None:
        word = {Outcome.PASS: "yes", Outcome.FAIL: "no", Outcome.UNKNOWN: "not known"}[ended.outcome]
        yield Figure(
            label="the command succeeded", value=word, note=ended.message, outcome=ended.outcome,
            anchor_of=(ended.check, ended.subject),
        )  # fmt: skip


def _charts(history: History, info: WatchInfo, by: By) -> Iterator[Chart]:
    limit = info.watch.limit_bytes
    levels = (Level(name="limit", value=float(limit), kind="limit"),) if limit is not None else ()
    every = [reading for attempt in attempts(history) for reading in readings(history, attempt)]
    owners = Owners(history)
    splits: list[tuple[str, list[dict[str, float]]]] = [("process", [_by_process(owners, one) for one in every])]
    if by == "phase":
        splits.insert(0, (by, [owners.shares(one, by) for one in every]))
    for name, rows in splits:
        yield Chart(
            key=f"by-{name}",
            title=f"Memory by {name}",
            unit="bytes",
            curves=_areas([reading.t for reading in every], rows),
            levels=levels,
            stacked=True,
            note="Shared pages are counted once (PSS).",
        )
    whole = history.series(WatchMemory, "memory_bytes")
    if len(whole):
        x, values = with_gaps(whole.t, whole.values)
        peaks = history.series(WatchMemory, "high_bytes")
        curves = [Curve(name="all memory", x=x, values=values)]
        curves += (
            [Curve(name="its peak since the reading before", x=peaks.t, values=peaks.values)] if len(peaks) else []
        )
        yield Chart(key="memory", title="All memory", unit="bytes", curves=tuple(curves), levels=levels)


def _by_process(owners: Owners, reading: Reading) -> dict[str, float]:
    """Bytes of each process, named with its id, and of what is of no process."""
    held = {f"{owners.name(pid, reading.index, 'program')} (pid {pid})": size for pid, size in reading.by_pid.items()}
    return held | reading.others


def _areas(times: Sequence[float], rows: Sequence[dict[str, float]]) -> tuple[Curve, ...]:
    """One area for each name of the rows, those with the highest peaks at the bottom, and one for all others."""
    peaks: dict[str, float] = {}
    for row in rows:
        for name, held in row.items():
            peaks[name] = max(peaks.get(name, 0.0), held)
    named = sorted(peaks, key=lambda name: -peaks[name])[:_AREAS]
    t = np.array(times)
    curves = [Curve(name=name, x=t, values=np.array([row.get(name, 0.0) for row in rows])) for name in named]
    if len(peaks) > len(named):
        rest = [sum(held for name, held in row.items() if name not in named) for row in rows]
        curves.append(Curve(name=_OTHERS, x=t, values=np.array(rest)))
    return tuple(curves)


def _phases(history: History) -> Iterator[Phase]:
    for attempt in attempts(history):
        mode = f" ({attempt.mode})" if attempt.mode else ""
        yield Phase(name=f"attempt {attempt.number}{mode}", start=attempt.start_s, end=attempt.end_s)


def _marks(history: History) -> Iterator[Mark]:
    for over in history.of(WatchThreshold):
        label = "over the limit" if over.share is None else f"{show_share(over.share)} of the limit"
        yield Mark(start=over.t, end=over.t, kind="trouble", label=label, detail=over.heaviest, event=over.index)
    for ended in history.of(WatchExited):
        killed = ended.oom_kill == "true"
        label = "OOM kill" if killed else f"ended with {ended.signal or show_code(ended.status)}"
        kind: MarkKind = "kill" if killed or ended.signal else "change"
        yield Mark(start=ended.when, end=ended.when, kind=kind, label=label, event=ended.index)
    for stopped in history.of(WatchInterrupted):
        yield Mark(
            start=stopped.t, end=stopped.t, kind="trouble", label=f"{stopped.signal} passed on", event=stopped.index
        )


def _split(history: History, by: By) -> Iterator[Table]:
    """Who held how much, for each attempt."""
    owners = Owners(history)
    for attempt in attempts(history):
        parts = owners.parts(readings(history, attempt), by, attempt.start_s)
        rows = tuple(
            (
                part.name, show_size(part.at_peak_bytes), show_size(part.peak_bytes),
                f"{show_duration(part.start_s)} to {show_duration(part.end_s)}",
            )
            for part in parts
        )  # fmt: skip
        if rows:
            head = (by, "when all together were highest", "its own peak", "seen")
            yield Table(title=f"Memory by {by}, attempt {attempt.number}", head=head, rows=rows)
