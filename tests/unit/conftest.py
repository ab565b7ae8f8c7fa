"""For every unit test: the outcomes for which it is named, and the verdicts kept of it, are those that it gets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import field_types
import outcomes
import pytest
import verdict_texts

from leakdrill.record.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

field_types.hold()

MADE_BY_TEST: dict[str, set[outcomes.Made]] = {}
SEEN_BY_TEST: dict[tuple[Path, str], dict[str, str]] = {}

NOT_KEPT = frozenset({"test_statistics", "test_nasty_text", "test_seal", "test_signature", "test_odd_run_folders"})
"""Their verdicts are hundreds, of random series or texts, or name a temporary folder."""


@pytest.fixture
def kept_too() -> list[Verdict]:
    """What a test adds to this list is kept of it with the verdicts that it sees."""
    return []


@pytest.fixture(autouse=True)
def _its_outcomes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    more: list[Verdict] = request.getfixturevalue("kept_too") if "kept_too" in request.fixturenames else []
    test, made, verdicts = request.node.nodeid.removeprefix("tests/unit/"), [], []
    monkeypatch.setattr(Verdict, "__init__", outcomes.watch_verdicts(made, verdicts))
    yield
    MADE_BY_TEST[test] = set(made)
    missing = outcomes.promises_of(test) - set(made)
    if missing and outcomes.RECORD not in os.environ:
        pytest.fail(f"{outcomes.FILE.name} names this test for {sorted(missing)}, which it does not get")
    if request.path.stem in NOT_KEPT or hasattr(request.node.obj, "hypothesis"):
        return
    file, name = Path(__file__).parent / "verdict_texts" / f"{request.path.stem}.txt", test.partition("::")[2]
    seen = verdict_texts.texts_of([*verdicts, *more])
    SEEN_BY_TEST[file, name] = seen
    if wrong := verdict_texts.difference(file, name, seen):
        pytest.fail(wrong, pytrace=False)


def pytest_sessionfinish() -> None:
    """Write the outcomes and verdicts anew, when asked to."""
    if outcomes.RECORD in os.environ:
        outcomes.record(MADE_BY_TEST)
    verdict_texts.record(SEEN_BY_TEST)
