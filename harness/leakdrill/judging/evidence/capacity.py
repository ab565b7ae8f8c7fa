"""The capacity of a resource: the size of a disk, and the memory above which the kernel kills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.windows import step_runs
from leakdrill.record.events import CgroupResources, FilesystemDisk

if TYPE_CHECKING:
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario


def disk_size_bytes(history: History, scenario: Scenario) -> float:
    """The capacity of the target's disk: the smaller of the scenario's limit and the filesystem's size; 0 if unknown.

    Where no small filesystem can be mounted the meter sees the whole machine's disk, and only the limit counts.
    """
    sizes = history.series(FilesystemDisk, "size_bytes").values
    limit = scenario.target.limits.disk
    return min([*(float(s) for s in sizes[-1:]), *([] if limit is None else [float(limit)])], default=0.0)


def memory_limit_bytes(history: History, scenario: Scenario) -> float | None:
    """Above which memory the OOM killer acts while the leak is on; None when unlimited.

    What the cgroup reported last before a step, which may have changed it, else the scenario's.
    """
    until_s = min((run.start_s for run in step_runs(history)), default=history.end_s)
    reported = history.series(CgroupResources, "limit_bytes").between(0.0, until_s).values
    limit = scenario.target.limits.memory
    return float(reported[-1]) if len(reported) else limit
