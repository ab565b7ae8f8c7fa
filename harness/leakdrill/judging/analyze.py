"""Judges a stored run from its files alone. `leakdrill run`, `gate` and `watch` end with exactly this call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.drill import judge
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_baseline import read_baseline
from leakdrill.judging.watch.run_files import analyze_watch, is_watch
from leakdrill.record.history import read_history
from leakdrill.record.store import read_run_info
from leakdrill.record.verdict_file import write_verdicts

if TYPE_CHECKING:
    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict

STORED_BASELINE: Final = "baseline.json"
"""A gate run that was compared with a stored baseline keeps a copy of it, so that it can be judged again."""


def analyze(folder: RunFolder) -> list[Verdict]:
    """The verdicts on the run in `folder`; they are also written to its `verdicts.json`.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    if is_watch(folder):
        return analyze_watch(folder)
    info, history = read_run_info(folder), read_history(folder.history)
    if info.kind == "gate":
        copy = folder.path / STORED_BASELINE
        verdicts = judge_gate(history, info.scenario, read_baseline(copy) if copy.exists() else None)
    else:
        verdicts = judge(history, info.scenario)
    write_verdicts(folder.verdicts, verdicts)
    return verdicts
