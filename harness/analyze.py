"""Judges a stored run from its files alone. `leakdrill run` ends with exactly this call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.judge import judge
from harness.history import read_history
from harness.reports.verdict_file import write_verdicts
from harness.store import read_run_info
from harness.watch.record import analyze_watch, is_watch

if TYPE_CHECKING:
    from harness.store import RunFolder
    from harness.verdict import Verdict


def analyze(folder: RunFolder) -> list[Verdict]:
    """The verdicts on the run in `folder`; they are also written to its `verdicts.json`.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    if is_watch(folder):
        return analyze_watch(folder)
    info = read_run_info(folder)
    verdicts = judge(read_history(folder.history), info.scenario)
    write_verdicts(folder.verdicts, verdicts)
    return verdicts
