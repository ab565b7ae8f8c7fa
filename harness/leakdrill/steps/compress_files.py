"""Compress files on the target's disk, each in its place: what `find -exec gzip` does to old logs."""

from __future__ import annotations

import gzip
import os
import shutil
from typing import TYPE_CHECKING, Final

from leakdrill.steps.failure import StepFailed
from leakdrill.steps.log_file import find_files
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.actions import CompressFiles
    from leakdrill.targets.base.capabilities import Target

SUFFIX: Final = ".gz"
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 1
"""gzip's fastest: the disk is filling while it runs, and logs shrink to a tenth at any level."""


def compress(action: CompressFiles, target: Target) -> dict[str, str]:
    """Replace each file that matches by `NAME.gz`, the smallest first, so that a full disk gains room early.

    What ends in .gz already is left alone. It cannot be undone, but nothing is lost, unless the service still writes to
    the file: a log in use is for `rotate_log`.

    Raises:
        StepFailed: when the files cannot be reached, or one cannot be compressed; that one is untouched then.
    """
    files = [f for f in find_files(target, action.path, older_than_s=action.older_than) if f.suffix != SUFFIX]
    before, after = 0, 0
    for file in files:
        size = file.stat().st_size
        after += _compress(file)
        before += size
    return {"files": str(len(files)), "bytes_before": str(before), "bytes_after": str(after)}


def _compress(file: Path) -> int:
    """Write the archive under a passing name, and only when it is whole move it to its place; return its size."""
    partial, seen = file.with_name(f"{file.name}{SUFFIX}.partial"), file.stat()
    try:
        with file.open("rb") as source, gzip.open(partial, "wb", compresslevel=_LEVEL) as sink:
            shutil.copyfileobj(source, sink, _CHUNK_BYTES)
        os.utime(partial, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        packed = partial.rename(file.with_name(f"{file.name}{SUFFIX}"))
        file.unlink()
    except OSError as e:
        partial.unlink(missing_ok=True)
        free = show_size(shutil.disk_usage(file.parent).free)
        raise StepFailed(
            f"{file}: cannot be compressed: {e.strerror}; {free} are free beside it; the file was left as it is"
        ) from e
    return packed.stat().st_size
