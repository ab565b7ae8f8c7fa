"""What a drill could read of this machine's NVIDIA cards, or why nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.meters.nvml import DeviceSilent, NvmlUnavailable, find_device, open_nvml
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.meters.nvml import NvmlDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that was looked at: the driver, or a card."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine_cards() -> list[Seen]:
    """The driver first, then every card with its MIG slices; one line with the reason where NVML cannot be used."""
    try:
        nvml = open_nvml()
    except NvmlUnavailable as e:
        hint = "only drills with target.gpu need a card"
        return [Seen(name="GPU", ok=False, detail=str(e), hint=hint)]
    try:
        versions = f"driver {nvml.nvmlSystemGetDriverVersion()}, NVML {nvml.nvmlSystemGetNVMLVersion()}"
        count = nvml.nvmlDeviceGetCount()
        driver = Seen(name="GPU", ok=count > 0, detail=f"{versions}, {count} {'card' if count == 1 else 'cards'}")
        return [driver, *(_card(nvml, index) for index in range(count))]
    finally:
        nvml.nvmlShutdown()


def _card(nvml: Any, index: int) -> Seen:
    try:
        device = find_device(nvml, index)
        slices = device.slices()
        detail = f"{device.identity.model}, {_memory(device)}{_told(device)}"
    except DeviceSilent as e:
        return Seen(name=f"GPU {index}", ok=False, detail=f"does not answer: {e}", hint="nvidia-smi and dmesg say more")
    if slices:
        detail += f"; MIG: {', '.join(f'{part.identity.profile} ({_memory(part)})' for part in slices)}"
    return Seen(name=f"GPU {index}", ok=True, detail=detail)


def _memory(device: NvmlDevice) -> str:
    fields = device.quick()
    if "total_bytes" not in fields:
        return "the driver does not tell its memory"
    return f"{show_size(fields['used_bytes'])} of {show_size(fields['total_bytes'])} in use"


def _told(device: NvmlDevice) -> str:
    """What the driver leaves out, since a check on it would be UNKNOWN."""
    return "" if device.processes() is not None else "; the driver does not list its processes"
