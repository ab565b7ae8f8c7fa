"""For every unit test: the outcomes for which it is named are those that it gets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import outcomes
import pytest

from leakdrill.record.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

MADE_BY_TEST: dict[str, set[outcomes.Made]] = {}


@pytest.fixture(autouse=True)
def _its_outcomes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    test, made = request.node.nodeid.removeprefix("tests/unit/"), []
    monkeypatch.setattr(Verdict, "__init__", outcomes.watch_verdicts(made))
    yield
    MADE_BY_TEST[test] = set(made)
    missing = outcomes.promises_of(test) - set(made)
    if missing and outcomes.RECORD not in os.environ:
        pytest.fail(f"{outcomes.FILE.name} names this test for {sorted(missing)}, which it does not get")


def pytest_sessionfinish() -> None:
    """Write the outcomes anew, when asked to."""
    if outcomes.RECORD in os.environ:
        outcomes.record(MADE_BY_TEST)
