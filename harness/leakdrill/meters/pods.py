"""The control groups of all pods of a workload, read directly and added up, and each pod for itself.

Levels and counts are summed, so that with one pod every number is its own. When a pod goes its share leaves the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.record.events import CgroupResources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.machine.cgroup import Cgroup

_REPORT_EVERY: Final = 4


class PodsMeter:
    """Reads the groups that `cgroups` gives, by pod.

    Args:
        cgroups: those of the containers that run now.
        report: gets the numbers of each pod, about twice a second.
    """

    event = CgroupResources
    every = 1

    def __init__(
        self, cgroups: Callable[[], Mapping[str, Cgroup]], *, report: Callable[[str, dict[str, float]], None]
    ) -> None:
        self._cgroups = cgroups
        self._report = report
        self._open: dict[Cgroup, CgroupMeter] = {}
        self._readings = 0

    def read(self) -> dict[str, float] | None:
        """Sums over the pods; None while none runs."""
        wanted = self._cgroups()
        for gone in self._open.keys() - set(wanted.values()):
            self._open.pop(gone).close()
        read = {pod: values for pod, cgroup in wanted.items() if (values := self._meter(cgroup).read())}
        if self._readings % _REPORT_EVERY == 0:
            for pod, values in read.items():
                self._report(pod, dict(values))
        self._readings += 1
        return summed(list(read.values()))

    def close(self) -> None:
        """Close every group's files."""
        while self._open:
            self._open.popitem()[1].close()

    def _meter(self, cgroup: Cgroup) -> CgroupMeter:
        if cgroup not in self._open:
            self._open[cgroup] = CgroupMeter(cgroup)
        return self._open[cgroup]


def summed(rows: list[dict[str, float]]) -> dict[str, float] | None:
    """The sum of each field; a limit only where every row has one, for without it the whole is unlimited."""
    if not rows:
        return None
    total: dict[str, float] = {}
    for row in rows:
        for name, value in row.items():
            total[name] = total.get(name, 0.0) + value
    if any("limit_bytes" not in row for row in rows):
        total.pop("limit_bytes", None)
    return total
