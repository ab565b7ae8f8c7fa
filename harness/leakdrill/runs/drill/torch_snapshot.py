"""Fetches a memory snapshot while the service still lives, and throws it away when the drill did not fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import TorchHolders
from leakdrill.record.verdict import Outcome
from leakdrill.runs.drill.torch_holders import holders
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.http import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leakdrill.record.recorder import Recorder
    from leakdrill.record.verdict import Verdict
    from leakdrill.targets.base.capabilities import Target

FILE: Final = "memory-snapshot.json"
"""In the run folder."""

_TIMEOUT_S: Final = 10.0
_MOST_HOLDERS: Final = 40


def take_snapshot(path: str, target: Target, recorder: Recorder, *, moment: str, run_dir: Path) -> None:
    """Ask the service for its snapshot, write it to the run folder, and record who holds how much.

    What goes wrong is recorded as a reading that is missing: a drill does not end for it.

    Args:
        path: where the service answers with it.
        target: the service.
        recorder: gets `torch/holders`, bytes by place, with the label `moment`.
        moment: when this is: `baseline` or `recover`; a later one replaces the file.
        run_dir: where the file goes.
    """
    fetched = run_dir / f"{FILE}.new"
    try:
        fetch(path, target, fetched, timeout_s=_TIMEOUT_S)
        held = holders(json.loads(fetched.read_bytes()))
    except (StepFailed, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as e:
        fetched.unlink(missing_ok=True)
        recorder.record(TorchHolders(moment=moment, error=str(e)))
        return
    fetched.replace(run_dir / FILE)
    recorder.record(TorchHolders(dict(list(held.items())[:_MOST_HOLDERS]), moment=moment))


def keep_if_failed(run_dir: Path, verdicts: Iterable[Verdict]) -> None:
    """Throw the snapshot away unless a verdict is FAIL. Who held how much stays in the record."""
    if not any(verdict.outcome is Outcome.FAIL for verdict in verdicts):
        (run_dir / FILE).unlink(missing_ok=True)
