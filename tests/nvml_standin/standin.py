"""The stand-in for NVIDIA's libnvidia-ml.so.1: built once with the system's compiler, steered through a mapped file.

    with StandIn(folder) as gpu:
        gpu.device(0).take(pid, 3 << 30)
        subprocess.run([...], env=gpu.environment)     # the real pynvml loads the stand-in there

Only the standard library, so that a service under drill can steer it too: `attach(os.environ)`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = Path(__file__).with_name("nvml_standin.c")
STATE_VARIABLE: Final = "NVML_STANDIN_STATE"
MOST_DEVICES: Final = 16
MOST_PROCESSES: Final = 16
MOST_SLICES: Final = 7
GIB: Final = 1 << 30
MIB: Final = 1 << 20
NOT_TOLD: Final = (1 << 64) - 1
"""What a driver answers that does not tell how much a process holds."""

MEMORY, MEMORY_V2, PROCESSES, UTILISATION, TEMPERATURE, POWER, ECC, XID = (1 << bit for bit in range(8))
"""What a device may lack: parts of `Device.lacks`."""

DRIVER_NOT_LOADED: Final = 9
GPU_IS_LOST: Final = 15
VERSION_MISMATCH: Final = 18


class Process(ctypes.Structure):
    """A process that holds memory of a device."""

    _fields_ = (("used", ctypes.c_uint64), ("pid", ctypes.c_uint32), ("slice", ctypes.c_uint32))


class Slice(ctypes.Structure):
    """A MIG slice of a device; `id` is its GPU instance."""

    _fields_ = (
        ("total", ctypes.c_uint64),
        ("used", ctypes.c_uint64),
        ("id", ctypes.c_uint32),
        ("name", ctypes.c_char * 96),
        ("uuid", ctypes.c_char * 96),
    )


class Device(ctypes.Structure):
    """One card: what a test writes here is what NVML says next."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("total", "reserved", "elsewhere", "ecc_corrected", "ecc_uncorrected")),
        *((name, ctypes.c_uint32) for name in ("error", "lacks", "gpu_util", "memory_util", "temperature")),
        *((name, ctypes.c_uint32) for name in ("power_mw", "xid", "xids", "mig", "slice_count", "process_count")),
        ("name", ctypes.c_char * 96),
        ("uuid", ctypes.c_char * 96),
        ("bus_id", ctypes.c_char * 32),
        ("slices", Slice * MOST_SLICES),
        ("processes", Process * MOST_PROCESSES),
    )

    def take(self, pid: int, count: int, *, slice_id: int = 0) -> None:
        """From now on the process `pid` holds `count` bytes; 0 takes it off the list."""
        place = next((p for p in self.processes if p.pid in (pid, 0)), None)
        assert place is not None, "no room for another process"
        place.used, place.slice = count, slice_id
        place.pid = pid if count else 0
        self.process_count = MOST_PROCESSES

    def lose(self) -> None:
        """It falls off the bus."""
        self.error = GPU_IS_LOST

    def strike(self, xid: int) -> None:
        """An XID error."""
        self.xid = xid
        self.xids += 1

    def split(self, *sizes: int) -> None:
        """MIG: one slice for each of `sizes` bytes, with the GPU instances 1, 2 and so on."""
        self.mig, self.slice_count = 1, len(sizes)
        for i, size in enumerate(sizes):
            self.slices[i].total, self.slices[i].used, self.slices[i].id = size, 0, i + 1
            self.slices[i].name = self.name + f" MIG 1g.{size // GIB}gb".encode()
            self.slices[i].uuid = f"MIG-{i + 1:08x}-stand-in".encode()


class State(ctypes.Structure):
    """Everything that the library says."""

    _fields_ = (
        ("init_error", ctypes.c_uint32),
        ("device_count", ctypes.c_uint32),
        ("driver", ctypes.c_char * 80),
        ("nvml", ctypes.c_char * 80),
        ("devices", Device * MOST_DEVICES),
    )


class StandIn:
    """A library and its state, both in `folder`.

    Args:
        folder: holds or gets `libnvidia-ml.so.1` and `state`.
        devices: how many cards there are, of 8 GiB each.
    """

    def __init__(self, folder: Path, *, devices: int = 1) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        build(folder / "libnvidia-ml.so.1")
        (folder / "state").unlink(missing_ok=True)
        self.state = _mapped(folder / "state")
        self.state.driver, self.state.nvml = b"595.58.03", b"13.595.58"
        self.state.device_count = devices
        for index in range(devices):
            _furnish(self.state.devices[index], index)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that finds this library."""
        return {**os.environ, "LD_LIBRARY_PATH": str(self.folder), STATE_VARIABLE: str(self.folder / "state")}

    def device(self, index: int = 0) -> Any:
        """One of its cards."""
        return self.state.devices[index]


def attach(environment: Mapping[str, str]) -> State:
    """The state that `environment` names, as another process made it."""
    return _mapped(Path(environment[STATE_VARIABLE]))


def _mapped(path: Path) -> State:
    size = ctypes.sizeof(State)
    with path.open("a+b") as file:
        file.truncate(size)
        return State.from_buffer(mmap.mmap(file.fileno(), size))


def _furnish(device: Any, index: int) -> None:
    device.total, device.reserved, device.elsewhere = 8 * GIB, 256 * MIB, 64 * MIB
    device.gpu_util, device.memory_util, device.temperature, device.power_mw = 37, 12, 41, 71500
    device.name = b"Stand-in S8"
    device.uuid = f"GPU-{index:08x}-0000-0000-0000-00000000000{index:x}".encode()
    device.bus_id = f"00000000:{index + 1:02X}:00.0".encode()


def compiler() -> str | None:
    """The C compiler of this machine; None where there is none."""
    return shutil.which("cc") or shutil.which("gcc")


def build(library: Path) -> None:
    """Compile the stand-in to `library`.

    Raises:
        RuntimeError: with the compiler's words, when it does not compile.
    """
    command = [compiler() or "cc", "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-shared"]
    command += ["-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-o", str(library), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
