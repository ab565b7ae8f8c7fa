"""The page of a gate run: memory over requests, slot by slot, with what was judged and what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.gate import BASELINE, CANDIDATE, MEMORY_CLAIM
from leakdrill.judging.leak.slots import corpora
from leakdrill.record.events import GateSlot
from leakdrill.record.verdict import Outcome, worst
from leakdrill.reports.page.claim_rows import claim_rows
from leakdrill.reports.page.content import Page
from leakdrill.reports.page.facts import record_facts, target_fact
from leakdrill.reports.page.gate_charts import gate_timeline, measured_run
from leakdrill.reports.page.gate_tables import gate_tables
from leakdrill.reports.page.growth import leak_figures
from leakdrill.reports.page.headline import Figure, sentence
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.judging.leak.gate_baseline import BaselineFile
    from leakdrill.record.history import History
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict
    from leakdrill.reports.page.gate_charts import Measured

WORDS: Final = {Outcome.PASS: "CLEAN", Outcome.FAIL: "LEAK", Outcome.UNKNOWN: "UNKNOWN"}
"""What the gate's outcomes are called."""


def gate_page(
    history: History, info: RunInfo, verdicts: Sequence[Verdict], stored: BaselineFile | None, *, note: str = ""
) -> Page:
    """The page of a gate run.

    Args:
        history: its record.
        info: its `run.json`.
        verdicts: what the record shows.
        stored: the baseline that it was compared with, if any.
        note: a remark about the record, such as that it is unsealed.
    """
    outcome, memory = worst(verdicts), worst([v for v in verdicts if v.check == MEMORY_CLAIM])
    measured = measured_run(history, info.scenario, stored)
    return Page(
        kind="gate",
        name=info.scenario.name,
        summary=info.scenario.summary,
        outcome=outcome,
        word=WORDS[outcome] if outcome is memory else str(outcome),
        sentence=sentence(verdicts),
        facts=tuple(_facts(history, info, stored)),
        figures=tuple(_figures(measured, verdicts)),
        timeline=gate_timeline(measured),
        claims=claim_rows(verdicts, history),
        tables=tuple(gate_tables(measured)),
        record=record_facts(info.run_id, info.started, info.leakdrill, info.versions, info.machine, note),
    )


def _figures(measured: Measured, verdicts: Sequence[Verdict]) -> Iterator[Figure]:
    """The growth that decides, of the corpus that went worst."""
    claims = [v for v in verdicts if v.check == MEMORY_CLAIM]
    claim = max(claims, key=lambda v: v.outcome.severity, default=None)
    if claim is None or not measured.verdicts:
        return
    first = next(iter(measured.verdicts.values()))
    found = measured.verdicts.get(claim.subject.removeprefix("corpus "), first)
    yield from leak_figures(found, claim.outcome, (claim.check, claim.subject))


def _facts(history: History, info: RunInfo, stored: BaselineFile | None) -> Iterator[tuple[str, str]]:
    yield "target", target_fact(info.scenario)
    builds = list(dict.fromkeys(slot.build for slot in history.of(GateSlot)))
    if BASELINE in builds:
        yield "compared with", "another build, whose slots alternate with the candidate's"
    elif stored is not None:
        yield "compared with", "a stored baseline"
    yield "corpus", ", ".join(corpora(history, build=CANDIDATE)) or info.scenario.gate.corpus
    yield "started", f"{info.started:%Y-%m-%d %H:%M:%S} UTC"
    yield "took", show_duration(history.end_s)
