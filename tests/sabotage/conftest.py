"""For every spoilt record: its verdicts are those that are kept of it, in `verdict_texts/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import verdict_texts

from leakdrill.record.verdict import Verdict

Kept = Callable[[Iterable[Verdict]], None]

SEEN_BY_TEST: dict[tuple[Path, str], dict[str, str]] = {}


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Kept:
    """Fails when the verdicts that it gets are not those that are kept of the test."""
    file = Path(__file__).parent / "verdict_texts" / f"{request.path.stem}.txt"

    def compare(verdicts: Iterable[Verdict]) -> None:
        seen = verdict_texts.texts_of(verdicts)
        SEEN_BY_TEST[file, request.node.name] = seen
        assert not (wrong := verdict_texts.difference(file, request.node.name, seen)), wrong

    return compare


def pytest_sessionfinish() -> None:
    """Write the verdicts anew, when asked to."""
    verdict_texts.record(SEEN_BY_TEST)
