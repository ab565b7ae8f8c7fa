"""The series of the service's disk: as a machine's filesystem, a container's, and a volume that is mounted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.container_series import gauge, read_rows
from leakdrill.record.events import FilesystemDisk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.container_series import Fresh, Row

_MACHINE: Final[tuple[Row, ...]] = (
    ("node_filesystem_size_bytes", FilesystemDisk, "size_bytes", "Size of the filesystem."),
    ("node_filesystem_avail_bytes", FilesystemDisk, "avail_bytes", "Space that a service may still use."),
    ("node_filesystem_free_bytes", FilesystemDisk, "free_bytes", "Space that is free."),
    ("node_filesystem_files", FilesystemDisk, "files", "Inodes."),
    ("node_filesystem_files_free", FilesystemDisk, "files_free", "Free inodes."),
)
_CONTAINER: Final[tuple[Row, ...]] = (
    ("container_fs_limit_bytes", FilesystemDisk, "size_bytes", "Size of the filesystem."),
    ("container_fs_usage_bytes", FilesystemDisk, "used_bytes", "Space in use."),
    ("container_fs_inodes_total", FilesystemDisk, "files", "Inodes."),
    ("container_fs_inodes_free", FilesystemDisk, "files_free", "Free inodes."),
)
_VOLUME: Final[tuple[Row, ...]] = (
    ("kubelet_volume_stats_capacity_bytes", FilesystemDisk, "size_bytes", "Size of the volume."),
    ("kubelet_volume_stats_available_bytes", FilesystemDisk, "avail_bytes", "Space that a service may still use."),
    ("kubelet_volume_stats_used_bytes", FilesystemDisk, "used_bytes", "Space in use."),
    ("kubelet_volume_stats_inodes", FilesystemDisk, "files", "Inodes."),
    ("kubelet_volume_stats_inodes_free", FilesystemDisk, "files_free", "Free inodes."),
)


def machine_disk(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The disk as node_exporter publishes it; a disk that was read has no error and is no read-only one."""
    yield from _gauges(_MACHINE, fresh, labels)
    if FilesystemDisk in fresh:
        yield gauge("node_filesystem_readonly", "Whether it is read-only.", 0.0, labels)
        yield gauge("node_filesystem_device_error", "Whether it could not be read.", 0.0, labels)


def container_disk(fresh: Fresh, labels: Mapping[str, str], device: str) -> Iterator[Metric]:
    """The disk as cAdvisor publishes it; `labels` are those of the container."""
    yield from _gauges(_CONTAINER, fresh, {**labels, "device": device})


def volume_disk(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The disk as the kubelet publishes a volume; `labels` are those of the volume."""
    yield from _gauges(_VOLUME, fresh, labels)
    disk = fresh.get(FilesystemDisk)
    if isinstance(disk, FilesystemDisk) and disk.files is not None and disk.files_free is not None:
        yield gauge("kubelet_volume_stats_inodes_used", "Inodes in use.", disk.files - disk.files_free, labels)


def _gauges(rows: tuple[Row, ...], fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    for name, value, text in read_rows(rows, fresh):
        yield gauge(name, text, value, labels)
