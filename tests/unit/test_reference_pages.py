"""The generated pages of docs/reference are what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

from leakdrill.resources import RESOURCES

SCRIPT = Path(__file__).parents[2] / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale(generate):
    assert not generate.stale(), "run `make reference`"


def test_a_page_is_stale_when_the_code_says_something_else(generate, monkeypatch):
    page = generate.PAGES["events.md"]
    monkeypatch.setitem(generate.PAGES, "events.md", lambda: page().replace("drill", "rehearsal", 1))
    assert "events.md" in generate.stale()


def test_a_cell_with_a_bar_stays_one_cell(generate):
    assert generate.table(("a", "b"), [("x | y", "")]).splitlines()[-1] == "| x \\| y |   |"


def without_row(names, page):
    return [name for name in names if not re.search(rf"^\|.*`{name}`.*\|", page, re.MULTILINE)]


def test_every_resource_has_a_row_in_the_page_on_scenarios():
    page = SCRIPT.parent / "tasks" / "scenario-file.md"
    assert not without_row(RESOURCES, page.read_text(encoding="utf-8"))


def test_a_resource_that_was_forgotten_is_named():
    assert without_row(["disk", "sockets"], "| `disk` | `32KiB` |") == ["sockets"]
