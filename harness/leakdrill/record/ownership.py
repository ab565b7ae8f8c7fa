"""The process that runs a drill, and how everything that a run makes outside its folder is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
import psutil

if TYPE_CHECKING:
    from pathlib import Path

OWNER_FILE: Final = "drill.pid"
"""Beside the journal: which process runs the drill, so that nobody cleans up under a living one."""

NAME_PREFIX: Final = "leakdrill-"
"""The prefix of the name of every cgroup, folder, container and namespace that a run makes outside its run folder."""

_CREATE_TIME_SLACK_S: Final = 1.0


def note_owner(run_dir: Path) -> None:
    """Write down in `run_dir` that this process runs its drill."""
    this = psutil.Process()
    (run_dir / OWNER_FILE).write_bytes(orjson.dumps({"pid": this.pid, "create_time": this.create_time()}))


def owner_lives(run_dir: Path) -> bool:
    """Whether the process that runs the drill of `run_dir` is still there; False when it was not recorded.

    A stopped process lives; one that has ended and that its parent has not waited for does not.
    """
    try:
        owner = orjson.loads((run_dir / OWNER_FILE).read_bytes())
        process = psutil.Process(owner["pid"])
        created, status = process.create_time(), process.status()
    except (OSError, orjson.JSONDecodeError, psutil.NoSuchProcess):
        return False
    same: bool = (
        status not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        and abs(created - owner["create_time"]) < _CREATE_TIME_SLACK_S
    )
    return same
