"""The meters of whatever has processes on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.meters.cgroup_details import CgroupDetailsMeter
from leakdrill.meters.machine_figures import MachineFiguresMeter
from leakdrill.meters.network import NetworkMeter
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.meters.process_details import ProcessDetailsMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter


def process_meters(
    pids: Callable[[], Sequence[int]], cgroups: Callable[[], Iterable[Cgroup]] | None = None
) -> list[Meter]:
    """What can be read of processes, of the network they see and of the machine they run on.

    Args:
        pids: the processes.
        cgroups: their control groups; None where they have none.
    """
    meters: list[Meter] = [ProcessTreeMeter(pids), SmapsMeter(pids), ProcessDetailsMeter(pids), NetworkMeter(pids)]
    groups: list[Meter] = [] if cgroups is None else [CgroupDetailsMeter(cgroups)]
    return [*meters, *groups, MachineFiguresMeter()]
