"""One container of the stack as its exporter publishes it: the names of a drill, from the engine's statistics."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from leakdrill.alerting.exporter import Exporter
from leakdrill.machine.disk import Disk
from leakdrill.meters.docker_stats import DockerStatsMeter
from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.record.events import CgroupResources, FilesystemDisk, ProcessTree
from leakdrill.targets.compose.replicas import SERVICE_LABEL
from leakdrill.targets.docker.container import engine_errors
from leakdrill.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docker.models.containers import Container
    from prometheus_client.core import Metric

    from leakdrill.record.event import Event
    from leakdrill.record.event_class import Reading

NAME_LABEL: Final = "leakdrill.container"
"""The label that names a container in its series; without it, the compose service's name does."""

DISK_LABEL: Final = "leakdrill.disk"
"""The label with the declared size of its disk, such as 64MiB, which is watched and not enforced."""


class PublishedContainer:
    """Reads `container` whenever its series are collected.

    Args:
        container: a running one.
        disks: a folder with a folder for the disk, under the container's name.
    """

    def __init__(self, container: Container, *, disks: Path | None = None) -> None:
        attrs, labels = container.attrs, container.labels
        name = labels.get(NAME_LABEL) or labels.get(SERVICE_LABEL) or str(container.name)
        host = attrs["HostConfig"]
        self.started_at = datetime.fromisoformat(attrs["State"]["StartedAt"][:19] + "+00:00").timestamp()
        self._listeners: list[Callable[[Event], None]] = []
        self._limited = bool(host.get("Memory"))
        self._meter = DockerStatsMeter(
            lambda: cast("Iterator[Mapping[str, Any]]", container.stats(stream=True, decode=True)),
            errors=engine_errors(),
        )
        self._disk = _disk(disks / name, labels.get(DISK_LABEL)) if disks and (disks / name).is_dir() else None
        self._exporter = Exporter(
            self,
            labels={"container": name, "name": str(container.name), "image": str(attrs["Config"]["Image"])},
            mountpoint=f"/var/lib/{name}",
            cpus=_cpus(host),
        )

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every reading, as a drill's recorder would."""
        self._listeners.append(listener)

    def collect(self) -> Iterator[Metric]:
        """Yields the container's series now; none while there is nothing to read."""
        with contextlib.suppress(OSError):
            self._publish(self._meter.read())
        if self._disk is not None:
            with contextlib.suppress(OSError):
                self._pass_on(FilesystemDisk, self._disk.read())
        yield from self._exporter.collect()

    def close(self) -> None:
        """Stop reading."""
        self._meter.close()

    def _publish(self, values: dict[str, float] | None) -> None:
        if values is None:
            return
        tasks = values.pop("processes", None)
        if not self._limited:
            values.pop("limit_bytes", None)  # the engine shows the machine's memory for a container without a limit
        self._pass_on(CgroupResources, values)
        if tasks is not None:  # the kernel's pids controller counts threads, and so does the engine
            self._pass_on(ProcessTree, {"threads": tasks})

    def _pass_on(self, event_class: type[Reading], values: dict[str, float] | None) -> None:
        if values is None:
            return
        event = event_class.of(values).to_event()
        for listener in self._listeners:
            listener(event)


def _disk(folder: Path, size: str | None) -> FilesystemMeter:
    size_bytes = None if size is None else parse_size(size)
    return FilesystemMeter(Disk(path=folder, device="leakdrill", fstype="folder", limited=False, size_bytes=size_bytes))


def _cpus(host: Mapping[str, Any]) -> float | None:
    if host.get("NanoCpus"):
        return float(host["NanoCpus"]) / 1e9
    if host.get("CpuQuota") and host.get("CpuPeriod"):
        return float(host["CpuQuota"]) / float(host["CpuPeriod"])
    return None
