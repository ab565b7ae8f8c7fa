"""A stored drill that a person names: its record as the run wrote it, and what was played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.judging.watch.run_files import is_watch
from leakdrill.record.history import read_history
from leakdrill.record.seal import check_seal
from leakdrill.record.store import read_run_info

if TYPE_CHECKING:
    from leakdrill.record.history import History
    from leakdrill.record.store import RunFolder
    from leakdrill.scenario.scenario import Scenario


def is_drill(folder: RunFolder) -> bool:
    """Returns whether `folder` holds a drill: nothing else has alerts.

    Raises:
        BadInput: when its `run.json` cannot be read.
    """
    return not is_watch(folder) and read_run_info(folder).kind == "drill"


def read_stored_drill(folder: RunFolder) -> tuple[Scenario, History]:
    """Returns what was played in `folder`, and its record.

    Raises:
        BadInput: when it is no drill, cannot be read, or is not as the run wrote it.
    """
    if not is_drill(folder):
        raise BadInput(f"{folder.path}: is no drill; only drills have alerts")
    seal = check_seal(folder, unsealed=True)
    if seal.fault and not seal.verdicts_edited:
        raise BadInput(seal.fault, hint=seal.hint)
    return read_run_info(folder).scenario, read_history(folder.history)
