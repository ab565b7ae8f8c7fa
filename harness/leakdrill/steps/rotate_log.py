"""Copy a log away, compressed, then cut it: what `logrotate` does with `copytruncate`.

For a service that holds its log open and knows no signal to open it again. Its price is known: what the service writes
between the last byte copied and the cut is lost. The copy therefore goes on until it reaches the end of the file, so
that this gap is the time of one read, not that of the whole copy. It cannot be undone, but the archive holds the rest.
"""

from __future__ import annotations

import gzip
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import LOG, find_inside, path_inside, run_inside
from leakdrill.steps.log_file import find_log
from leakdrill.targets.base.capabilities import FilesInside, Logged
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.scenario.actions import RotateLog
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Logged, FilesInside)
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 1
"""gzip's fastest: the disk is filling while it runs, and logs shrink to a tenth at any level."""
_INSIDE: Final = (
    LOG
    + """if [ "$keep" -gt 0 ]; then
  partial="$log.1$suffix.partial"
  if [ -n "$suffix" ]; then packer="gzip -1 -c"; else packer=cat; fi
  $packer "$log" > "$partial" || { rm -f "$partial"; exit 1; }
  n=1; while [ "$n" -lt "$keep" ] && [ -e "$log.$n$suffix" ]; do n=$((n + 1)); done
  while [ "$n" -gt 1 ]; do mv -f "$log.$((n - 1))$suffix" "$log.$n$suffix"; n=$((n - 1)); done
  mv -f "$partial" "$log.1$suffix"
  packed=$(stat -c %s "$log.1$suffix")
fi
size=$(stat -c %s "$log"); : > "$log"
n=$((keep + 1)); while [ -e "$log.$n$suffix" ]; do rm -f "$log.$n$suffix"; n=$((n + 1)); done
echo "bytes_freed=$size"; echo "bytes_archived=$packed"
"""
)


def act(action: RotateLog, context: StepContext) -> dict[str, str]:
    """Archives the log as `NAME.1.gz` (`NAME.1` uncompressed), older ones moving up by one; keep the newest `keep`.

    With `keep: 0` nothing is archived.

    Raises:
        StepFailed: when there is no such log, or the disk has no room for the archive; the log is untouched then.
    """
    suffix = ".gz" if action.compress else ""
    if inside := find_inside(context):
        arguments = [path_inside(action.path, inside), str(action.keep), suffix]
        return run_inside(_INSIDE, arguments, inside, context)
    log = find_log(context, action.path)
    archived = 0
    try:
        with log.open("r+b", buffering=0) as source:
            if action.keep:
                archived = _archive(source, log, suffix, action.keep)
            size = source.seek(0, os.SEEK_END)
            source.truncate(0)
        _drop_beyond(log, suffix, action.keep)
    except OSError as e:
        raise StepFailed(f"{log}: cannot be rotated: {e.strerror}") from e
    return {"file": str(log), "bytes_freed": str(size), "bytes_archived": str(archived)}


def _archive(source: BinaryIO, log: Path, suffix: str, keep: int) -> int:
    """Write the archive under a passing name, and only when it is whole move it to its place; return its size."""
    partial = log.with_name(f"{log.name}.1{suffix}.partial")
    try:
        with _writer(partial, compress=bool(suffix)) as sink:
            shutil.copyfileobj(source, sink, _CHUNK_BYTES)
    except OSError as e:
        partial.unlink(missing_ok=True)
        free = show_size(shutil.disk_usage(log.parent).free)
        raise StepFailed(
            f"{log}: cannot be archived: {e.strerror}; {free} are free beside it; the log was left as it is"
        ) from e
    for number in range(_newest_free(log, suffix, keep) - 1, 0, -1):
        _archive_name(log, suffix, number).rename(_archive_name(log, suffix, number + 1))
    return partial.rename(_archive_name(log, suffix, 1)).stat().st_size


@contextmanager
def _writer(path: Path, *, compress: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if not compress:
            yield file
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL) as packed:
            yield packed  # type: ignore[misc]


def _newest_free(log: Path, suffix: str, keep: int) -> int:
    """The first number without an archive; at most `keep`, whose archive gives way."""
    return next((n for n in range(1, keep) if not _archive_name(log, suffix, n).exists()), keep)


def _drop_beyond(log: Path, suffix: str, keep: int) -> None:
    number = keep + 1
    while (old := _archive_name(log, suffix, number)).exists():
        old.unlink()
        number += 1


def _archive_name(log: Path, suffix: str, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}{suffix}")
