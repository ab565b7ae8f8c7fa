"""The NVML readings of the GPUs that a target uses: memory by device and by process, load, errors.

One reading holds all devices. A field's name begins with its device (`gpu0.used_bytes`; `gpu0/3.…` for a MIG slice);
without that it is the sum over the devices that the scenario names, and it is left out when one of them did not answer:
a GPU that falls off must not look like memory that was freed.
"""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from leakdrill.meters.gpu_processes import exists, program, sees_all_processes, split
from leakdrill.meters.nvml import DeviceSilent, NvmlDevice, NvmlUnavailable, find_device, open_nvml
from leakdrill.record.events import (
    GpuAbsent,
    GpuAnswers,
    GpuDevice,
    GpuDevices,
    GpuDriver,
    GpuProcess,
    GpuSilent,
    GpuXid,
)
from leakdrill.remember import is_new

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.gpu import Gpu

SUMMED: Final = ("used_bytes", "free_bytes", "reserved_bytes", "total_bytes", "own_bytes", "others_bytes")
_SLOW_EVERY: Final = 5
_RETRY_S: Final = 5.0
_MOST_XIDS: Final = 16


class GpuMeter:
    """Reads the GPUs `devices`, and their MIG slices.

    Args:
        devices: indices or UUIDs, as NVML knows them; a MIG slice by its UUID.
        pids: the target's processes; None where they have no numbers on this machine.
        recorder: hears once what each device is, of every other process that holds memory of one, of a device that
            falls silent or answers again, and of XID errors.
    """

    event = GpuDevices
    every = 1
    alone = True

    def __init__(
        self, devices: Sequence[int | str], *, pids: Callable[[], Sequence[int]] | None, recorder: Recorder
    ) -> None:
        self._wanted = tuple(devices)
        self._pids = pids
        self._recorder = recorder
        self._sees_all_processes = sees_all_processes()
        self._nvml: Any = None
        self._problem: tuple[float, str] | None = None
        self._named: list[NvmlDevice] = []
        self._slices: list[NvmlDevice] = []
        self._events: Any = None
        self._xids: dict[str, float] = {}
        self._silent: set[str] = set()
        self._known: dict[tuple[str, int], None] = {}
        self._readings = 0

    def read(self) -> dict[str, float] | None:
        """Bytes, percent, degrees, watts and counts; what a driver does not support is left out.

        Raises:
            NvmlUnavailable: when there is no driver, or not the GPU; tried again every five seconds.
        """
        self._open()
        own = None if self._pids is None else frozenset(self._pids())
        slow = self._readings % _SLOW_EVERY == 0
        self._readings += 1
        if slow:
            self._note_xids()
        rows = {device.identity.key: self._row(device, own, slow=slow) for device in (*self._named, *self._slices)}
        fields = {f"{key}.{name}": value for key, row in rows.items() for name, value in (row or {}).items()}
        return fields | _sums([rows[device.identity.key] for device in self._named])

    def close(self) -> None:
        """Let go of the library."""
        if self._nvml is not None:
            if self._events is not None:
                self._nvml.nvmlEventSetFree(self._events)
            self._nvml.nvmlShutdown()
            self._nvml = self._events = None

    def _open(self) -> None:
        if self._nvml is not None:
            return
        if self._problem is not None and time.monotonic() - self._problem[0] < _RETRY_S:
            raise NvmlUnavailable(self._problem[1])
        try:
            self._find(open_nvml())
        except (NvmlUnavailable, DeviceSilent) as e:
            self._problem = (time.monotonic(), str(e))
            raise NvmlUnavailable(str(e)) from e

    def _find(self, nvml: Any) -> None:
        try:
            named = [find_device(nvml, wanted) for wanted in self._wanted]
            slices = [part for device in named for part in device.slices()]
            driver, library = nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetNVMLVersion()
            self._watch_xids(nvml, named)
        except BaseException:
            nvml.nvmlShutdown()
            raise
        self._nvml, self._named, self._slices = nvml, named, slices
        self._recorder.record(GpuDriver(driver=driver, nvml=library))
        for device in (*named, *slices):
            self._recorder.record(_device(device))

    def _watch_xids(self, nvml: Any, devices: Sequence[NvmlDevice]) -> None:
        """Watch for XID errors. Where the driver has no events no XID is known, which is not the same as none."""
        try:
            events = nvml.nvmlEventSetCreate()
        except nvml.NVMLError:
            return
        self._events = events
        self._xids = {d.identity.key: 0.0 for d in devices if d.identity.slice_id is None and d.watch_xids(events)}

    def _row(self, device: NvmlDevice, own: frozenset[int] | None, *, slow: bool) -> dict[str, float] | None:
        """The fields of one device; None when it did not answer."""
        key = device.identity.key
        try:
            row = {name: float(value) for name, value in device.quick().items()}
            listed = device.processes()
            rest = device.slow() if slow else {}
        except DeviceSilent as e:
            self._note_silent(key, e)
            return None
        if key in self._silent:
            self._silent.remove(key)
            self._recorder.record(GpuAnswers(key))
        shares = split(
            None if own is None else listed,
            own or (),
            visible=[p for p in listed or () if exists(p)],
            all_visible=self._sees_all_processes,
        )
        for pid in shares.foreign:
            self._note_process(key, pid)
        row |= shares.fields(row.get("used_bytes")) | rest
        return row | ({"xid": self._xids[key]} if slow and key in self._xids else {})

    def _note_silent(self, key: str, error: DeviceSilent) -> None:
        if key not in self._silent:
            self._silent.add(key)
            state = "lost" if error.lost else "silent"
            self._recorder.record(GpuSilent(state, device_key=key, error=str(error)))

    def _note_process(self, key: str, pid: int) -> None:
        if is_new(self._known, (key, pid)):
            self._recorder.record(GpuProcess(key, pid=str(pid), program=program(pid)))

    def _note_xids(self) -> None:
        """Take every XID error that is waiting; an error of the queue itself says nothing of the GPUs."""
        for _ in range(_MOST_XIDS if self._xids else 0):
            try:
                event = self._nvml.nvmlEventSetWait(self._events, 0)
                key = f"gpu{self._nvml.nvmlDeviceGetIndex(event.device)}"
            except self._nvml.NVMLError:
                return
            self._xids[key] = float(event.eventData)
            self._recorder.record(GpuXid(float(event.eventData), device_key=key))


def _sums(rows: Sequence[dict[str, float] | None]) -> dict[str, float]:
    """Over all rows, of what every one of them has."""
    if not all(rows):
        return {}
    known = [row for row in rows if row]
    return {name: sum(row[name] for row in known) for name in SUMMED if all(name in row for row in known)}


def _device(device: NvmlDevice) -> GpuDevice:
    """A device with the labels that DCGM's exporter gives it."""
    identity = device.identity
    is_slice = identity.slice_id is not None
    return GpuDevice(
        device_key=identity.key,
        gpu=str(identity.gpu),
        uuid=identity.uuid,
        pci_bus_id=identity.bus_id,
        device="" if identity.minor is None else f"nvidia{identity.minor}",
        model=identity.model,
        hostname=platform.node(),
        slice_profile=identity.profile if is_slice else "",
        slice_id=str(identity.slice_id) if is_slice else "",
    )


@runtime_checkable
class Numbered(Protocol):
    """A target whose processes have numbers on this machine."""

    def pids(self) -> Sequence[int]:
        """Returns the processes that run now."""


def gpu_meters(gpu: Gpu | None, target: object, recorder: Recorder) -> list[GpuMeter]:
    """The meter of the GPUs of `target`; none where the scenario names none, or where they may be missing and are.

    What is missing is recorded as `gpu/absent`, with the reason.
    """
    if gpu is None:
        return []
    meter = GpuMeter(gpu.devices, pids=target.pids if isinstance(target, Numbered) else None, recorder=recorder)
    try:
        meter.read()
    except NvmlUnavailable as e:
        if not gpu.required:
            recorder.record(GpuAbsent(str(e)))
            return []
    return [meter]
