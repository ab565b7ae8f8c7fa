"""The index of runs, the matrix and envelopes in a real Chromium: nothing leaves them, and everybody can use them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from browser_here import broken_words, cut_off, started_browser
from leakdrill.judging.key_numbers import key_numbers
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.index.grid import Grid, GridCell, grid_html
from leakdrill.reports.index.heat_maps import HeatCell, HeatMap, HeatPage, heat_page_html
from leakdrill.reports.index.run_row import RunRow
from leakdrill.reports.index.write import index_html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.integration
NASTY = "</style><script>window.fooled=1</script><img src=x onerror='window.fooled=2'>"
OUTCOMES = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)


def row(at: int, scenario: str, outcome: Outcome) -> RunRow:
    fired = {"fired_after_s": 20.0 + at % 7, "budget_s": 38.0, "floor_s": 1.0}
    verdicts = [Verdict(check="alert_fires_in_time", subject=NASTY, outcome=outcome, message="m", numbers=fired)]
    return RunRow(
        scenario=scenario,
        kind="drill",
        started=datetime(2026, 1, 1 + at, tzinfo=UTC),
        place=f"{scenario}/{at}",
        outcome=outcome,
        text="All 16 claims hold." if outcome is Outcome.PASS else NASTY,
        runs_still=scenario == "shop/running",
        has_page=True,
        numbers=tuple(key_numbers(verdicts)) if at % 5 else (),
    )


def index() -> str:
    rows = [
        row(at, scenario, OUTCOMES[at % 3]) for scenario in ("shop/cart", "shop/running", NASTY) for at in range(25)
    ]
    return index_html(rows, title=NASTY, link=lambda one: f"{one.place}/report.html" if "<" not in one.place else "")


def grid() -> str:
    names = [f"a-step-with-a-long-name-{at}" for at in range(9)]
    cells = {
        (leak, step): GridCell(word="cured", outcome=OUTCOMES[at % 3], note="90 % gone, stays away", link="#x")
        for leak in ("gateway/cache", NASTY)
        for at, step in enumerate(names)
        if at != 4
    }
    return grid_html(Grid(title=NASTY, summary=NASTY, outcome=Outcome.FAIL, corner=("leak", "step"), cells=cells))


def heat_maps() -> str:
    kinds = ("blind", "late", "early", "little", "enough")
    cells = [HeatCell("✗" if kind == "blind" else "99m", kind, f"{kind} {NASTY}") for kind in kinds]
    rows = [(shape, [*cells, None, *cells, *cells]) for shape in ("steady", NASTY)]
    columns = [f"{at} h 30 min" for at in range(16)]
    one = HeatMap(name=NASTY, sentence=NASTY, columns=columns, rows=rows, quiet=False, notes=[NASTY, "a note"])
    quiet = replace(one, name="HighMemoryUsage (warning, for 5 min) rules.yaml:7", quiet=True)
    page = HeatPage(title=NASTY, summary=NASTY, assumed=NASTY, maps=[one, quiet], without=[NASTY])
    return heat_page_html(page)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
@pytest.mark.parametrize("made", [index, grid, heat_maps], ids=["index", "matrix", "envelopes"])
def test_everybody_can_read_it_and_nothing_leaves_or_runs(
    browser, tmp_path: Path, made, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - where it is not installed, tests skip

    path = tmp_path / "page.html"
    path.write_text(made(), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=False)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("window.fooled") is None
    assert (said, asked) == ([], [path.as_uri()])
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert (broken_words(page), cut_off(page)) == ([], [])
    context.close()
    checked = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = checked.new_page()
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["target"], one["nodes"][0]["failureSummary"]) for one in found] == []
    checked.close()
