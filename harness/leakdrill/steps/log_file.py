"""Files of the target, as the steps on files find them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.disk_folder import DiskFolder
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Logged

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.steps.context import StepContext


def find_log(context: StepContext, path: str, *, expected: str = "a log") -> Path:
    """Returns the file of the target that the scenario calls `path`.

    Raises:
        StepFailed: when the target's files cannot be reached, the path is not the target's own, or is no file.
    """
    file = _own(context, path)
    if not file.is_file():
        there = "something that is no file" if file.exists() else "nothing"
        raise StepFailed(f"{path}: found {there} at {file}; expected {expected} of target '{context.target.name}'")
    return file


def folder_of(context: StepContext, file: Path) -> DiskFolder:
    """The folder of `file`, which `find_log` or `find_files` found, held open.

    Raises:
        StepFailed: when the service has put something else in its place.
    """
    try:
        return DiskFolder(_own(context, "."), file)
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "lies outside of the disk"
        raise StepFailed(f"{file}: its folder cannot be opened: {reason}") from e


def find_files(context: StepContext, pattern: str, *, older_than_s: float) -> list[Path]:
    """Returns the files on the target's disk that match `pattern` and were not written to for `older_than_s`.

    The smallest come first. Links are left out: what they point to may be somebody else's.

    Raises:
        StepFailed: when the target's files cannot be reached, or the pattern leads out of its disk.
    """
    root, wanted = _own(context, "."), _own(context, pattern)
    if not wanted.is_relative_to(root) or wanted == root:
        raise StepFailed(f"\"{pattern}\" names no files on the disk of target '{context.target.name}'")
    newest = time.time() - older_than_s
    paths = [_own(context, str(path)) for path in root.glob(str(wanted.relative_to(root))) if not path.is_symlink()]
    sizes = {path: path.stat() for path in paths if path.is_file()}
    return sorted((path for path, state in sizes.items() if state.st_mtime <= newest), key=lambda p: sizes[p].st_size)


def _own(context: StepContext, path: str) -> Path:
    try:
        return context.require(Logged).file(path)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    except (OSError, RuntimeError, ValueError) as e:  # a link to itself, a name with a NUL
        raise StepFailed(f"{path}: names no file of target '{context.target.name}': {e}") from e
