"""Compress files on the target's disk, each in its place: what `find -exec gzip` does to old logs."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
from typing import TYPE_CHECKING, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import MATCHING, MOVE, find_arguments, find_inside, run_inside
from leakdrill.steps.log_file import find_files, folder_of
from leakdrill.targets.base.capabilities import FilesInside, Logged
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.scenario.actions import CompressFiles
    from leakdrill.steps.context import StepContext
    from leakdrill.steps.disk_folder import DiskFolder

NEEDS: Final = (Logged, FilesInside)
SUFFIX: Final = ".gz"
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 1
"""gzip's fastest: the disk is filling while it runs, and logs shrink to a tenth at any level."""
_INSIDE: Final = (
    MOVE
    + MATCHING
    + """matching | { set -C; while IFS= read -r line; do
  size=${line%% *} file=${line#* }
  case $file in *.gz) continue ;; esac
  partial="$file.gz.partial"
  rm -f "$partial" && gzip -1 -c "$file" > "$partial" && touch -r "$file" "$partial" || { rm -f "$partial"; exit 1; }
  put "$partial" "$file.gz" && rm -f "$file" || exit 1
  files=$((files + 1)) before=$((before + size)) after=$((after + $(stat -c %s "$file.gz")))
done; echo "files=$files"; echo "bytes_before=$before"; echo "bytes_after=$after"; }
"""
)


def act(action: CompressFiles, context: StepContext) -> dict[str, str]:
    """Replaces each file that matches by `NAME.gz`, the smallest first, so that a full disk gains room early.

    What ends in .gz already is left alone. Nothing is lost, unless the service still writes to the file: a log
    in use is for `rotate_log`.

    Raises:
        StepFailed: when the files cannot be reached, or one cannot be compressed; that one is untouched then.
    """
    if inside := find_inside(context):
        return run_inside(_INSIDE, find_arguments(action.path, action.older_than, inside), inside, context)
    files = [f for f in find_files(context, action.path, older_than_s=action.older_than) if f.suffix != SUFFIX]
    before, after = 0, 0
    for file in files:
        with folder_of(context, file) as folder:
            size, packed = _compress(folder, file.name)
        before, after = before + size, after + packed
    return {"files": str(len(files)), "bytes_before": str(before), "bytes_after": str(after)}


def _compress(folder: DiskFolder, name: str) -> tuple[int, int]:
    """Write the archive under a passing name, and only when it is whole move it to its place; return both sizes."""
    partial = f"{name}{SUFFIX}.partial"
    try:
        with folder.open(name) as source:
            state = os.fstat(source.fileno())
            with (
                folder.create(partial, like=state) as file,
                gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL) as sink,
            ):
                shutil.copyfileobj(source, sink, _CHUNK_BYTES)
        folder.set_times(partial, state)
        folder.rename(partial, f"{name}{SUFFIX}")
        folder.remove(name)
        return state.st_size, folder.status(f"{name}{SUFFIX}").st_size
    except OSError as e:
        with contextlib.suppress(OSError):
            folder.remove(partial)
        raise StepFailed(
            f"{folder.path / name}: cannot be compressed: {e.strerror}; "
            f"{show_size(folder.free_bytes())} are free beside it; the file was left as it is"
        ) from e
