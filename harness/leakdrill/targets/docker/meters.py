"""The meters of one container: on the engine's word, and on this machine where its control group shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.disk_inside import DiskInsideMeter
from leakdrill.meters.docker_stats import DockerStatsMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.targets.docker.container import engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.meters.meter import Meter
    from leakdrill.targets.docker.engine_container import EngineContainer


def container_meters(made: EngineContainer, *, disk_inside: str | None) -> Sequence[Meter]:
    """What can be read of `made`; `disk_inside` is where its disk lies when only commands inside reach it."""
    container, direct = made.container, made.cgroup is not None
    engine = DockerStatsMeter(
        lambda: cast("Iterator[Mapping[str, Any]]", container.stats(stream=True, decode=True)),
        stands_in=not direct,
        errors=engine_errors(),
    )
    if disk_inside is not None:
        return [engine, DiskInsideMeter(lambda: made.disk_free(disk_inside))]
    if not direct:
        return [engine]

    def cgroup_meter() -> CgroupMeter | None:
        cgroup = made.cgroup
        return CgroupMeter(cgroup) if cgroup else None

    here = process_meters(made.pids, lambda: [made.cgroup] if made.cgroup else [])
    return [engine, *here, CgroupAfterRestart(cgroup_meter)]
