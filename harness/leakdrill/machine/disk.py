"""The folder behind `{disk}`: a small filesystem of its own where mounting is allowed, else a watched folder.

ext4 on a loop device comes first because it fills up as a real disk does. tmpfs fills up too, but what lies in it
counts as memory of whoever wrote it, which a drill about memory must say. A quota was rejected: few machines have one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.cgroup import watched
from leakdrill.machine.process_tree import PART_VARIABLE
from leakdrill.record.journal_header import MARK_VARIABLE
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.journal import Journal

ADMIN_PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
"""Where to look for mount and mkfs: not every shell has the administrator's folders on its path."""

DISK_NAME: Final = "disk"
IMAGE_NAME: Final = "disk.img"
TMPFS: Final = "leakdrill"
PART: Final = "disk"
"""Value of `LEAKDRILL_PART` in the programs that make a disk."""

_COMMAND_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where the target keeps its files.

    Attributes:
        path: the folder itself.
        device: what it lies on, as node_exporter's label `device` says it.
        fstype: `ext4`, `tmpfs`, or `folder` when it is no filesystem of its own.
        limited: whether writing beyond `size_bytes` fails.
        size_bytes: the declared size; None when the scenario sets no limit.
    """

    path: Path
    device: str
    fstype: str
    limited: bool
    size_bytes: int | None

    def resolve(self, wanted: str) -> Path:
        """Where `wanted` (`{disk}/…`, relative to the disk, or absolute) lies.

        Raises:
            BadInput: when that is outside of the disk.
        """
        root = self.path.resolve()
        path = (root / wanted.replace("{disk}", str(root))).resolve()
        if not path.is_relative_to(root):
            raise BadInput(
                f'"{wanted}" lies outside of the target\'s disk {root}; expected {{disk}}/… or a path below it'
            )
        return path

    def open_to_everyone(self) -> None:
        """Let a service that runs as somebody else write here.

        What mkfs makes for repairs goes: nobody else may look into it, so a command that walks the disk would fail.
        """
        self.path.chmod(0o777)
        with contextlib.suppress(FileNotFoundError):
            (self.path / "lost+found").rmdir()


class _Refused(Exception):  # noqa: N818 - an outcome that becomes a notice
    pass


def make_disk(base: Path, size_bytes: int | None, journal: Journal, *, part: str) -> tuple[Disk, list[str]]:
    """The disk below the new folder `base`, and a sentence for what this machine does not allow.

    Args:
        base: a folder named after the run; made here and kept in the journal.
        size_bytes: size of the filesystem; None for a plain folder.
        journal: gets the folder and the mount before they exist.
        part: which part of the run it is for.

    Raises:
        EnvironmentProblem: when not even the folder can be made.
    """
    entry = journal.plan("folder", path=str(base), part=part)
    path = base / DISK_NAME
    try:
        path.mkdir(parents=True)
    except OSError as e:
        raise EnvironmentProblem(
            f"{path}: the target's disk cannot be made: {e.strerror}", hint="look at TMPDIR"
        ) from e
    journal.done(entry)
    plain = Disk(path=path, device=str(path), fstype="folder", limited=False, size_bytes=size_bytes)
    if size_bytes is None:
        return plain, []
    try:
        return _ext4(path, size_bytes, journal, part), []
    except _Refused as refused:
        why = str(refused)
    try:
        disk = _tmpfs(path, size_bytes, journal, part)
    except _Refused:
        return plain, [watched("disk", size_bytes, why)]
    return disk, [f"the disk of {show_size(size_bytes)} is a tmpfs, so its files count as the target's memory: {why}"]


def _ext4(path: Path, size_bytes: int, journal: Journal, part: str) -> Disk:
    image = path.parent / IMAGE_NAME
    with image.open("wb") as file:
        file.truncate(size_bytes)
    # No journal and no reserve: on a disk of a few MiB both would take a share that production disks do not lose.
    _run(journal, "mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", str(image))
    _mount(path, journal, part, "-o", "loop", "-t", "ext4", str(image))
    return Disk(path=path, device=_device_of(path), fstype="ext4", limited=True, size_bytes=size_bytes)


def _tmpfs(path: Path, size_bytes: int, journal: Journal, part: str) -> Disk:
    _mount(path, journal, part, "-t", "tmpfs", "-o", f"size={size_bytes}", TMPFS)
    return Disk(path=path, device="tmpfs", fstype="tmpfs", limited=True, size_bytes=size_bytes)


def _mount(path: Path, journal: Journal, part: str, *args: str) -> None:
    entry = journal.plan("mount", path=str(path), part=part)
    try:
        _run(journal, "mount", *args, str(path))
    except _Refused:
        journal.undone(entry)
        raise
    journal.done(entry)


def _run(journal: Journal, name: str, *args: str) -> None:
    program = shutil.which(name, path=ADMIN_PATH)
    if program is None:
        raise _Refused(f"{name} is not installed")
    try:
        ended = subprocess.run(
            [program, *args],
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_TIMEOUT_S,
            env={**os.environ, MARK_VARIABLE: journal.mark, PART_VARIABLE: PART},
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise _Refused(f"{name}: {e}") from e
    if ended.returncode:
        lines = (ended.stderr or ended.stdout).strip().splitlines() or [f"exit status {ended.returncode}"]
        raise _Refused(f"{name}: {lines[0].removeprefix(f'{name}: ')}")


def _device_of(path: Path) -> str:
    devices = [mount.device for mount in psutil.disk_partitions(all=True) if mount.mountpoint == str(path)]
    return devices[-1] if devices else str(path)
