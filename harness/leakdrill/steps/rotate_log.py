"""Copy a log away, compressed, then cut it: what `logrotate` does with `copytruncate`.

For a service that holds its log open and knows no signal to open it again. Its price is known: what the service writes
between the last byte copied and the cut is lost. The copy therefore goes on until it reaches the end of the file, so
that this gap is the time of one read, not that of the whole copy. It cannot be undone, but the archive holds the rest.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import LOG, find_inside, path_inside, run_inside
from leakdrill.steps.log_file import find_log, folder_of
from leakdrill.targets.base.capabilities import FilesInside, Logged
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.scenario.actions import RotateLog
    from leakdrill.steps.context import StepContext
    from leakdrill.steps.disk_folder import DiskFolder

NEEDS: Final = (Logged, FilesInside)
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 1
"""gzip's fastest: the disk is filling while it runs, and logs shrink to a tenth at any level."""
_INSIDE: Final = (
    LOG
    + """if [ "$keep" -gt 0 ]; then
  partial="$log.1$suffix.partial"; rm -f "$partial"; set -C  # a link that takes its place is not written through
  if [ -n "$suffix" ]; then packer="gzip -1 -c"; else packer=cat; fi
  $packer "$log" > "$partial" || { rm -f "$partial"; exit 1; }
  n=1; while [ "$n" -lt "$keep" ] && [ -e "$log.$n$suffix" ]; do n=$((n + 1)); done
  while [ "$n" -gt 1 ]; do put "$log.$((n - 1))$suffix" "$log.$n$suffix"; n=$((n - 1)); done
  put "$partial" "$log.1$suffix"; set +C
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
        arguments = [path_inside(action.path, inside), str(action.keep), suffix, inside.disk_inside or "/"]
        return run_inside(_INSIDE, arguments, inside, context)
    log = find_log(context, action.path)
    archived = 0
    with folder_of(context, log) as folder:
        try:
            with folder.open(log.name, write=True) as source:
                if action.keep:
                    archived = _archive(source, folder, _Archives(log.name, suffix, action.keep))
                size = source.seek(0, os.SEEK_END)
                source.truncate(0)
            _drop_beyond(folder, _Archives(log.name, suffix, action.keep))
        except OSError as e:
            raise StepFailed(f"{log}: cannot be rotated: {e.strerror}") from e
    return {"file": str(log), "bytes_freed": str(size), "bytes_archived": str(archived)}


@dataclass(frozen=True, slots=True)
class _Archives:
    """The names of the archives of a log, of which the newest `keep` are kept."""

    log: str
    suffix: str
    keep: int

    def name(self, number: int) -> str:
        return f"{self.log}.{number}{self.suffix}"


def _archive(source: BinaryIO, folder: DiskFolder, archives: _Archives) -> int:
    """Write the archive under a passing name, and only when it is whole move it to its place; return its size."""
    partial = f"{archives.name(1)}.partial"
    try:
        with _writer(folder.create(partial, like=os.fstat(source.fileno())), archives) as sink:
            shutil.copyfileobj(source, sink, _CHUNK_BYTES)
    except OSError as e:
        with contextlib.suppress(OSError):
            folder.remove(partial)
        raise StepFailed(
            f"{folder.path / archives.log}: cannot be archived: {e.strerror}; "
            f"{show_size(folder.free_bytes())} are free beside it; the log was left as it is"
        ) from e
    for number in range(_newest_free(folder, archives) - 1, 0, -1):
        folder.rename(archives.name(number), archives.name(number + 1))
    folder.rename(partial, archives.name(1))
    return folder.status(archives.name(1)).st_size


@contextlib.contextmanager
def _writer(file: BinaryIO, archives: _Archives) -> Iterator[BinaryIO]:
    with file:
        if not archives.suffix:
            yield file
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL) as packed:
            yield packed  # type: ignore[misc]


def _newest_free(folder: DiskFolder, archives: _Archives) -> int:
    """The first number without an archive; at most `keep`, whose archive gives way."""
    return next((n for n in range(1, archives.keep) if not folder.has(archives.name(n))), archives.keep)


def _drop_beyond(folder: DiskFolder, archives: _Archives) -> None:
    number = archives.keep + 1
    while folder.has(old := archives.name(number)):
        folder.remove(old)
        number += 1
