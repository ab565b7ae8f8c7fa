"""Keep a file of the target, or an answer of it, for whoever looks for the cause later: a profile, a heap dump."""

from __future__ import annotations

import re
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.exec import said
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import path_inside
from leakdrill.steps.http import fetch
from leakdrill.steps.log_file import find_log
from leakdrill.targets.base.capabilities import Copyable, FilesInside
from leakdrill.targets.kinds import find_capability
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.actions import CopyOut
    from leakdrill.targets.base.capabilities import Target


def copy_out(action: CopyOut, target: Target, *, folder: Path, timeout_s: float) -> dict[str, str]:
    """Write the file or the answer into `folder`. It changes nothing on the target.

    Raises:
        StepFailed: when there is no such file, the answer is not 200, or there is nothing in it.
    """
    wanted = action.path or action.http or ""
    copy = folder / (re.sub(r"[^\w.-]+", "-", PurePosixPath(wanted.partition("?")[0]).name) or "answer")
    folder.mkdir(parents=True, exist_ok=True)
    if action.path is not None:
        _copy(action.path, copy, target, timeout_s=timeout_s)
    else:
        copy.write_bytes(fetch(wanted, target, timeout_s=timeout_s))
    size = copy.stat().st_size
    if not size:
        raise StepFailed(f"{wanted}: is empty; expected something to look at")
    return {"file": str(copy), "size": show_size(size)}


def _copy(path: str, copy: Path, target: Target, *, timeout_s: float) -> None:
    try:
        if copyable := find_capability(target, Copyable):
            copyable.copy(path, copy, timeout_s=timeout_s)
            return
        if (inside := find_capability(target, FilesInside)) and inside.disk_inside:
            _read_inside(path, copy, inside, timeout_s=timeout_s)
            return
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    source = find_log(target, path, expected="a file")
    try:
        shutil.copyfile(source, copy)
    except OSError as e:
        raise StepFailed(f"{source}: cannot be copied to {copy}: {e.strerror}") from e


def _read_inside(path: str, copy: Path, target: FilesInside, *, timeout_s: float) -> None:
    if target.execute(["cat", path_inside(path, target)], output=copy, timeout_s=timeout_s):
        raise StepFailed(f"{path}: cannot be read in target '{target.name}'{said(copy)}")
