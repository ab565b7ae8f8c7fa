"""Changed records that told a mutant of the judging code from the code: what is said of each stays as it is.

The cases were found by `tests/mutants/run.py --search`, and are one a line in `kept_changes.jsonl`: a base, a plan
where it is another, changes, and who looks. What must come of them is kept in `verdict_texts/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from change_bases import verdicts
from verdict_texts import identifier

import leakdrill.judging.drill  # noqa: F401 - what is tested; the bases call it

LINES = Path(__file__).with_name("kept_changes.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", LINES, ids=[identifier(line) for line in LINES])
def test_what_is_said_of_a_changed_record_stays(line: str) -> None:
    case: dict[str, Any] = json.loads(line)
    said = [verdict for look in case["looks"] for verdict in verdicts(case, look)]
    assert not [v.message for v in said if "itself broke" in v.message or "could not be examined" in v.message]
