"""The exact verdicts that each test sees, kept in `verdict_texts/` beside it: a file for each file of tests.

A test that gets other verdicts than those that stand there fails, and says which. After a wanted change, write the
files anew and read the difference:

    LEAKDRILL_RECORD_VERDICTS=1 pytest tests/unit tests/sabotage -p no:xdist

A verdict stands in a file once, under a short hash; at the end stands, for each test, which verdicts it sees.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leakdrill.record.verdict import Number, Verdict

RECORD: Final = "LEAKDRILL_RECORD_VERDICTS"

_TESTS: Final = "\n\n# Which of them each test sees\n\n"


def text_of(verdict: Verdict) -> str:
    """All that `verdict` says, in as many lines as it has parts."""
    name = f"{verdict.check} of {verdict.subject}" if verdict.subject else verdict.check
    numbers = ", ".join(f"{key}={_number(value)}" for key, value in verdict.numbers.items())
    lines = [f"{verdict.outcome} {name}: {verdict.message}", numbers, verdict.hint and f"hint: {verdict.hint}"]
    lines.append(verdict.events and f"events: {_ranges(verdict.events)}")
    return "\n    ".join(line.replace("\n", "\n    ") for line in lines if line)


def _number(value: Number) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _ranges(indices: Iterable[int]) -> str:
    """Indices in order, those that follow each other evenly as `first..last/step`."""
    runs: list[list[int]] = []
    for index in indices:
        run = runs[-1] if runs else []
        if len(run) == 1 or (len(run) > 1 and index - run[-1] == run[1] - run[0]):
            run.append(index)
        else:
            runs.append([index])
    return " ".join(_range(run) for run in runs)


def _range(run: list[int]) -> str:
    return " ".join(map(str, run)) if len(run) < 3 else f"{run[0]}..{run[-1]}/{run[1] - run[0]}"


def identifier(text: str) -> str:
    """What `text` is called in the list of a test."""
    return hashlib.sha256(text.encode()).hexdigest()[:7]


def texts_of(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """The distinct texts of `verdicts`, in their order, by identifier."""
    return {identifier(text): text for text in map(text_of, verdicts)}


@cache
def expected(file: Path) -> dict[str, list[str]]:
    """The identifiers of the verdicts that each test of `file` must see; empty where nothing is kept."""
    if not file.exists():
        return {}
    lists = file.read_text(encoding="utf-8").partition(_TESTS)[2]
    return {name: seen.split() for name, _, seen in (line.rpartition(": ") for line in lists.splitlines())}


def difference(file: Path, test: str, seen: dict[str, str]) -> str:
    """What is wrong with the verdicts that `test` saw; empty when they are those of `file`, or none are kept of it."""
    wanted = expected(file).get(test)
    if RECORD in os.environ or wanted is None or wanted == list(seen):
        return ""
    new = "\n".join(text for name, text in seen.items() if name not in wanted)
    gone = " ".join(name for name in wanted if name not in seen)
    return f"other verdicts than in {file.name}: new:\n{new}\nno longer seen: {gone}\n{RECORD}=1 writes them anew"


def record(seen_by_test: dict[tuple[Path, str], dict[str, str]]) -> None:
    """Write the files of all tests that ran, when asked to."""
    for file in sorted({file for file, _ in seen_by_test}) if RECORD in os.environ else ():
        tests = {test: seen for (of, test), seen in seen_by_test.items() if of == file and seen}
        texts = {name: text for seen in tests.values() for name, text in seen.items()}
        if not texts:
            continue
        file.parent.mkdir(exist_ok=True)
        shown = "\n".join(f"{name} {text}" for name, text in texts.items())
        lists = "\n".join(f"{test}: {' '.join(seen)}" for test, seen in tests.items())
        file.write_text(f"{shown}{_TESTS}{lists}\n", encoding="utf-8")
