"""The registry of steps: what a new step must have is named here when it is forgotten."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, get_type_hints

import pytest

from leakdrill.errors import Interrupted
from leakdrill.scenario import actions
from leakdrill.scenario.actions import Action
from leakdrill.scenario.reference import steps_reference
from leakdrill.scenario.steps import ACTIONS, Step
from leakdrill.steps import step as carrier
from leakdrill.steps.step import carry_out, kinds_with_step, step_file
from leakdrill.targets.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def without_page_section(names: Iterable[str], page: str) -> list[str]:
    """The steps of which docs/tasks/steps.md has neither a heading nor the first cell of a row."""
    return [name for name in names if not re.search(rf"^(\| |#+ )`{name}[:`]", page, re.MULTILINE)]


def without_test(names: Iterable[str], tests: str) -> list[str]:
    """The steps that no test names as an action."""
    return [name for name in names if not re.search(rf"\b{name}(\"?: |=)\{{|\"{name}\"", tests)]


def without_changelog_line(names: Iterable[str], changelog: str) -> list[str]:
    """The steps that the changelog does not mention."""
    return [name for name in names if not re.search(rf"`{name}[:`]", changelog)]


def test_every_step_has_a_section_in_the_page_a_test_and_a_line_in_the_changelog():
    page = (ROOT / "docs" / "tasks" / "steps.md").read_text()
    assert without_page_section(ACTIONS, page) == [], "a row in docs/tasks/steps.md is missing"
    tests = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path.name != Path(__file__).name]
    assert without_test(ACTIONS, "\n".join(tests)) == [], "a test that names the step is missing"
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert without_changelog_line(ACTIONS, changelog) == [], "a line in CHANGELOG.md is missing"


def test_a_step_that_was_forgotten_is_named():
    names = ("restart", "defragment")
    assert without_page_section(names, "| `restart: {}` | stops it |") == ["defragment"]
    assert without_test(names, 'step(restart={})\nread("defragmented")') == ["defragment"]
    assert without_changelog_line(names, "* Steps `restart` and `defragmentation`.") == ["defragment"]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_file_of_a_step_takes_its_model_and_says_what_it_needs(name):
    module = step_file(name)
    hints = {**vars(actions), "StepContext": object}
    model = get_type_hints(module.act, globalns=hints)["action"]
    assert model.__name__ in Step.model_fields[name].annotation.__args__[0].__name__
    assert all(isinstance(needed, type) for needed in module.NEEDS)
    assert kinds_with_step(name)


def test_every_model_of_an_action_is_a_key_of_a_step():
    models = {value for value in vars(actions).values() if isinstance(value, type) and issubclass(value, Action)}
    rows = {field.annotation.__args__[0] for key, field in Step.model_fields.items() if key in ACTIONS}
    assert models - {Action} == rows


def test_the_kinds_that_support_a_step_come_from_the_capabilities_it_needs():
    assert kinds_with_step("http") == [kind.name for kind in KINDS]
    assert kinds_with_step("recreate") == ["compose"]
    assert next(step.undo for step in steps_reference() if step.name == "restart") == "Nothing to undo."


def test_an_interruption_is_no_failed_step(monkeypatch):
    def interrupt(_action, _context):
        raise Interrupted("asked to stop")

    monkeypatch.setattr(carrier, "step_file", lambda _key: SimpleNamespace(act=interrupt, NEEDS=()))
    with pytest.raises(Interrupted):
        carry_out(Step.model_validate({"name": "a step", "restart": {}}), SimpleNamespace(name="shop", parts=()))
