"""The result of one run as `--json` prints it: its verdicts, which scenario it was, and where its record lies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from leakdrill.record.verdict_file import verdicts_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict


def run_as_json(verdicts: Sequence[Verdict], folder: RunFolder, *, scenario: str, chain: str) -> str:
    """The content of the run's `verdicts.json`, with `scenario` and `record`, the run folder, before it."""
    content = json.loads(verdicts_as_json(verdicts, chain=chain))
    return json.dumps({"scenario": scenario, "record": str(folder.path), **content}, indent=2) + "\n"
