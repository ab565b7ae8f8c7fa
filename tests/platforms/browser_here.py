"""A real Chromium; without one tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

REQUIRED = "LEAKDRILL_REQUIRE_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _missing() -> str:
    """What is missing; empty when nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed"
    found = any(shutil.which(name) for name in _NAMES)
    return "" if found else f"no Chromium: none of {', '.join(_NAMES)} is on PATH"


def broken_words(page: Page) -> list[str]:
    """The words of at most twelve characters in the cells of tables that do not stand on one line."""
    found: list[str] = page.evaluate(
        r"""[...document.querySelectorAll('td, th')].filter((cell) => cell.checkVisibility()).flatMap((cell) => {
          const broken = [], texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
          for (let text = texts.nextNode(); text; text = texts.nextNode()) {
            for (const word of text.data.matchAll(/\S+/g)) {
              const range = document.createRange();
              range.setStart(text, word.index);
              range.setEnd(text, word.index + word[0].length);
              const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
              if (word[0].length <= 12 && lines.size > 1) broken.push(word[0]);
            }
          }
          return broken;
        })"""
    )
    return found


def cut_off(page: Page) -> list[str]:
    """The tables of events and runs that are wider than what shows them."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll('.scroll:has(.happened), .scroll:has(.runs)')]
        .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.getAttribute('aria-label'))"""
    )
    return found


def print_to_pdf(address: str, path: Path, *, profile: Path) -> None:
    """Have Chromium's own command line print the page at `address`, which waits for nothing but its loading."""
    _need()
    subprocess.run(
        [_browser(), "--headless", *_sandbox(), f"--user-data-dir={profile}", f"--print-to-pdf={path}", address],
        check=True,
        capture_output=True,
        timeout=60,
    )


def lines_printed(path: Path) -> int:
    """How many strokes of the pen a PDF that Chromium wrote has: its charts are most of them."""
    packed = re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL)
    return sum(_unpacked(one).count(b" l\n") for one in packed)


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def _browser() -> str:
    return next(filter(None, map(shutil.which, _NAMES)))


def _sandbox() -> list[str]:
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def _need() -> None:
    """Skip the test, or in CI fail it, where there is no browser."""
    if reason := _missing():
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)


@contextlib.contextmanager
def started_browser() -> Iterator[Browser]:
    """Yields the browser; it is closed at the end."""
    _need()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is not installed, tests skip

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_browser(), args=_sandbox())
        try:
            yield browser
        finally:
            browser.close()
