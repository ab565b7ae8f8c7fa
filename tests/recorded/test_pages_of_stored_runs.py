"""A page for each stored run: of drills on every platform, of a gate run and of a watched command."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from pages import data_of
from recorded_pages import NAMES, Tape, page_of_recorded

from leakdrill.reports.page.write import page_html

WRITTEN_S = 3.0
"""Of CPU time; what a page may take that is written at the end of every run."""


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
    page = page_of_recorded(name)
    begun = time.process_time()
    html = page_html(page)
    assert time.process_time() - begun < WRITTEN_S
    assert str(page.outcome) in html
    assert len(page.claims) == len(Tape(name).verdicts())
    links = _Links(html)
    assert links.targets <= links.anchors
    charts = data_of(html)["charts"]
    assert any(len(curve["x"]) > 1 for chart in charts for curve in chart["curves"])
