"""Undoes what a run made on this machine: processes, control groups, mounts and folders.

Each entry is data that may be made up, so each thing is recognised by the mark of the run: processes by their
environment, control groups and folders by their names, and what lies in the run folder by its place there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.machine.disk import ADMIN_PATH, DISK_NAME, IMAGE_NAME, TMPFS
from leakdrill.machine.disk import PART as DISK_PART
from leakdrill.machine.marked_processes import Seen, end, marked, see, see_all, with_offspring
from leakdrill.machine.mounts import Mount, loop_devices, mounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

_STOP_TIMEOUT_S: Final = 2.0
_LONGEST_STOP_S: Final = 300.0
_EMPTY_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.03
_CLOCK_SLACK_S: Final = 2.0  # psutil adds the time of the boot, which moves when the clock is set
_CGROUP_TYPES: Final = ("cgroup", "cgroup2")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _undo_process(data: Mapping[str, Any], header: Header) -> str | None:
    if header.processes_ended:
        return None
    run_id, part = _text(data, "run_id"), _text(data, "part", optional=True)
    cgroup = _text(data, "cgroup", optional=True)
    timeout_s = data.get("stop_timeout_s", _STOP_TIMEOUT_S)
    timeout_s = min(float(timeout_s), _LONGEST_STOP_S) if isinstance(timeout_s, int | float) else _STOP_TIMEOUT_S

    def find() -> list[Seen]:
        living = see_all()
        found = marked(living, mark=header.mark, run_id=run_id, part=part)
        found |= with_offspring({pid for pid in [_own_child(data, header)] if pid in living}, living)
        if cgroup and _is_own_cgroup(Path(cgroup), header):
            found |= set(_members(Path(cgroup)))
        return [living[pid] for pid in found if pid in living]

    left = end(find, term_timeout_s=timeout_s)
    if left:
        return f"process {', '.join(map(str, left))}: still there after SIGKILL"
    return _without_mark(data, header)


def _own_child(data: Mapping[str, Any], header: Header) -> int:
    """The process itself, where it is our own child: then the kernel says so, whatever became of its environment."""
    pid = data.get("pid")
    seen = see(pid) if header.is_ours and type(pid) is int else None
    return seen.pid if seen and seen.parent == os.getpid() else 0


def _without_mark(data: Mapping[str, Any], header: Header) -> str | None:
    """A service may overwrite its environment; but nothing proves then that the process is the one that was started."""
    pid, born = data.get("pid"), data.get("create_time")
    if header.is_ours or type(pid) is not int or not isinstance(born, float):
        return None
    try:
        same = see(pid) is not None and abs(psutil.Process(pid).create_time() - born) < _CLOCK_SLACK_S
    except (psutil.Error, ValueError, OverflowError):
        return None
    if not same:
        return None
    return (
        f"process {pid} was started when the journal says so, but does not carry the mark of the run, so it was left; "
        f"if it is the drill's, end it yourself"
    )


def _undo_cgroup(data: Mapping[str, Any], header: Header) -> str | None:
    folder = Path(_text(data, "path"))
    if header.processes_ended or not os.path.lexists(folder):
        return None
    if not _is_own_cgroup(folder, header):
        return _not_own("cgroup", folder)
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    while folder.exists():
        end(lambda: _seen_in(folder), term_timeout_s=0.0)
        try:
            for inner in _inner_first(folder):
                inner.rmdir()
        except OSError as e:
            if e.errno not in (errno.EBUSY, errno.ENOENT) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
    return None


def _is_own_cgroup(folder: Path, header: Header) -> bool:
    """Whether it is a control group by the kernel's word, and has a name that only this run gives."""
    if not header.owns_name(folder.name) or ".." in folder.parts or not folder.is_absolute():
        return False
    try:
        device = folder.lstat().st_dev
        real = folder.resolve(strict=True) == folder
    except OSError:
        return False
    return real and any(mount.device == device for mount in mounts() if mount.fstype in _CGROUP_TYPES)


def _members(folder: Path) -> list[int]:
    pids: list[int] = []
    for inner in _inner_first(folder):
        with contextlib.suppress(OSError):
            pids += map(int, (inner / "cgroup.procs").read_text().split())
    return pids


def _seen_in(folder: Path) -> list[Seen]:
    """Nobody enters this cgroup but what the run started, so membership is proof enough."""
    return [seen for seen in map(see, _members(folder)) if seen]


def _inner_first(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)


def _undo_mount(data: Mapping[str, Any], header: Header) -> str | None:
    path = Path(_text(data, "path"))
    base = path.parent
    if header.processes_ended:
        return None
    if path.name != DISK_NAME or not _is_own_folder(base, header):
        return _not_own("mount", path)
    _end_disk_tools(header)
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    lazily: list[str] = []
    while (mount := _mounted(path)) is not None:
        if not _is_disk(mount, base):
            return f"mount {path}: {mount.source} is mounted there, which is no disk of the run"
        ended = _run("umount", *lazily, str(path))
        if ended.returncode and lazily:
            return f"mount {path}: {ended.stderr.strip()}"
        # Whoever still holds a file on it is not ours to kill; detached, it goes when they close it.
        lazily = ["--lazy"] if time.monotonic() > deadline else []
        time.sleep(_POLL_S if ended.returncode else 0)
    for device in loop_devices(base / IMAGE_NAME):
        _run("losetup", "--detach", str(device))
    return None


def _end_disk_tools(header: Header) -> None:
    """A `mkfs` or `mount` that the drill was waiting for when it was killed goes on without it."""

    def find() -> list[Seen]:
        living = see_all()
        return [living[pid] for pid in marked(living, mark=header.mark, part=DISK_PART)]

    end(find, term_timeout_s=0.0)


def _mounted(path: Path) -> Mount | None:
    return next((mount for mount in reversed(mounts()) if mount.path == path), None)


def _is_disk(mount: Mount, base: Path) -> bool:
    if mount.fstype == "tmpfs":
        return mount.source == TMPFS
    return any(str(device) == mount.source for device in loop_devices(base / IMAGE_NAME))


def _undo_folder(data: Mapping[str, Any], header: Header) -> str | None:
    folder = Path(_text(data, "path"))
    if not os.path.lexists(folder):
        return None
    if not (_is_own_folder(folder, header) or _is_below(folder, Path(header.folder))):
        return _not_own("folder", folder)
    _end_disk_tools(header)
    inside = next((mount.path for mount in mounts() if mount.path.is_relative_to(folder)), None)
    if inside:
        return f"folder {folder}: {inside} is still mounted in it"
    parent = _open_without_links(folder.parent)
    try:
        shutil.rmtree(folder.name, dir_fd=parent)
    finally:
        os.close(parent)
    return None


def _is_own_folder(folder: Path, header: Header) -> bool:
    """Whether only this run gives the name, and this user made it; one of the name elsewhere is somebody's copy."""
    if not header.owns_name(folder.name) or ".." in folder.parts or not folder.is_absolute():
        return False
    try:
        state = folder.lstat()
    except FileNotFoundError:
        return True
    return os.path.realpath(folder) == str(folder) and state.st_uid == os.geteuid()


def _is_below(folder: Path, run_folder: Path) -> bool:
    """Whether `folder` lies in the run folder, and no link leads out of it on the way."""
    inside = folder.is_relative_to(run_folder) and folder != run_folder and ".." not in folder.parts
    return inside and os.path.realpath(folder) == str(folder)


def _open_without_links(folder: Path) -> int:
    descriptor = os.open("/", _FOLDER)
    for part in folder.parts[1:]:
        try:
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _not_own(kind: str, path: Path) -> str:
    return f"{kind} {path}: neither its name nor its place is one that this run gives, so it was left"


def _text(data: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    value = data.get(name) if optional else data[name]
    if value is None and optional:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{name}: expected a text")
    return value


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": ADMIN_PATH})


UNDO: Final[UndoTable] = {
    "process": _undo_process,
    "cgroup": _undo_cgroup,
    "mount": _undo_mount,
    "folder": _undo_folder,
}
