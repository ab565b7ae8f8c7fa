"""The limits of a service that runs already on this machine: those of its control group, where it has one to itself."""

from __future__ import annotations

import contextlib
import resource
from typing import TYPE_CHECKING, Final

from leakdrill.machine.joined_cgroup import sole_group, unit_members
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.targets.base.own_limits import check_own_limits
from leakdrill.targets.existing.search import find_process, tree_of
from leakdrill.targets.existing.unit import describe_unit

if TYPE_CHECKING:
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.scenario.target import ProcessTarget

_NO_QUOTA: Final = ("max", "-1")


def look_for_service(spec: ProcessTarget) -> None:
    """Refuse a service that is not there, or has other limits than `spec` says.

    Raises:
        BadInput: says what is wrong.
        EnvironmentProblem: when systemd does not answer.
    """
    process = find_process(spec)
    members = tree_of(process)
    if spec.unit:
        members += unit_members(describe_unit(spec.unit).control_group, process.pid)
    check_group_limits(spec, sole_group(process.pid, members))


def check_group_limits(spec: ProcessTarget, group: Cgroup | None) -> None:
    """Refuse limits that differ from those of `group`; where that has none, those of the scenario are watched.

    Raises:
        BadInput: says both.
    """
    memory, cpus = memory_limit(group), cpu_limit(group)
    kept = {"memory": memory is not None, "cpus": cpus is not None}
    wanted = spec.limits.model_copy(update={key: None for key, limited in kept.items() if not limited})
    page_bytes = resource.getpagesize()
    check_own_limits(wanted, "the service", memory_bytes=memory, cpus=cpus, page_bytes=page_bytes)


def memory_limit(group: Cgroup | None) -> float | None:
    """The memory that `group` may have, in bytes; None where nothing limits it."""
    if group is None:
        return None
    with contextlib.closing(CgroupMeter(group)) as meter:
        return (meter.read() or {}).get("limit_bytes")


def cpu_limit(group: Cgroup | None) -> float | None:
    """The cores that `group` may use; None where nothing limits them."""
    if group is None or group.cpu is None:
        return None
    try:
        if group.version == 1:
            quota, period = ((group.cpu / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        else:
            quota, _, period = (group.cpu / "cpu.max").read_text().strip().partition(" ")
    except OSError:
        return None
    return None if quota in _NO_QUOTA or not int(period) else int(quota) / int(period)
