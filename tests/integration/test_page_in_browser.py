"""The page in a real Chromium, opened from a file: nothing leaves it, everybody can use it, and it is not fooled."""

from __future__ import annotations

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from histories import ALERT, complete, drill, plan
from pages import page_of
from recorded_pages import page_of_recorded

from browser_here import broken_words, cut_off, lines_printed, print_to_pdf, started_browser
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.trace import Trace
from leakdrill.record.events import AlertTransition, RunBroken, TargetExited
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.page.trace_page import trace_page
from leakdrill.reports.page.write import page_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.integration

NASTY = "</script><script>window.fooled=1</script><img src=x onerror='window.fooled=2'>\u2028${window.fooled=3}"
PRINTS = 8
LEAST_LINES = 1500
"""Strokes of the pen in the PDF of a drill; without its charts it has about 500 for its frames and signs."""
SCALED = {
    "rules": ["rules.yml"],
    "time_scale": 60,
    "expect": [{"alert": "HighMemoryUsage", "fires_within": "30s", "receiver": "pager"}],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A drill that fails, with a kill, a cut and both clocks."""
    record = complete(drill()).sample(40, TargetExited(signal="SIGKILL", oom_kill="true", exit_code=-9.0))
    record.line(10, "prometheus", "threshold", {"ratio": 0.75}, alert="HighMemoryUsage", severity="warning")
    return stored(tmp_path_factory.mktemp("page"), page_html(page_of(record, plan(alerts=SCALED))))


def stored(folder, html: str) -> str:
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Writes nothing."""


class Opened:
    """A page in a context of its own, with all that it said and asked for."""

    def __init__(self, browser: Browser, address: str, *, width: int = 1280, **settings: object) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.goto(address)
        if settings.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-ready]")
            self.page.wait_for_timeout(150)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()


def view(page: Page) -> dict[str, float]:
    return page.evaluate("LeakdrillTimeline.state()")


def drawn(page: Page) -> list[int]:
    """How many pixels of each chart are not empty."""
    return page.evaluate(
        """[...document.querySelectorAll('.plot canvas')].map((canvas) => canvas.getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height).data.filter((value, i) => i % 4 === 3 && value > 0).length)"""
    )


def test_it_opens_from_a_file_draws_its_charts_and_asks_for_nothing(browser, file):
    opened = Opened(browser, file)
    with opened as page:
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(300)
        assert opened.said == []
        assert opened.asked == [file]
        assert len(drawn(page)) >= 2
        assert min(drawn(page)) > 1000
        assert page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_everybody_can_read_it(browser, file, width, scheme):
    """No fault is found by axe, in both themes, with everything unfolded; and at 360 px nothing is cut off."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - where it is not installed, tests skip

    with Opened(browser, file, width=width, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["target"], one["nodes"][0]["failureSummary"]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert (broken_words(page), cut_off(page)) == ([], [])


def test_the_keyboard_alone_reaches_every_control(browser, file):
    with Opened(browser, file) as page:
        wanted = page.evaluate(
            """[...document.querySelectorAll('a[href], button, summary, [tabindex]')]
            .filter((one) => one.checkVisibility()).length"""
        )
        reached = set()
        for _ in range(wanted + 5):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
            assert page.evaluate(
                """document.activeElement === document.body
                || getComputedStyle(document.activeElement).outlineStyle !== 'none'"""
            )
        assert len(reached) >= wanted


def test_keys_move_the_cursor_through_all_charts_and_say_what_is_there(browser, file):
    with Opened(browser, file) as page:
        page.focus("#plots")
        for _ in range(50):
            page.keyboard.press("ArrowRight")
        spoken = page.inner_text("#spoken")
        assert re.match(r"3\d\.\d s · production 3\dm.* after the leak began · load; memory 1\d\d MiB", spoken)
        assert "requests 100/s" in spoken
        assert page.inner_text("#chart-memory output").endswith("MiB")
        page.keyboard.press("+")
        page.keyboard.press("+")
        zoomed = view(page)
        assert zoomed["to"] - zoomed["from"] == pytest.approx(72 / 4, rel=0.02)
        page.keyboard.press("Shift+ArrowRight")
        assert view(page)["from"] > zoomed["from"]
        page.keyboard.press("0")
        assert (view(page)["from"], view(page)["to"]) == (0, view(page)["end"])
        page.keyboard.press("f")
        assert page.get_attribute("[data-do=fit]", "aria-pressed") == "true"


def test_the_mouse_zooms_pans_and_goes_back(browser, file):
    with Opened(browser, file) as page:
        page.locator("#chart-memory").scroll_into_view_if_needed()
        box = page.locator("#chart-memory .plot").bounding_box()
        y = box["y"] + 60

        def drag(start, end):
            page.mouse.move(box["x"] + start, y)
            page.mouse.down()
            page.mouse.move(box["x"] + end, y, steps=4)
            page.mouse.up()

        drag(300, 600)
        zoomed = view(page)
        assert 0 < zoomed["from"] < zoomed["to"] < zoomed["end"]
        page.keyboard.down("Shift")
        drag(600, 500)
        page.keyboard.up("Shift")
        assert view(page)["from"] > zoomed["from"]
        assert view(page)["to"] - view(page)["from"] == pytest.approx(zoomed["to"] - zoomed["from"])
        page.mouse.dblclick(box["x"] + 300, y)
        assert (view(page)["from"], view(page)["to"]) == (0, view(page)["end"])
        page.keyboard.down("Control")
        page.mouse.wheel(0, -240)
        page.keyboard.up("Control")
        page.wait_for_timeout(100)
        assert view(page)["to"] - view(page)["from"] < view(page)["end"]


def test_fingers_pan_and_pinch(browser, file):
    with Opened(browser, file, width=360, has_touch=True, is_mobile=True) as page:
        page.locator("#chart-memory .plot").scroll_into_view_if_needed()
        box = page.locator("#chart-memory .plot").bounding_box()
        y = box["y"] + 50
        touch = page.context.new_cdp_session(page)

        def send(kind, *xs):
            points = [{"x": box["x"] + x, "y": y, "id": i} for i, x in enumerate(xs)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        send("touchStart", 150, 200)
        for apart in (10, 30, 60):
            send("touchMove", 150 - apart, 200 + apart)
        send("touchEnd")
        pinched = view(page)
        assert pinched["to"] - pinched["from"] < 0.5 * pinched["end"]
        send("touchStart", 250)
        for x in (240, 200, 150):
            send("touchMove", x)
        send("touchEnd")
        assert view(page)["from"] > pinched["from"]


def test_a_claim_leads_to_its_place_and_its_link_can_be_copied(browser, file):
    with Opened(browser, file, permissions=["clipboard-read", "clipboard-write"]) as page:
        claim = page.locator("article", has=page.locator("text=alert_fires_before_oom_kill")).first
        claim.locator("a.show").first.click()
        page.wait_for_timeout(200)
        assert view(page)["to"] - view(page)["from"] < view(page)["end"]
        assert page.locator(".highlight").is_visible()
        assert page.evaluate("document.activeElement.id") == "plots"
        claim.locator("button.copy").click()
        page.wait_for_selector("text=Copied")
        link = page.evaluate("navigator.clipboard.readText()")
        assert link == f"{file}#{claim.get_attribute('id')}"
        page.goto(link)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.locator(f"#{claim.get_attribute('id')} details").get_attribute("open") is not None


def test_colours_follow_the_system_and_can_be_chosen(browser, file):
    with Opened(browser, file, color_scheme="dark") as page:
        paper = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(paper) == "rgb(13, 17, 23)"
        page.click("text=Light")
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
        page.click("text=System")
        assert page.evaluate(paper) == "rgb(13, 17, 23)"


@pytest.mark.parametrize("width", [1280, 360])
def test_it_prints_in_light_colours_with_every_chart(browser, file, tmp_path, width):
    """As wide as paper is, whatever the window was: marks and lanes stand where the charts have them."""
    with Opened(browser, file, width=width, color_scheme="dark") as page:
        page.pdf(path=tmp_path / "page.pdf", print_background=True)
        assert lines_printed(tmp_path / "page.pdf") > LEAST_LINES
        page.emulate_media(media="print")
        page.wait_for_selector("html.printing")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert min(drawn(page)) > 1000
        assert len(drawn(page)) == page.locator("[data-chart]").count()
        assert not page.locator("#tools").is_visible()
        ends = "(one) => one.getBoundingClientRect().right"
        assert page.locator(".u-over").first.evaluate(ends) == page.locator(".track").first.evaluate(ends)
        page.emulate_media(media="screen")
        page.wait_for_selector("html:not(.printing)")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
        assert page.locator("#tools").is_visible()


def test_the_charts_are_there_when_the_page_is(browser, file):
    """What prints a page waits for its loading, and for nothing after it."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(
            "addEventListener('DOMContentLoaded', () => { window.atOnce = document.documentElement.dataset.ready; })"
        )
        page.goto(file)
        assert page.evaluate("window.atOnce") == "yes"


def test_each_time_that_chromium_prints_it_the_charts_are_in_the_pdf(tmp_path):
    stored_run = tmp_path / "report.html"
    stored_run.write_text(page_html(page_of_recorded("cache")), encoding="utf-8")
    drawn_lines = []
    for n in range(PRINTS):
        print_to_pdf(stored_run.as_uri(), tmp_path / f"{n}.pdf", profile=tmp_path / f"profile-{n}")
        drawn_lines.append(lines_printed(tmp_path / f"{n}.pdf"))
    assert min(drawn_lines) > LEAST_LINES, drawn_lines


def test_without_scripts_the_tables_say_the_same(browser, file):
    with Opened(browser, file, java_script_enabled=False) as page:
        page.locator("summary", has_text="The charts as tables").click()
        assert page.locator("caption", has_text="Memory as a table").is_visible()
        assert "316" in page.inner_text(".tables") or "312" in page.inner_text(".tables")
        assert not page.locator("#tools").is_visible()


def test_a_page_along_requests_draws_without_an_error(browser, tmp_path):
    t = np.arange(24.0)
    told = Trace(name="a", t=t, requests=t * 50, columns={"anon": 8e7 + t * 50 * 4096}, quiet=True)
    opened = Opened(browser, stored(tmp_path, page_html(trace_page(told, None, judge_trace(told)))))
    with opened as page:
        assert opened.said == []
        page.evaluate("LeakdrillTimeline.setView(100, 600)")
        page.wait_for_timeout(100)
        assert page.inner_text("#readout") == "Shown: 100 to 600"
        assert page.locator("#tools").is_visible()
        assert min(drawn(page)) > 0


def test_a_page_that_is_loaded_again_shows_what_it_showed(browser, file):
    folder = Path(unquote(urlsplit(file).path)).parent
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Opened(browser, f"http://127.0.0.1:{server.server_address[1]}/report.html") as page:
            page.evaluate("LeakdrillTimeline.setView(10, 30)")
            page.locator("summary", has_text="The charts as tables").click()
            page.reload()
            page.wait_for_selector("html[data-ready]")
            shown = view(page)
            assert (shown["from"], shown["to"]) == (10, 30)
            assert page.locator("caption", has_text="Memory as a table").is_visible()
            page.evaluate("LeakdrillTimeline.all()")
            page.reload()
            page.wait_for_selector("html[data-ready]")
            assert view(page)["to"] == view(page)["end"]
    finally:
        server.shutdown()
        server.server_close()


def test_no_text_of_a_record_runs(browser, tmp_path):
    scenario = plan(summary=NASTY, steps=[{"name": NASTY, "gc": {}}])
    record = complete(drill()).sample(16, RunBroken(NASTY))
    record.sample(17, AlertTransition("firing", labels=ALERT | {"alertname": NASTY, "severity": NASTY}))
    verdict = Verdict(
        check=NASTY, subject=NASTY, outcome=Outcome.FAIL, message=NASTY, hint=NASTY, numbers={NASTY: NASTY}
    )
    opened = Opened(browser, stored(tmp_path, page_html(page_of(record, scenario, [verdict]))))
    with opened as page:
        page.click("button.copy")
        assert page.evaluate("window.fooled === undefined")
        assert opened.said == []
        assert len(opened.asked) == 1
        assert page.locator(".message").inner_text().startswith("</script><script>window.fooled")
