"""Delete files on the target's disk: what `find -mmin -delete` does in a clean-up job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.log_file import find_files

if TYPE_CHECKING:
    from leakdrill.scenario.actions import DeleteFiles
    from leakdrill.targets.base.capabilities import Target


def delete(action: DeleteFiles, target: Target) -> dict[str, str]:
    """Delete what matches; says how many files and bytes. None is no failure: the metric says what it helped.

    A file that the service holds open keeps its space until the service closes it. It cannot be undone.

    Raises:
        StepFailed: when the files cannot be reached, or the system refuses.
    """
    freed, files = 0, find_files(target, action.path, older_than_s=action.older_than)
    for file in files:
        try:
            size = file.stat().st_size
            file.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # the service was faster
        except OSError as e:
            raise StepFailed(f"{file}: cannot be deleted: {e.strerror}") from e
        freed += size
    return {"files": str(len(files)), "bytes_freed": str(freed)}
