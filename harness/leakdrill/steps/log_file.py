"""Files of the target, as the steps on files find them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Logged
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.targets.base.capabilities import Target


def find_log(target: Target, path: str, *, expected: str = "a log") -> Path:
    """The file of the target that the scenario calls `path`.

    Raises:
        StepFailed: when the target's files cannot be reached, the path is not the target's own, or is no file.
    """
    file = _own(target, path)
    if not file.is_file():
        found = "something that is no file" if file.exists() else "nothing"
        raise StepFailed(f"{path}: found {found} at {file}; expected {expected} of target '{target.name}'")
    return file


def find_files(target: Target, pattern: str, *, older_than_s: float) -> list[Path]:
    """The files on the target's disk that match `pattern` and were not written to for `older_than_s`, smallest first.

    Links are left out: what they point to may be somebody else's.

    Raises:
        StepFailed: when the target's files cannot be reached, or the pattern leads out of its disk.
    """
    root, wanted = _own(target, "."), _own(target, pattern)
    if not wanted.is_relative_to(root) or wanted == root:
        raise StepFailed(f"\"{pattern}\" names no files on the disk of target '{target.name}'")
    newest = time.time() - older_than_s
    found = [_own(target, str(path)) for path in root.glob(str(wanted.relative_to(root))) if not path.is_symlink()]
    sizes = {path: path.stat() for path in found if path.is_file()}
    return sorted((path for path, seen in sizes.items() if seen.st_mtime <= newest), key=lambda p: sizes[p].st_size)


def _own(target: Target, path: str) -> Path:
    try:
        return capability(target, Logged, step="on files").file(path)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
