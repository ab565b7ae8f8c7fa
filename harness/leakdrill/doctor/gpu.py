"""Examines what a drill could read of this machine's NVIDIA GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.machine.finding import Finding
from leakdrill.meters.nvml import DeviceSilent, NvmlUnavailable, find_device, open_nvml
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.meters.nvml import NvmlDevice


def examine_gpus() -> list[Finding]:
    """Returns the driver, then every GPU with its MIG slices; one finding with the reason where NVML cannot be used."""
    try:
        nvml = open_nvml()
    except NvmlUnavailable as e:
        hint = "only drills with target.gpu need a GPU"
        return [Finding(name="GPU", ok=False, detail=str(e), hint=hint)]
    try:
        versions = f"driver {nvml.nvmlSystemGetDriverVersion()}, NVML {nvml.nvmlSystemGetNVMLVersion()}"
        count = nvml.nvmlDeviceGetCount()
        driver = Finding(name="GPU", ok=count > 0, detail=f"{versions}, {count} {'GPU' if count == 1 else 'GPUs'}")
        return [driver, *(_gpu(nvml, index) for index in range(count))]
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> Finding:
    try:
        device = find_device(nvml, index)
        slices = device.slices()
        detail = f"{device.identity.model}, {_memory(device)}{_unlisted_processes(device)}"
    except DeviceSilent as e:
        return Finding(
            name=f"GPU {index}", ok=False, detail=f"does not answer: {e}", hint="nvidia-smi and dmesg say more"
        )
    if slices:
        detail += f"; MIG: {', '.join(f'{part.identity.profile} ({_memory(part)})' for part in slices)}"
    return Finding(name=f"GPU {index}", ok=True, detail=detail)


def _memory(device: NvmlDevice) -> str:
    fields = device.quick()
    if "total_bytes" not in fields:
        return "the driver does not tell its memory"
    return f"{show_size(fields['used_bytes'])} of {show_size(fields['total_bytes'])} in use"


def _unlisted_processes(device: NvmlDevice) -> str:
    """Returns a remark when the driver lists no processes, since a check on them would be UNKNOWN."""
    return "" if device.processes() is not None else "; the driver does not list its processes"
