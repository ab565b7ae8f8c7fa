"""The page of a stored run, of whatever kind it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.judging.analyze import UNSEALED_NOTE
from leakdrill.judging.claims import all_claims
from leakdrill.judging.leak.gate_baseline import read_baseline
from leakdrill.judging.watch.run_files import is_watch, read_watch_info
from leakdrill.record.history import read_history
from leakdrill.record.seal import STORED_BASELINE
from leakdrill.record.store import read_run_info
from leakdrill.reports.page.content import ClaimToCome
from leakdrill.reports.page.drill_page import drill_page
from leakdrill.reports.page.gate_page import gate_page
from leakdrill.reports.page.watch_page import watch_page
from leakdrill.reports.page.write import page_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.history import History
    from leakdrill.record.seal import Seal
    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict
    from leakdrill.reports.page.content import Page

_UNDER_WAY: Final = "The run is under way. Its claims are judged when it has ended."
PAGE: Final = "report.html"
"""The page's file in the run folder."""


def run_page(
    folder: RunFolder,
    verdicts: Sequence[Verdict],
    seal: Seal,
    history: History | None = None,
    *,
    is_live: bool = False,
    home: str = "",
) -> str:
    """The page of the run in `folder`, as HTML.

    Args:
        folder: the run.
        verdicts: what `judge_run` found; of a run under way, a verdict for each claim that will be judged.
        seal: what it said of the record's seal.
        history: the record, if it was read already.
        is_live: whether the run is under way.
        home: the address of the index that the page belongs to, if it has one.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    history = history if history is not None else read_history(folder.history)
    note = seal.fault or ("" if seal.is_sealed else UNSEALED_NOTE)
    page = run_content(folder, verdicts, history, note)
    return page_html(replace(_live(page) if is_live else page, home=home))


def _live(page: Page) -> Page:
    """The page of a run that is under way: what was recorded so far, no outcome, and which claims will be judged."""
    sentences = {row.name: row.sentence for row in all_claims()}
    to_come = tuple(
        ClaimToCome(check=claim.check, subject=claim.subject, sentence=sentences.get(claim.check, ""))
        for claim in page.claims
    )
    facts = tuple(("so far" if term == "took" else term, text) for term, text in page.facts)
    return replace(
        page, is_live=True, word="RUNNING", sentence=_UNDER_WAY, facts=facts, figures=(), claims=(), to_come=to_come
    )


def run_content(folder: RunFolder, verdicts: Sequence[Verdict], history: History, note: str = "") -> Page:
    """Everything that the page of the run in `folder` shows, as plain data; `note` is a remark about its record.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    if is_watch(folder):
        return watch_page(history, read_watch_info(folder), verdicts, note=note)
    info = read_run_info(folder)
    if info.kind == "gate":
        copy = folder.path / STORED_BASELINE
        stored = read_baseline(copy) if copy.exists() else None
        return gate_page(history, info, verdicts, stored, note=note)
    return drill_page(history, info, verdicts, note=note)
