"""NVML, NVIDIA's management library, through `nvidia-ml-py`: loading it, and one device of it in our words.

A reading that a GPU or its driver does not support is left out, never 0; it is not asked for again. Any other error
means that the device does not answer. Source: NVIDIA's NVML API reference.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_NO_LIBRARY: Final = 12
_WHY: Final = {
    _NO_LIBRARY: "there is no NVIDIA driver: libnvidia-ml.so.1 was not found",
    4: "NVML may not be used by this user",
    9: "the NVIDIA driver is not loaded: NVML found no kernel module to talk to",
    18: "the NVIDIA driver is mismatched: its library and its kernel module differ in version",
}
_UNSUPPORTED: Final = frozenset({2, 3, 4, 13, 22, 25, 30})
"""Invalid argument, not supported, no permission, function not found, ECC of a virtual GPU, version mismatch."""

LOST: Final = frozenset({6, 9, 15, 16, 28})
"""Not found, driver not loaded, lost, reset required, gone: the device does not come back by itself."""

_MEMORY_V2: Final = 0x02000028
_TEMPERATURE_GPU: Final = 0
_CORRECTED, _UNCORRECTED, _SINCE_BOOT = 0, 1, 0
_XID_EVENT: Final = 8
_MILLI: Final = 1e-3


class NvmlUnavailable(OSError):  # noqa: N818 - the sampler takes it for a gap, as every OSError
    """NVML cannot be used; the text says why."""


class DeviceSilent(Exception):  # noqa: N818 - ends one reading of one device
    """A device did not answer; `lost` where it cannot come back by itself."""

    def __init__(self, message: str, *, lost: bool) -> None:
        super().__init__(message)
        self.lost = lost


def open_nvml() -> Any:
    """The module `pynvml`, with its library loaded and initialised; whoever opens it calls `nvmlShutdown`.

    Raises:
        NvmlUnavailable: when the module, the driver or its library is not there, or they do not fit.
    """
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError as e:
        raise NvmlUnavailable("nvidia-ml-py is not installed: pip install 'leakdrill[gpu]'") from e
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as e:
        raise NvmlUnavailable(_WHY.get(e.value, f"NVML does not start: {e}")) from e
    return nvml


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The identity of a device.

    Attributes:
        key: how its fields begin: `gpu0`, or `gpu0/3` for a MIG slice.
        gpu: NVML's index of the GPU.
        uuid: of the GPU or the slice.
        model: name of the GPU.
        bus_id: its place on the PCI bus; empty where unknown.
        minor: number of its device file; None where unknown.
        slice_id: GPU instance of a MIG slice; None for a GPU.
        profile: the slice's size, such as `1g.10gb`; empty for a GPU.
    """

    key: str
    gpu: int
    uuid: str
    model: str
    bus_id: str = ""
    minor: int | None = None
    slice_id: int | None = None
    profile: str = ""


class NvmlDevice:
    """One GPU, or one MIG slice of one.

    Args:
        nvml: the opened module.
        handle: NVML's own.
    """

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self._absent: set[str] = set()
        self.identity = self._query_identity()

    def quick(self) -> dict[str, float]:
        """Bytes used, free, reserved and in all.

        Raises:
            DeviceSilent: when it does not answer.
        """
        return self._fields(self._memory)

    def slow(self) -> dict[str, float]:
        """The figures that change slowly or are costly to read: utilisation, temperature, power, memory errors.

        Raises:
            DeviceSilent: when it does not answer.
        """
        readings = (self._utilisation, self._temperature, self._power, self._corrected, self._uncorrected)
        return {name: value for reading in readings for name, value in self._fields(reading).items()}

    def processes(self) -> dict[int, float | None] | None:
        """Bytes of each process that holds memory of it; None in place of those that the driver does not report.

        Raises:
            DeviceSilent: when it does not answer.
        """
        compute = self._query("compute", lambda: self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle))
        graphics = self._query("graphics", lambda: self._nvml.nvmlDeviceGetGraphicsRunningProcesses(self._handle))
        if compute is None:
            return None
        # A process with both kinds of context is in both lists, each time with all that it holds.
        return {p.pid: p.usedGpuMemory for p in (*(graphics or ()), *compute)}

    def slices(self) -> list[NvmlDevice]:
        """Returns the MIG slices; empty where it has none.

        Raises:
            DeviceSilent: when it does not answer.
        """
        nvml, handle = self._nvml, self._handle
        mode = self._query("mig", lambda: nvml.nvmlDeviceGetMigMode(handle)[0])
        most = self._query("slices", lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) if mode else 0
        slices = []
        for place in range(most or 0):
            try:
                slices.append(NvmlDevice(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)))
            except nvml.NVMLError as e:
                if e.value not in {2, 6}:  # an empty place
                    raise _silent(e) from e
        return slices

    def watch_xids(self, events: Any) -> bool:
        """Whether NVML reports its XID errors from now on, through the event set `events`."""
        nvml = self._nvml
        done = self._query("xid", lambda: nvml.nvmlDeviceRegisterEvents(self._handle, _XID_EVENT, events) or True)
        return bool(done)

    def _query_identity(self) -> Identity:
        nvml, handle = self._nvml, self._handle
        slice_id = self._query("instance", lambda: nvml.nvmlDeviceGetGpuInstanceId(handle))
        parent = handle if slice_id is None else nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
        gpu = self._query("index", lambda: nvml.nvmlDeviceGetIndex(parent))
        name, bus_id = self._query("name", lambda: nvml.nvmlDeviceGetName(handle)) or "", ""
        pci = self._query("pci", lambda: nvml.nvmlDeviceGetPciInfo(parent).busId)
        if pci is not None:
            bus_id = pci.decode() if isinstance(pci, bytes) else str(pci)
        return Identity(
            key=f"gpu{gpu}" if slice_id is None else f"gpu{gpu}/{slice_id}",
            gpu=gpu or 0,
            uuid=self._query("uuid", lambda: nvml.nvmlDeviceGetUUID(handle)) or "",
            model=name.partition(" MIG ")[0],
            bus_id=bus_id,
            minor=self._query("minor", lambda: nvml.nvmlDeviceGetMinorNumber(parent)),
            slice_id=slice_id,
            profile=name.partition(" MIG ")[2],
        )

    def _fields(self, reading: Callable[[], dict[str, float]]) -> dict[str, float]:
        return self._query(reading.__name__, reading) or {}

    def _query(self, name: str, query: Callable[[], _T]) -> _T | None:
        """The answer; None when that is not supported, and then it is not asked again."""
        if name in self._absent:
            return None
        try:
            return query()
        except self._nvml.NVMLError as e:
            if e.value not in _UNSUPPORTED:
                raise _silent(e) from e
            self._absent.add(name)
            return None

    def _memory(self) -> dict[str, float]:
        nvml, handle = self._nvml, self._handle
        memory = self._query("memory, version 2", lambda: nvml.nvmlDeviceGetMemoryInfo(handle, version=_MEMORY_V2))
        more = {} if memory is None else {"reserved_bytes": memory.reserved}
        # The first version counts what the driver reserves as used, and does not say how much that is.
        memory = nvml.nvmlDeviceGetMemoryInfo(handle) if memory is None else memory
        return {"used_bytes": memory.used, "free_bytes": memory.free, "total_bytes": memory.total} | more

    def _utilisation(self) -> dict[str, float]:
        rates = self._nvml.nvmlDeviceGetUtilizationRates(self._handle)
        return {"gpu_util_percent": rates.gpu, "memory_util_percent": rates.memory}

    def _temperature(self) -> dict[str, float]:
        nvml, handle = self._nvml, self._handle
        celsius = self._query(
            "temperature, versioned", lambda: nvml.nvmlDeviceGetTemperatureV(handle, _TEMPERATURE_GPU)
        )
        # Drivers before R565 know the plain call only.
        return {
            "temperature_celsius": nvml.nvmlDeviceGetTemperature(handle, _TEMPERATURE_GPU)
            if celsius is None
            else celsius
        }

    def _power(self) -> dict[str, float]:
        return {"power_watts": round(self._nvml.nvmlDeviceGetPowerUsage(self._handle) * _MILLI, 3)}

    def _corrected(self) -> dict[str, float]:
        return {"ecc_corrected": self._ecc(_CORRECTED)}

    def _uncorrected(self) -> dict[str, float]:
        return {"ecc_uncorrected": self._ecc(_UNCORRECTED)}

    def _ecc(self, kind: int) -> float:
        return float(self._nvml.nvmlDeviceGetTotalEccErrors(self._handle, kind, _SINCE_BOOT))


def find_device(nvml: Any, wanted: int | str) -> NvmlDevice:
    """The device with the index or the UUID `wanted`.

    Raises:
        NvmlUnavailable: when there is none.
        DeviceSilent: when it does not answer.
    """
    count = nvml.nvmlDeviceGetCount()
    try:
        if isinstance(wanted, int) and wanted >= count:
            raise NvmlUnavailable(
                f"there is no GPU {wanted}: the driver knows {count} {'card' if count == 1 else 'cards'}"
            )
        find_handle = nvml.nvmlDeviceGetHandleByIndex if isinstance(wanted, int) else nvml.nvmlDeviceGetHandleByUUID
        return NvmlDevice(nvml, find_handle(wanted))
    except nvml.NVMLError as e:
        if isinstance(wanted, str) and e.value in {2, 6}:
            raise NvmlUnavailable(f"there is no GPU {wanted}: the driver knows none of that UUID") from e
        raise _silent(e) from e


def _silent(error: Any) -> DeviceSilent:
    return DeviceSilent(f"{error} (NVML error {error.value})", lost=error.value in LOST)
