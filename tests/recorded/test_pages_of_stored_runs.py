"""A page for each stored run: of drills on every platform, of a gate run and of a watched command."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pages import data_of

sys.path.append(str(Path(__file__).parents[1] / "sabotage"))
from typing import TYPE_CHECKING

from tape import RECORDS, Tape

from leakdrill.judging.watch.run_files import WatchInfo
from leakdrill.record.store import RunInfo
from leakdrill.reports.page.drill_page import drill_page
from leakdrill.reports.page.gate_page import gate_page
from leakdrill.reports.page.watch_page import watch_page
from leakdrill.reports.page.write import page_html

if TYPE_CHECKING:
    from leakdrill.reports.page.content import Page

NAMES = sorted(file.name.removesuffix(".jsonl.xz") for file in RECORDS.glob("*.jsonl.xz"))
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
WRITTEN_S = 3.0
"""Of CPU time; what a page may take that is written at the end of every run."""


def _page(name: str) -> Page:
    tape = Tape(name)
    history, verdicts = tape.history(), tape.verdicts()
    if tape.watch is not None:
        info = WatchInfo(run_id=name, started=STARTED, watch=tape.watch, versions={})
        return watch_page(history, info, verdicts)
    run = RunInfo(
        kind="gate" if tape.is_gate else "drill",
        run_id=name,
        started=STARTED,
        scenario_file=f"{name}.yaml",
        scenario=tape.scenario,
        versions={},
        machine=tape.machine,
    )
    return gate_page(history, run, verdicts, None) if tape.is_gate else drill_page(history, run, verdicts)


class _Links(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found["id"]} if found.get("id") else set()
        if tag in {"script", "img", "link", "iframe"}:
            assert not found.get("src")
        if (target := found.get("href") or "").startswith("#"):
            self.targets.add(target[1:])


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_run_has_a_page_with_its_verdict_its_claims_and_a_curve(name: str) -> None:
    page = _page(name)
    begun = time.process_time()
    html = page_html(page)
    assert time.process_time() - begun < WRITTEN_S
    assert str(page.outcome) in html
    assert len(page.claims) == len(Tape(name).verdicts())
    links = _Links(html)
    assert links.targets <= links.anchors
    charts = data_of(html)["charts"]
    assert any(len(curve["x"]) > 1 for chart in charts for curve in chart["curves"])
