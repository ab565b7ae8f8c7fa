"""The sandbox of a target: its disk and its control group, and what this machine does not allow of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.machine.cgroup import CgroupRefused, apply_limits, make_cgroup, watched
from leakdrill.machine.disk import make_disk

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.machine.disk import Disk
    from leakdrill.record.journal import Journal
    from leakdrill.scenario.target import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A disk, a control group where the machine allows one, and the truth about the limits.

    Attributes:
        enforced: those of `memory`, `cpus` and `disk` that the machine enforces.
        notices: one sentence for each thing that it does not enforce or let us read.
    """

    disk: Disk
    cgroup: Cgroup | None
    enforced: frozenset[str]
    notices: tuple[str, ...]


def make_sandbox(base: Path, limits: Limits, journal: Journal, *, part: str) -> Sandbox:
    """Returns a sandbox with `limits` in `base`, whose name its cgroup gets too. Everything made is in the journal."""
    disk, notices = make_disk(base, limits.disk, journal, part=part)
    cgroup, enforced = None, set[str]()
    try:
        cgroup = make_cgroup(base.name, journal, part=part)
    except CgroupRefused as refused:
        notices = [*notices, *_without_cgroup(limits, str(refused))]
    else:
        enforced, watched_only = apply_limits(cgroup, limits)
        notices = [*notices, *watched_only]
    enforced |= {"disk"} if disk.limited else set()
    return Sandbox(disk=disk, cgroup=cgroup, enforced=frozenset(enforced), notices=tuple(notices))


def _without_cgroup(limits: Limits, why: str) -> list[str]:
    declared = {"memory": limits.memory, "cpus": limits.cpus}
    sentences = [watched(name, limit, why) for name, limit in declared.items() if limit is not None]
    reason = "" if sentences else f": {why}"
    return [*sentences, f"the target has no cgroup of its own, so its memory is that of its processes{reason}"]
