"""Cut a log to nothing: frees the disk at once, and loses what was in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.log_file import find_log

if TYPE_CHECKING:
    from leakdrill.scenario.actions import TruncateLog
    from leakdrill.targets.base.capabilities import Target


def truncate(action: TruncateLog, target: Target) -> dict[str, str]:
    """Cut the file in place, so that a service which holds it open goes on writing to it. It cannot be undone.

    Raises:
        StepFailed: when there is no such log, or the system refuses.
    """
    log = find_log(target, action.path)
    size = log.stat().st_size
    try:
        os.truncate(log, 0)
    except OSError as e:
        raise StepFailed(f"{log}: cannot be truncated: {e.strerror}") from e
    return {"file": str(log), "bytes_freed": str(size)}
