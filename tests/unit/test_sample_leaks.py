"""What a leak of a sample service must have besides its file is named here when it is forgotten."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Final

import pytest

from leakdrill.scenario.reader import read_scenario

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = sorted(main.parent.name for main in (ROOT / "leaky_apps").glob("*/__main__.py"))


def leaks_of(service: str) -> list[str]:
    """The names of the leaks, read from the files."""
    files = sorted((ROOT / "leaky_apps" / service / "leaks").glob("*.py"))
    return [name for file in files for name in _names(ast.parse(file.read_text(encoding="utf-8")))]


def _names(tree: ast.Module) -> list[str]:
    bodies = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    return [
        one.value.value
        for body in bodies
        for one in body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) and one.targets[0].id == "name"
    ]


def without_row(names: list[str], page: str) -> list[str]:
    return [name for name in names if f"| `{name}` |" not in page]


def without_drill(names: list[str], drilled: set[str]) -> list[str]:
    return [name for name in names if name not in drilled]


@pytest.fixture(autouse=True)
def _requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "tests" / "integration")])


@pytest.mark.parametrize("service", SERVICES)
def test_every_leak_has_a_row_in_the_page_of_its_service(service: str) -> None:
    page = ROOT / "docs" / "reference" / "services" / f"{service}.md"
    assert leaks_of(service)
    assert not without_row(leaks_of(service), page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("service", SERVICES)
def test_every_leak_has_a_drill(service: str) -> None:
    not_scenarios = ("matrix.yaml", "coverage.yaml")
    files = [file for file in (ROOT / "scenarios" / service).glob("*.yaml") if file.name not in not_scenarios]
    assert not without_drill(leaks_of(service), {leak.name for file in files for leak in read_scenario(file).leaks})


@pytest.mark.parametrize("service", SERVICES)
def test_every_leak_has_a_request_that_the_test_of_its_growth_sends(service: str) -> None:
    assert set(importlib.import_module(f"leak_requests_{service}").REQUESTS) == set(leaks_of(service))


def test_a_leak_that_was_forgotten_is_named() -> None:
    assert without_row(["hot-loop", "cold-loop"], "| `hot-loop` | 15 ms |") == ["cold-loop"]
    assert without_drill(["hot-loop", "cold-loop"], {"hot-loop"}) == ["cold-loop"]
