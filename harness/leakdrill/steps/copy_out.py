"""Keep a file of the target, or a response from it, for whoever looks for the cause later: a profile, a heap dump."""

from __future__ import annotations

import errno
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from leakdrill.files import new_file
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import find_inside, path_inside
from leakdrill.steps.http import LONGEST_COPY, fetch
from leakdrill.steps.log_file import find_log, folder_of
from leakdrill.steps.output import output_tail
from leakdrill.targets.base.capabilities import Copyable
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.actions import CopyOut
    from leakdrill.steps.context import StepContext
    from leakdrill.targets.base.capabilities import FilesInside

NEEDS: Final[tuple[type, ...]] = ()
_LONGEST_NAME: Final = 100
_PIECE_BYTES: Final = 1 << 20


def act(action: CopyOut, context: StepContext) -> dict[str, str]:
    """Writes the file or the response into the step's folder. It changes nothing on the target.

    Raises:
        StepFailed: when there is no such file, the status is not 200, or there is nothing in it.
    """
    wanted = action.path or action.http or ""
    copy = context.folder / _file_name(wanted)
    if action.path is not None:
        _copy(action.path, copy, context)
    else:
        fetch(wanted, context.target, copy, timeout_s=context.timeout_s)
    size = copy.stat().st_size
    if not size:
        raise StepFailed(f"{wanted}: is empty; expected something to look at")
    return {"file": str(copy), "size": show_size(size)}


def _file_name(wanted: str) -> str:
    """The last part of a path or an address as the name of a file of ours: never `..`, a hidden file or too long."""
    last = PurePosixPath(wanted.partition("?")[0]).name[-_LONGEST_NAME:]
    return re.sub(r"[^\w.-]+", "-", last, flags=re.ASCII).lstrip(".") or "answer"


def _copy(path: str, copy: Path, context: StepContext) -> None:
    if copyable := context.find(Copyable):
        copyable.copy(path, copy, timeout_s=context.timeout_s)
        return
    if inside := find_inside(context):
        _read_inside(path, copy, inside, timeout_s=context.timeout_s)
        return
    source = find_log(context, path, expected="a file")
    with folder_of(context, source) as folder:
        try:
            with folder.open(source.name) as file, new_file(copy) as sink:
                _copy_content(file, sink)
        except OSError as e:
            raise StepFailed(f"{source}: cannot be copied to {copy}: {e.strerror}") from e


def _copy_content(source: BinaryIO, sink: BinaryIO) -> None:
    """All of it; a file with holes may be longer than any disk, and one that the service writes to has no end."""
    left = LONGEST_COPY
    while piece := source.read(min(_PIECE_BYTES, left + 1)):
        if (left := left - len(piece)) < 0:
            raise OSError(errno.EFBIG, f"it is longer than {show_size(LONGEST_COPY)}")
        sink.write(piece)


def _read_inside(path: str, copy: Path, target: FilesInside, *, timeout_s: float) -> None:
    if target.execute(["cat", path_inside(path, target)], output=copy, timeout_s=timeout_s):
        raise StepFailed(f"{path}: cannot be read in target '{target.name}'{output_tail(copy)}")
