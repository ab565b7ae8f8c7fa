"""Cards as production publishes them, under the names of three exporters, and the pair that the documents use.

The exporters are NVIDIA's for DCGM, and two that read nvidia-smi and NVML.

Names, types and units are those of the counters file of NVIDIA's dcgm-exporter and of DCGM's field identifiers: memory
in MiB, power in watts. `DCGM_FI_DEV_FB_USED` is without what the driver reserves, so used, free and reserved add up to
the total. `gpu_memory_used_bytes` is all that cannot be allocated any more, reserved memory with it: the alert on it
asks whether the next allocation fails.

A value is published for as long as it is fresh, each on its own: what is dear to read is read less often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import Metric

from leakdrill.alerting.clock import SYSTEM_CLOCK
from leakdrill.record.events import GpuDevice, GpuDevices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.alerting.clock import Clock
    from leakdrill.record.history import Event

_MIB: Final = 1024.0**2
_SERIES: Final = (
    ("DCGM_FI_DEV_FB_USED", "used_bytes", _MIB, "Framebuffer memory used, in MiB."),
    ("DCGM_FI_DEV_FB_FREE", "free_bytes", _MIB, "Framebuffer memory free, in MiB."),
    ("DCGM_FI_DEV_FB_RESERVED", "reserved_bytes", _MIB, "Framebuffer memory reserved, in MiB."),
    ("DCGM_FI_DEV_FB_TOTAL", "total_bytes", _MIB, "Framebuffer memory, in MiB."),
    ("DCGM_FI_DEV_GPU_UTIL", "gpu_util_percent", 1.0, "GPU utilization, in percent."),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "memory_util_percent", 1.0, "Memory utilization, in percent."),
    ("DCGM_FI_DEV_GPU_TEMP", "temperature_celsius", 1.0, "GPU temperature, in degrees Celsius."),
    ("DCGM_FI_DEV_POWER_USAGE", "power_watts", 1.0, "Power draw, in watts."),
    ("DCGM_FI_DEV_XID_ERRORS", "xid", 1.0, "The last XID error; 0 when there was none."),
    ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "ecc_corrected", 1.0, "Single-bit ECC errors since the driver was loaded."),
    ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "ecc_uncorrected", 1.0, "Double-bit ECC errors since the driver was loaded."),
)
GPU_FIELDS: Final = tuple(field for _, field, _, _ in _SERIES)
"""What of a card's readings is published."""
_SMI: Final = (
    ("nvidia_smi_memory_used_bytes", "used_bytes", 1.0, "Memory used."),
    ("nvidia_smi_memory_free_bytes", "free_bytes", 1.0, "Memory free."),
    ("nvidia_smi_memory_reserved_bytes", "reserved_bytes", 1.0, "Memory that the driver reserves."),
    ("nvidia_smi_memory_total_bytes", "total_bytes", 1.0, "Memory of the card."),
    ("nvidia_smi_utilization_gpu_ratio", "gpu_util_percent", 100.0, "Utilization of the card, 0 to 1."),
    ("nvidia_smi_utilization_memory_ratio", "memory_util_percent", 100.0, "Utilization of its memory, 0 to 1."),
    ("nvidia_smi_temperature_gpu", "temperature_celsius", 1.0, "Temperature, in degrees Celsius."),
    ("nvidia_smi_power_draw_watts", "power_watts", 1.0, "Power draw, in watts."),
)
"""As nvidia_gpu_exporter has them, which reads nvidia-smi."""
_NVML: Final = (
    ("nvidia_gpu_memory_used_bytes", "used_bytes", 1.0, "Memory used."),
    ("nvidia_gpu_memory_total_bytes", "total_bytes", 1.0, "Memory of the card."),
    ("nvidia_gpu_duty_cycle", "gpu_util_percent", 1.0, "Utilization of the card, in percent."),
    ("nvidia_gpu_temperature_celsius", "temperature_celsius", 1.0, "Temperature, in degrees Celsius."),
    ("nvidia_gpu_power_usage_milliwatts", "power_watts", 0.001, "Power draw, in milliwatts."),
)
"""As nvidia_gpu_prometheus_exporter has them, which reads NVML."""
_LABELS: Final = ("gpu", "UUID", "pci_bus_id", "device", "modelName", "GPU_I_PROFILE", "GPU_I_ID", "Hostname")


class GpuSeries:
    """Turns the meter's readings into series.

    Args:
        stale_after_s: how long a reading is published.
        labels: of the target; the documents' pair carries them beside `gpu` and `UUID`.
        clock: by which readings grow old.
    """

    def __init__(self, *, stale_after_s: float, labels: Mapping[str, str], clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._labels = dict(labels)
        self._devices: dict[str, dict[str, str]] = {}
        self._newest: dict[tuple[str, str], tuple[float, float]] = {}

    def note(self, event: Event) -> None:
        """Hear of everything that is recorded."""
        if GpuDevice.matches(event):
            self._devices[event.labels["device_key"]] = {n: event.labels[n] for n in _LABELS if n in event.labels}
        reading = GpuDevices.read(event)
        if reading is not None:
            now = self._clock.monotonic()
            for field, value in reading.others.items():
                key, _, name = field.rpartition(".")
                self._newest[key, name] = (now, value)

    def collect(self) -> Iterator[Metric]:
        """The series of what was read lately."""
        now = self._clock.monotonic()
        fresh = {at: value for at, (t, value) in tuple(self._newest.items()) if now - t <= self._stale_after_s}
        for name, field, unit, text in _SERIES:
            values = {key: value / unit for (key, f), value in fresh.items() if f == field}
            yield from self._family(name, text, {key: (self._devices.get(key, {}), v) for key, v in values.items()})
        for rows, own in ((_SMI, _smi_labels), (_NVML, _nvml_labels)):
            for name, field, unit, text in rows:
                cards = {key: value for (key, f), value in fresh.items() if f == field and "/" not in key}
                told = {key: (own(self._devices.get(key, {})), value / unit) for key, value in cards.items()}
                yield from self._family(name, text, told)
        total = {key: value for (key, f), value in fresh.items() if f == "total_bytes"}
        taken = {key: total[key] - value for (key, f), value in fresh.items() if f == "free_bytes" and key in total}
        yield from self._documented("gpu_memory_used_bytes", "Memory of the device that is taken.", taken)
        yield from self._documented("gpu_memory_total_bytes", "Memory of the device.", total)

    def _documented(self, name: str, text: str, values: Mapping[str, float]) -> Iterator[Metric]:
        few = ("gpu", "UUID", "GPU_I_ID")
        known = {key: {n: text for n, text in self._devices.get(key, {}).items() if n in few} for key in values}
        return self._family(name, text, {key: ({**self._labels, **known[key]}, v) for key, v in values.items()})

    @staticmethod
    def _family(name: str, text: str, rows: Mapping[str, tuple[dict[str, str], float]]) -> Iterator[Metric]:
        """One series a device. Counts are gauges too: the library would rename a counter that ends in _TOTAL."""
        if not rows:
            return
        family = Metric(name, text, "gauge")
        for labels, value in rows.values():
            family.add_sample(name, labels, value)
        yield family


def _smi_labels(device: Mapping[str, str]) -> dict[str, str]:
    """Those of nvidia_gpu_exporter: the UUID without what NVML puts before it."""
    return {"uuid": device["UUID"].removeprefix("GPU-").lower()} if "UUID" in device else {}


def _nvml_labels(device: Mapping[str, str]) -> dict[str, str]:
    """Those of nvidia_gpu_prometheus_exporter."""
    minor = {"minor_number": device["device"].removeprefix("nvidia")} if "device" in device else {}
    names = {"uuid": "UUID", "name": "modelName"}
    return minor | {name: device[label] for name, label in names.items() if label in device}
