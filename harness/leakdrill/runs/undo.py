"""Takes back what a run changed, from its journal alone.

Every function here may run in a fresh process, long after the drill was killed, and twice: what is gone already counts
as undone. Nothing is touched but what carries the run's id, in its name or in its environment, or lies in its folder.
"""

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

import orjson
import psutil

from leakdrill.targets.kubernetes.undo import undo_namespace, undo_object, undo_workload
from leakdrill.errors import EnvironmentProblem
from leakdrill.record.journal import Entry, Journal, read_journal
from leakdrill.targets.compose.undo import undo_leaks, undo_project
from leakdrill.machine.disk import ADMIN_PATH
from leakdrill.targets.docker.engine import RUN_LABEL, connect
from leakdrill.machine.process_tree import ProcessTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWNER_FILE: Final = "drill.pid"
"""Beside the journal: which process runs the drill, so that nobody cleans up under a living one."""

JOURNAL_FILE: Final = "journal.jsonl"
"""Name of the journal in a run folder."""

NAME_PREFIX: Final = "leakdrill-"
"""Every cgroup and folder that a run makes outside of its run folder has a name that begins so."""

_STOP_TIMEOUT_S: Final = 2.0
_EMPTY_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.03


def undo(entry: Entry) -> str | None:
    """Take back one change: None when it is gone, else why it is not."""
    undo_kind = _UNDO.get(entry.kind)
    if undo_kind is None:
        return f"{entry.kind} {entry.data}: this version does not know how to undo it"
    try:
        return undo_kind(entry.data)
    except KeyError as e:
        return f"{entry.kind} {entry.data}: the journal lacks {e}"
    except OSError as e:
        return f"{entry.kind} {e.filename or entry.data}: {e.strerror or e}"


def take_back(journal: Journal, entry: Entry) -> str | None:
    """Undo `entry` and say so in the journal: None when it is gone, else why it is not."""
    reason = undo(entry)
    if reason is None:
        journal.undone(entry)
    return reason


def undo_all(journal: Journal) -> list[str]:
    """Take back everything that is still open, newest first; returns why, for each that would not go."""
    reasons = [take_back(journal, entry) for entry in journal.pending()]
    return [reason for reason in reasons if reason]


def clean(journal_path: Path) -> list[str]:
    """What `undo_all` does, for a drill that is no longer there; a run whose drill still lives is left alone."""
    if owner_lives(journal_path.parent):
        return []
    _cut_torn_line(journal_path)
    entries = read_journal(journal_path)
    if not entries:
        return []
    with contextlib.closing(Journal(journal_path)) as journal:
        reasons = [take_back(journal, entry) for entry in entries]
    return [f"{journal_path}: {reason}" for reason in reasons if reason]


def clean_runs(runs: Path) -> list[str]:
    """`clean` for every journal below `runs`, newest run first."""
    patterns = (f"*/*/{JOURNAL_FILE}", f"*/*/*/{JOURNAL_FILE}")  # a gate's second build has a folder in the run's
    journals = sorted((path for pattern in patterns for path in runs.glob(pattern)), reverse=True)
    return [reason for path in journals if not path.parent.is_symlink() for reason in clean(path)]


def note_owner(run_dir: Path) -> None:
    """Write down in `run_dir` that this process runs its drill."""
    this = psutil.Process()
    (run_dir / OWNER_FILE).write_bytes(orjson.dumps({"pid": this.pid, "create_time": this.create_time()}))


def owner_lives(run_dir: Path) -> bool:
    """Whether the process that runs the drill of `run_dir` is still there; False when nobody wrote it down."""
    try:
        owner = orjson.loads((run_dir / OWNER_FILE).read_bytes())
        born = psutil.Process(owner["pid"]).create_time()
    except (OSError, orjson.JSONDecodeError, psutil.NoSuchProcess):
        return False
    same: bool = abs(born - owner["create_time"]) < 1.0
    return same


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


def _undo_container(data: Mapping[str, Any]) -> str | None:
    """Only what carries the run's label is removed, whatever its name says."""
    try:
        client = connect(data["engine"])
    except EnvironmentProblem as e:
        return f"container {data['name']}: {e}"
    with contextlib.closing(client):
        found = client.containers.list(
            all=True, filters={"name": f"^/?{data['name']}$", "label": f"{RUN_LABEL}={data['run_id']}"}
        )
        for container in found:
            container.remove(force=True, v=True)
    return None


def _in_run_folder(path: Path) -> bool:
    """Whether `path` lies below a folder that has a journal: whatever is there, a run made it."""
    return any((parent / JOURNAL_FILE).is_file() for parent in path.parents)


_UNDO: Final[dict[str, Callable[[Mapping[str, Any]], str | None]]] = {
    "process": _undo_process,
    "cgroup": _undo_cgroup,
    "mount": _undo_mount,
    "folder": _undo_folder,
    "container": _undo_container,
    "namespace": undo_namespace,
    "object": undo_object,
    "workload": undo_workload,
    "project": undo_project,
    "leaks": undo_leaks,
}


def _ours(path: str | Path) -> Path:
    """A journal is a file that anyone could have edited; it must not make us remove what no run ever made."""
    if not Path(path).name.startswith(NAME_PREFIX):
        raise OSError(errno.EPERM, f"its name does not begin with {NAME_PREFIX}, so no run made it", str(path))
    return Path(path)


def _cut_torn_line(path: Path) -> None:
    """A line torn by a crash would run into the next one that is appended."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
