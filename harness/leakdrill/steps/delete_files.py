"""Delete files on the target's disk: what `find -mmin -delete` does in a clean-up job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import MATCHING, find_arguments, find_inside, run_inside
from leakdrill.steps.log_file import find_files, folder_of
from leakdrill.targets.base.capabilities import FilesInside, Logged

if TYPE_CHECKING:
    from leakdrill.scenario.actions import DeleteFiles
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Logged, FilesInside)
_INSIDE: Final = (
    MATCHING
    + """matching | { while IFS= read -r line; do
  size=${line%% *} file=${line#* }
  rm -f "$file" || exit 1
  files=$((files + 1)) before=$((before + size))
done; echo "files=$files"; echo "bytes_freed=$before"; }
"""
)


def act(action: DeleteFiles, context: StepContext) -> dict[str, str]:
    """Deletes the files that match; returns how many files and bytes. None is no failure: the metric shows the effect.

    A file that the service holds open keeps its space until the service closes it.

    Raises:
        StepFailed: when the files cannot be reached, or the system refuses.
    """
    if inside := find_inside(context):
        return run_inside(_INSIDE, find_arguments(action.path, action.older_than, inside), inside, context)
    freed, files = 0, find_files(context, action.path, older_than_s=action.older_than)
    for file in files:
        try:
            with folder_of(context, file) as folder:
                size = folder.status(file.name).st_size
                folder.remove(file.name)
        except FileNotFoundError:
            continue  # the service was faster
        except OSError as e:
            raise StepFailed(f"{file}: cannot be deleted: {e.strerror}") from e
        freed += size
    return {"files": str(len(files)), "bytes_freed": str(freed)}
