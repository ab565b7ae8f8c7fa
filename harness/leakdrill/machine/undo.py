"""Undoes what a run made on this machine: processes, control groups, mounts and folders."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.machine.disk import ADMIN_PATH
from leakdrill.machine.process_tree import ProcessTree
from leakdrill.record.journal import JOURNAL_FILE
from leakdrill.record.ownership import NAME_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.undo import UndoTable

_STOP_TIMEOUT_S: Final = 2.0
_EMPTY_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.03


def _undo_process(data: Mapping[str, Any]) -> str | None:
    left = ProcessTree.from_journal(data).end(term_timeout_s=data.get("stop_timeout_s", _STOP_TIMEOUT_S))
    return f"process {', '.join(map(str, left))}: still there after SIGKILL" if left else None


def _undo_cgroup(data: Mapping[str, Any]) -> str | None:
    folder = _ours(data["path"])
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    while folder.exists():
        try:
            folder.rmdir()
        except OSError as e:
            if e.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            _kill_members(folder)
            time.sleep(_POLL_S)
    return None


def _kill_members(folder: Path) -> None:
    """Nobody enters this cgroup but what the run started, so membership is proof enough."""
    for pid in (folder / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def _undo_mount(data: Mapping[str, Any]) -> str | None:
    path = Path(data["path"])
    _ours(path.parent)
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    lazily: list[str] = []
    while path.is_mount():
        ended = subprocess.run(
            ["umount", *lazily, str(path)], capture_output=True, text=True, check=False, env={"PATH": ADMIN_PATH}
        )
        if ended.returncode and lazily:
            return f"mount {path}: {ended.stderr.strip()}"
        # Whoever still holds a file on it is not ours to kill; detached, it goes when they close it.
        lazily = ["--lazy"] if time.monotonic() > deadline else []
        time.sleep(_POLL_S if ended.returncode else 0)
    return None


def _undo_folder(data: Mapping[str, Any]) -> str | None:
    folder = Path(data["path"])
    if not folder.exists():
        return None
    if not _in_run_folder(folder):
        _ours(folder)
    mounted = [p.mountpoint for p in psutil.disk_partitions(all=True) if Path(p.mountpoint).is_relative_to(folder)]
    if mounted:
        return f"folder {folder}: {mounted[0]} is still mounted in it"
    shutil.rmtree(folder)
    return None


def _in_run_folder(path: Path) -> bool:
    """Whether `path` lies below a folder that has a journal: whatever is there, a run made it."""
    return any((parent / JOURNAL_FILE).is_file() for parent in path.parents)


def _ours(path: str | Path) -> Path:
    """A journal is a file that anyone could have edited; it must not make us remove what no run ever made."""
    if not Path(path).name.startswith(NAME_PREFIX):
        raise OSError(errno.EPERM, f"its name does not begin with {NAME_PREFIX}, so no run made it", str(path))
    return Path(path)


UNDO: Final[UndoTable] = {
    "process": _undo_process,
    "cgroup": _undo_cgroup,
    "mount": _undo_mount,
    "folder": _undo_folder,
}
