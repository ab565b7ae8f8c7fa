"""The memory that the runner and its builds may use: the cgroup's limit, else what the machine has available."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_NO_LIMIT_BYTES: Final = 1 << 60


def memory_limit_bytes(groups: Path = Path("/proc/self/cgroup"), root: Path = _ROOT) -> int | None:
    """The lowest limit of the group that `groups` names and of those above it; None when there is none.

    Version 1 and 2 of control groups are read. Inside a container the path may not exist: there the root is the group.
    """
    found = [limit for folder, name in _files(groups, root) if (limit := _limit(folder / name)) is not None]
    return min(found, default=None)


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """The memory that can be allocated without swapping, by the kernel's estimate."""
    for line in meminfo.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _files(groups: Path, root: Path) -> list[tuple[Path, str]]:
    """Each folder that may hold a limit, with the name of the file."""
    found: list[tuple[Path, str]] = []
    for line in groups.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            found += [(folder, "memory.limit_in_bytes") for folder in _line_of(root / "memory", path)]
        elif not controllers:
            found += [(folder, "memory.max") for folder in _line_of(root, path)]
    return found


def _line_of(base: Path, path: str) -> list[Path]:
    """The group's folder and every one above it, up to `base`."""
    folder = base / path.lstrip("/")
    return [one for one in (folder, *folder.parents) if one == base or base in one.parents]


def _limit(file: Path) -> int | None:
    try:
        said = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(said) if said.isdecimal() and int(said) < _NO_LIMIT_BYTES else None
