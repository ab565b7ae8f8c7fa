"""A log of the target, as the steps on logs find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import LeakdrillError
from harness.steps.failure import StepFailed
from harness.targets.target import Logged

if TYPE_CHECKING:
    from pathlib import Path

    from harness.targets.target import Target


def find_log(target: Target, path: str) -> Path:
    """The file of the target that the scenario calls `path`.

    Raises:
        StepFailed: when the target's files cannot be reached, the path is not the target's own, or is no file.
    """
    if not isinstance(target, Logged):
        raise StepFailed(f"target '{target.name}' ({type(target).__name__}) has no files that the drill can reach")
    try:
        file = target.file(path)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    if not file.is_file():
        found = "something that is no file" if file.exists() else "nothing"
        raise StepFailed(f"{path}: found {found} at {file}; expected a log of target '{target.name}'")
    return file
