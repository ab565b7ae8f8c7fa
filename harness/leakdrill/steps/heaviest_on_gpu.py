"""The process that holds most of the GPUs' memory: what an operator reads from `nvidia-smi` before ending it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.meters.gpu_processes import exists, program, sees_all_processes
from leakdrill.meters.nvml import DeviceSilent, NvmlUnavailable, find_device, open_nvml
from leakdrill.steps.failure import StepFailed
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def held_on(gpus: Sequence[int | str]) -> dict[int, float]:
    """Bytes of the memory of `gpus` by process, as NVML says.

    Raises:
        StepFailed: when there is no GPU to ask, it does not answer, or it does not say.
    """
    if not gpus:
        raise StepFailed("no GPU is named; expected target.gpu for a step with by: gpu_memory")
    try:
        nvml = open_nvml()
    except NvmlUnavailable as e:
        raise StepFailed(str(e)) from e
    try:
        listed = [find_device(nvml, gpu).processes() for gpu in gpus]
    except (NvmlUnavailable, DeviceSilent) as e:
        raise StepFailed(f"NVML does not tell which processes hold memory of the GPUs: {e}") from e
    finally:
        nvml.nvmlShutdown()
    return _summed(listed)


def _summed(listed: Sequence[Mapping[int, float | None] | None]) -> dict[int, float]:
    held: dict[int, float] = {}
    for processes in listed:
        if processes is None or None in processes.values():
            raise StepFailed("NVML does not tell how much each process holds of the GPUs")
        for pid, count in processes.items():
            held[pid] = held.get(pid, 0.0) + (count or 0.0)
    if not held:
        raise StepFailed("NVML names no process that holds memory of the GPUs")
    if not sees_all_processes() and not all(exists(pid) for pid in held):
        raise StepFailed("NVML names processes that cannot be seen from here: its numbers are another PID namespace's")
    return held


def heaviest(held: Mapping[int, float], own: Collection[int]) -> int:
    """The number of the process that holds most of the GPUs' memory.

    Raises:
        StepFailed: when that is none of `own`: another tenant's process is never ended by a drill.
    """
    most = max(held, key=lambda pid: held[pid])
    if most not in own:
        raise StepFailed(
            f"{program(most)} (pid {most}) holds most of the GPUs' memory, {show_size(held[most])}, "
            "and is not the target's: it was left alone"
        )
    return most
