"""A control group of the target's own, version 1 or 2: its limits, its members, its kills.

Version 1 has one hierarchy per controller, or several controllers in one; version 2 has one for all. Where they are
mounted and where this process stands in them differs on every machine, so both are read from /proc. Being root does
not settle it either: a container often has them read-only, and version 2 refuses a group below one that has processes.
So a place is tried, joined by a short-lived shell, and kept only when that works.

Sources: the kernel's Documentation/admin-guide/cgroup-v1/{memory,cgroups}.rst, scheduler/sched-bwc.rst, cgroup-v2.rst.
"""

from __future__ import annotations

import errno
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from leakdrill.machine.process_tree import group_pids
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leakdrill.record.journal import Journal
    from leakdrill.scenario.target import Limits

T = TypeVar("T", int, float)

CONTROLLERS: Final = ("memory", "cpu", "cpuacct")
PERIOD_US: Final = 100_000
"""The kernel's default CPU bandwidth period."""

_SMALLEST_QUOTA_US: Final = 1000  # the kernel refuses less
_REFUSALS: Final = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS, errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP)


_INHABITED: Final = "processes are in it, so the kernel gives no controllers to groups below it"


class CgroupRefused(Exception):  # noqa: N818 - an outcome that becomes a notice, not a failure of the drill
    """This machine gives us no control group; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process stands in a hierarchy (`own`), and where the hierarchy is mounted (`top`)."""

    own: Path
    top: Path

    def upwards(self) -> list[Path]:
        """From `own` to `top`."""
        return [self.own, *(p for p in self.own.parents if p.is_relative_to(self.top))]


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """The mounted hierarchies: version 1 by controller, and version 2."""

    v1: Mapping[str, Place]
    v2: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """A control group; a controller that this machine does not give us is None."""

    version: int
    memory: Path | None = None
    cpu: Path | None = None
    cpuacct: Path | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Each of its folders once."""
        return tuple(dict.fromkeys(f for f in (self.memory, self.cpu, self.cpuacct) if f))

    def limit_memory(self, limit_bytes: int) -> None:
        """Have the OOM killer act above `limit_bytes`, swap included. Raises OSError when refused."""
        folder = _given(self.memory, "memory")
        if self.version == 1:
            names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
            # Memory with swap may never be limited below memory alone, so what grows, grows from the outside.
            raised = limit_bytes > int((folder / names[0]).read_text() or 0)
            for name in reversed(names) if raised else names:
                if (folder / name).exists():
                    _write(folder / name, limit_bytes)
            return
        _write(folder / "memory.max", limit_bytes)
        for name in ("memory.swap.max", "memory.oom.group"):
            if (folder / name).exists():
                _write(folder / name, 0)

    def limit_cpus(self, cores: float) -> None:
        """Throttle above `cores` cores. Raises OSError when refused."""
        folder = _given(self.cpu, "cpu")
        quota_us = max(round(cores * PERIOD_US), _SMALLEST_QUOTA_US)
        if self.version == 1:
            _write(folder / "cpu.cfs_period_us", PERIOD_US)
            _write(folder / "cpu.cfs_quota_us", quota_us)
        else:
            _write(folder / "cpu.max", f"{quota_us} {PERIOD_US}")

    def pids(self) -> list[int]:
        """Its members now, those of groups below it too; none when it is gone."""
        return group_pids(self.folders[0])

    def oom_kills(self) -> int | None:
        """Members that the OOM killer ended so far; None when the kernel does not count them."""
        if self.memory is None:
            return None
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        try:
            lines = (self.memory / name).read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def hierarchies(mountinfo: str, own: str) -> Hierarchies:
    """What /proc/self/mountinfo and /proc/self/cgroup say about this process."""
    paths = {name: path for line in own.splitlines() for names, path in [line.split(":", 2)[1:]]
             for name in names.split(",")}  # fmt: skip
    v1: dict[str, Place] = {}
    v2: Place | None = None
    for root, point, fstype, options in _cgroup_mounts(mountinfo):
        if fstype == "cgroup2":
            v2 = v2 or _place(point, root, paths.get("", "/"))
        for name in set(CONTROLLERS) & set(options.split(",")) if fstype == "cgroup" else ():
            v1.setdefault(name, _place(point, root, paths.get(name, "/")))
    return Hierarchies(v1, v2)


def _cgroup_mounts(mountinfo: str) -> Iterator[tuple[str, Path, str, str]]:
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fstype = right.split()[0] if right else ""
        if fstype in ("cgroup", "cgroup2"):
            root, point = left.split()[3:5]
            yield root, Path(point.replace(r"\040", " ")), fstype, right.split()[-1]


def _place(point: Path, root: str, path: str) -> Place:
    """In a container the mount shows only a part of the hierarchy; a path outside of it is the mount itself."""
    inside = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path()
    own = point / inside
    return Place(own if own.is_dir() else point, point)


def this_machine() -> Hierarchies:
    """The hierarchies this process sees."""
    return hierarchies(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())


def make_cgroup(name: str, journal: Journal, *, part: str, hierarchies: Hierarchies | None = None) -> Cgroup:
    """A new, empty control group `name`, as near to our own as the machine allows; each folder is in the journal.

    Raises:
        CgroupRefused: when no place could be made and joined.
    """
    hierarchies = hierarchies or this_machine()
    maker = _Maker(name, journal, part)
    if "memory" in hierarchies.v1:
        return maker.version_1(hierarchies.v1)
    if hierarchies.v2:
        return maker.version_2(hierarchies.v2)
    raise CgroupRefused("no cgroup hierarchy with a memory controller is mounted")


class _Maker:
    """Tries places for one control group."""

    def __init__(self, name: str, journal: Journal, part: str) -> None:
        self.name = name
        self.journal = journal
        self.part = part

    def version_1(self, places: Mapping[str, Place]) -> Cgroup:
        by_top: dict[Path, Path] = {}
        folders: dict[str, Path] = {}
        for controller, place in places.items():
            try:
                folder = by_top.get(place.top) or self._first([place.own, place.top])
            except CgroupRefused:
                if controller == "memory":
                    raise
                continue
            by_top[place.top] = folders[controller] = folder
        return Cgroup(version=1, **folders)

    def version_2(self, place: Place) -> Cgroup:
        """First where nothing must be changed, then where controllers must be switched on for the children."""
        ready = [p for p in place.upwards() if {"memory", "cpu"} <= _words(p / "cgroup.subtree_control")]
        try:
            folder = self._first(ready)
        except CgroupRefused:
            folder = self._first(place.upwards(), enable=True)
        given = _words(folder.parent / "cgroup.subtree_control")
        return Cgroup(
            version=2,
            memory=folder if "memory" in given else None,
            cpu=folder if "cpu" in given else None,
            cpuacct=folder,
        )

    def _first(self, parents: list[Path], *, enable: bool = False) -> Path:
        refusals: dict[str, Path] = {}
        for parent in dict.fromkeys(parents):
            try:
                if enable:
                    _enable(parent)
                return self._make(parent / self.name)
            except OSError as e:
                if e.errno not in _REFUSALS:
                    raise
                refusals[e.strerror or str(e)] = parent
        sentences = [f"no cgroup in {parent}: {why}" for why, parent in refusals.items()]
        raise CgroupRefused("; ".join(sentences) or "no group above ours has the memory and cpu controllers")

    def _make(self, folder: Path) -> Path:
        entry = self.journal.plan("cgroup", path=str(folder), part=self.part)
        try:
            folder.mkdir(exist_ok=True)
            _try_to_join(folder)
        except OSError:
            if folder.is_dir():
                folder.rmdir()
            self.journal.undone(entry)
            raise
        self.journal.done(entry)
        return folder


def _enable(parent: Path) -> None:
    """Let children of `parent` have memory and, where possible, cpu."""
    try:
        _write(parent / "cgroup.subtree_control", "+memory")
    except OSError as e:
        if e.errno == errno.EBUSY:
            raise OSError(errno.EBUSY, _INHABITED, str(parent)) from e
        raise
    try:
        _write(parent / "cgroup.subtree_control", "+cpu")
    except OSError as e:
        if e.errno not in _REFUSALS:
            raise


def _try_to_join(folder: Path) -> None:
    procs = folder / "cgroup.procs"
    shell = subprocess.run(
        ["/bin/sh", "-c", 'echo $$ > "$1"', "sh", str(procs)], capture_output=True, text=True, check=False
    )
    if shell.returncode:
        raise OSError(errno.EACCES, f"cannot be joined: {shell.stderr.strip().rpartition(': ')[2]}", str(procs))


def apply_limits(cgroup: Cgroup, limits: Limits) -> tuple[set[str], list[str]]:
    """Set the limits on memory and cpus; returns the enforced ones and a sentence for each that is only watched."""
    enforced: set[str] = set()
    notices: list[str] = []

    def attempt(name: str, wanted: T | None, put: Callable[[T], None]) -> None:
        if wanted is None:
            return
        try:
            put(wanted)
            enforced.add(name)
        except OSError as e:
            notices.append(watched(name, float(wanted), e.strerror or str(e)))

    attempt("memory", limits.memory, cgroup.limit_memory)
    attempt("cpus", limits.cpus, cgroup.limit_cpus)
    return enforced, notices


def watched(name: str, wanted: float, why: str) -> str:
    """The sentence for a limit that cannot be enforced."""
    limit = f"{wanted:g} cores" if name == "cpus" else show_size(wanted)
    return f"{'cpu' if name == 'cpus' else name} limit {limit} is watched, not enforced: {why}"


def _given(folder: Path | None, controller: str) -> Path:
    if folder is None:
        raise OSError(errno.ENOENT, f"the {controller} controller is not available here")
    return folder


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def _write(path: Path, value: float | str) -> None:
    # A control file must be opened without O_CREAT: on a read-only or foreign tree that gives the clearer error.
    with path.open("r+") as file:
        file.write(str(value))
