"""Measures the page of an hour's drill, 36,000 readings of eight series: `python benchmarks/page.py`.

It may take 3 s to write, and 1.5 s from opening to its charts being drawn; panned across its whole width on a screen
of 1280 by 1000, it must draw 30 frames a second. Chromium draws without a GPU. Exit 1 when one of these is missed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright

from leakdrill.record.history import History
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.page.chart import Chart, Curve, Level
from leakdrill.reports.page.claim_rows import claim_rows
from leakdrill.reports.page.content import Page
from leakdrill.reports.page.timeline import Delivery, Lane, Mark, Phase, Stretch, Timeline
from leakdrill.reports.page.write import page_html

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

READINGS, SERIES, HOUR_S = 36_000, 8, 3600.0
MOST_WRITTEN_S, MOST_OPENED_S, LEAST_FRAMES = 3.0, 1.5, 30.0
MIB = 2.0**20
PANNED = """async () => {
  const end = LeakdrillTimeline.state().end, width = end / 4, gaps = [];
  let last = 0;
  await new Promise((done) => {
    const began = performance.now();
    const frame = (now) => {
      if (last) { gaps.push(now - last); }
      last = now;
      const share = (performance.now() - began) / 4000;
      if (share >= 1) { done(); return; }
      LeakdrillTimeline.setView(share * (end - width), share * (end - width) + width);
      LeakdrillTimeline.setCursor(share * (end - width) + width / 2);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  gaps.sort((a, b) => a - b);
  return [1000 * gaps.length / gaps.reduce((a, b) => a + b, 0), gaps[Math.floor(gaps.length * 0.95)], gaps.length];
}"""


def an_hour() -> Page:
    """A page with four charts of two curves each, noisy and rising, with phases, marks and lanes."""
    noise = np.random.default_rng(7)
    t = np.linspace(0.0, HOUR_S, READINGS)

    def curve(n: int) -> Curve:
        return Curve(name=f"series {n}", x=t, values=(60 + n * t / 60 + noise.normal(0, 2, READINGS)) * MIB)

    charts = tuple(
        Chart(
            key=f"chart-{n}",
            title=f"Chart {n}",
            unit="bytes",
            curves=(curve(2 * n), curve(2 * n + 1)),
            levels=(Level(name="limit", value=1024 * MIB, kind="limit"),),
        )
        for n in range(SERIES // 2)
    )
    timeline = Timeline(
        axis="time",
        end=HOUR_S,
        charts=charts,
        phases=(Phase(name="baseline", start=0, end=600), Phase(name="load", start=600, end=HOUR_S)),
        marks=tuple(Mark(start=s, end=s + 20, kind="step", label=f"step {s}") for s in range(300, 3600, 300)),
        lanes=(
            Lane(
                name="HighMemoryUsage",
                role="expected",
                stretches=tuple(Stretch(state="firing", start=s, end=s + 60) for s in range(600, 3600, 200)),
                deliveries=(Delivery(at=700, label="delivered"),),
            ),
        ),
        time_scale=60,
    )
    verdict = Verdict(check="memory_returns_to_baseline", outcome=Outcome.PASS, message="it did")
    return Page(
        kind="drill", name="an hour", summary="", outcome=Outcome.PASS, word="PASS", sentence="All claims hold.",
        facts=(("started", f"{datetime(2026, 1, 1, tzinfo=UTC)}"),), figures=(), timeline=timeline,
        claims=claim_rows([verdict] * 20, History(())),
    )  # fmt: skip


class Measured(NamedTuple):
    """What the browser showed: seconds until the charts are drawn, frames a second, slow ones, and one frame's work."""

    opened_s: float
    frames: float
    slow_ms: float
    frame_ms: float


def measured(path: Path) -> Measured:
    """Open `path` three times, and pan through it."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        page.goto("about:blank")
        opened = []
        for _ in range(3):
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]")
            opened.append(page.evaluate("new Promise((done) => requestAnimationFrame(() => done(performance.now())))"))
        page.evaluate(
            """document.documentElement.style.scrollBehavior = 'auto';
            document.getElementById('timeline').scrollIntoView()"""
        )
        page.wait_for_timeout(500)
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        before_s = busy_s(metrics)
        frames, slow_ms, count = page.evaluate(PANNED)
        frame_ms = 1000 * (busy_s(metrics) - before_s) / count
        browser.close()
    return Measured(min(opened) / 1000, frames, slow_ms, frame_ms)


def busy_s(metrics: CDPSession) -> float:
    """Seconds of processor time that the page's own thread has used."""
    told = metrics.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in told if one["name"] == "TaskDuration")


def main() -> int:
    """Write the page, open it, and move through it."""
    page = an_hour()
    began = time.monotonic()
    html = page_html(page)
    written_s = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(html, encoding="utf-8")
        seen = measured(path)
    print(f"{READINGS} readings of {SERIES} series: {len(html) / 2**20:.1f} MiB")
    print(f"written in {written_s:.2f} s; {MOST_WRITTEN_S} s allowed")
    print(f"opened in {seen.opened_s:.2f} s; {MOST_OPENED_S} s allowed")
    print(
        f"panned at {seen.frames:.0f} frames a second, 95 % of them within {seen.slow_ms:.0f} ms; "
        f"{LEAST_FRAMES:.0f} wanted"
    )
    print(f"a frame takes {seen.frame_ms:.1f} ms of processor time in the page's thread")
    return int(written_s > MOST_WRITTEN_S or seen.opened_s > MOST_OPENED_S or seen.frames < LEAST_FRAMES)


if __name__ == "__main__":
    sys.exit(main())
