"""A real Chromium; without one tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

REQUIRED = "LEAKDRILL_REQUIRE_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _missing() -> str:
    """What is missing; empty when nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed"
    found = any(shutil.which(name) for name in _NAMES)
    return "" if found else f"no Chromium: none of {', '.join(_NAMES)} is on PATH"


@contextlib.contextmanager
def started_browser() -> Iterator[Browser]:
    """Yields the browser; it is closed at the end."""
    if reason := _missing():
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is not installed, tests skip

    path = next(filter(None, map(shutil.which, _NAMES)))
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()
