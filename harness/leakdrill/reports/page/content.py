"""Everything that a page shows, as plain data; `write.py` makes HTML of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakdrill.record.verdict import Outcome
    from leakdrill.reports.page.claim_rows import ClaimRow
    from leakdrill.reports.page.headline import Figure
    from leakdrill.reports.page.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a page.

    Attributes:
        title: its caption.
        head: the names of the columns.
        rows: each as long as `head`.
        note: a sentence beneath it.
        folded: whether it is shown only when asked for.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimToCome:
    """A claim of a run that is under way.

    Attributes:
        check: the claim's name.
        subject: what it is about; may be empty.
        sentence: what holds when it passes.
    """

    check: str
    subject: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page of one run.

    Attributes:
        kind: what was done: `drill`, `gate`, `watch` or `trace`.
        name: of the scenario, the command or the recording.
        summary: one line about it; may be empty.
        outcome: the worst of all verdicts.
        word: the outcome as that command says it, such as `LEAK`.
        sentence: what the verdicts come to.
        facts: what was run, on what, when, how long, at which time scale: terms and texts.
        figures: the numbers that matter.
        timeline: the charts and what belongs to them.
        claims: worst first.
        tables: what else there is to read.
        record: where the record lies and what made it: terms and texts.
        is_live: whether the run is under way, so that nothing is judged yet.
        to_come: of a run that is under way, the claims that will be judged.
        home: the address of the index that the page belongs to; empty where there is none.
    """

    kind: str
    name: str
    summary: str
    outcome: Outcome
    word: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    timeline: Timeline
    claims: tuple[ClaimRow, ...]
    tables: tuple[Table, ...] = ()
    record: tuple[tuple[str, str], ...] = ()
    is_live: bool = False
    to_come: tuple[ClaimToCome, ...] = ()
    home: str = ""
