"""Cut a log to nothing: frees the disk at once, and loses what was in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import LOG, find_inside, path_inside, run_inside
from leakdrill.steps.log_file import find_log, folder_of
from leakdrill.targets.base.capabilities import FilesInside, Logged

if TYPE_CHECKING:
    from leakdrill.scenario.actions import TruncateLog
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Logged, FilesInside)
_INSIDE: Final = LOG + 'size=$(stat -c %s "$log"); : > "$log"; echo "bytes_freed=$size"'


def act(action: TruncateLog, context: StepContext) -> dict[str, str]:
    """Cuts the file in place, so that a service which holds it open goes on writing to it.

    Raises:
        StepFailed: when there is no such log, or the system refuses.
    """
    if inside := find_inside(context):
        return run_inside(
            _INSIDE, [path_inside(action.path, inside), "0", "", inside.disk_inside or "/"], inside, context
        )
    log = find_log(context, action.path)
    with folder_of(context, log) as folder:
        try:
            with folder.open(log.name, write=True) as file:
                size = file.seek(0, os.SEEK_END)
                file.truncate(0)
        except OSError as e:
            raise StepFailed(f"{log}: cannot be truncated: {e.strerror}") from e
    return {"file": str(log), "bytes_freed": str(size)}
