"""The owner of the GPUs' memory: the target, another process, or nobody that the driver lists.

NVML counts what a process holds with its CUDA context and every library in it; PyTorch counts what its allocator has
taken. The difference is told, not hidden: nothing that PyTorch does gives it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.checks.gpu import LONGEST_GAP_S, OWN, device_keys, gpu_claims, readings, show_part, watched
from leakdrill.judging.evidence.check import where
from leakdrill.judging.evidence.trouble import Trouble
from leakdrill.judging.evidence.windows import gaps
from leakdrill.record.events import GpuDevices, GpuProcess, TorchAllocator
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Number, Verdict
    from leakdrill.scenario.scenario import Scenario

TORCH_RESERVED: Final = "reserved_bytes.all.current"
_NEAR_S: Final = 1.0
"""A figure of PyTorch's counts for a reading of the GPU when it is no further away."""


def gpu_memory_is_the_targets_own(history: History, *, scenario: Scenario) -> Verdict:
    """Whether other processes held no more of the GPUs' memory than `target.gpu.others` allows.

    UNKNOWN when they did, with their names: what the alert saw, and what was missing for the service, was theirs too.
    """
    read = readings(history)
    attributable = [e for e in read if {"own_bytes", "others_bytes", "used_bytes"} <= set(_fields(e))]
    sharing, untold = sharing_troubles(history, scenario), _unknown_owners(history, attributable)
    troubles = [*sharing, *untold]
    peak = max(attributable, key=lambda e: _fields(e)["own_bytes"], default=None)
    if peak is None:
        return OWN.unknown(
            "whose the cards' memory is cannot be told: "
            + ("the driver does not say what each process holds" if read else "nothing was read of them"),
            hint="outside a container the driver tells; `target.gpu.others: 100%` does not ask",
        )
    numbers, gap = _split(history, peak)
    summary = f"of {show_size(_fields(peak)['used_bytes'])} in use at {show_duration(peak.t)}, {_shares(numbers)}{gap}"
    if troubles:
        return OWN.unknown(
            f"{'; '.join(one.text for one in troubles)}; {summary}",
            numbers=numbers,
            events=[peak.index, *(index for one in troubles for index in one.events)],
            hint="end that process, give the service a GPU of its own, or raise `target.gpu.others`"
            if sharing
            else "see the verdict gpu_answers_throughout",
        )
    return OWN.holds(summary, numbers=numbers, events=[peak.index])


def _unknown_owners(history: History, attributable: list[GpuDevices]) -> list[Trouble]:
    """Stretches in which the owner of the memory is not known."""
    return [
        Trouble(
            f"whose it was cannot be told for {show_duration(gap.length_s)} from {show_duration(gap.start_s)} on",
            gap.start_s,
            (),
        )
        for gap in gaps([e.t for e in attributable], watched(history), longest_s=LONGEST_GAP_S)
    ]


def sharing_troubles(history: History, scenario: Scenario) -> list[Trouble]:
    """Other processes, and memory without a process, that held more of a GPU than the scenario allows."""
    gpu, read = scenario.target.gpu, readings(history)
    if gpu is None or not read:
        return []
    return [
        trouble
        for key in device_keys(history)
        for trouble in (*_other_owners(history, read, key, gpu.others), *_nobodys(read, key, gpu.others))
    ]


def _other_owners(history: History, read: list[GpuDevices], key: str, allowed: float) -> Iterator[Trouble]:
    total = max((_fields(e).get(f"{key}.total_bytes", 0.0) for e in read), default=0.0)
    above = [e for e in read if _fields(e).get(f"{key}.others_bytes", 0.0) > allowed * total]
    if not above:
        return
    most = max(above, key=lambda e: _fields(e)[f"{key}.others_bytes"])
    held = _fields(most)[f"{key}.others_bytes"]
    yield Trouble(
        f"{_heaviest(history, most, key)}, which is not the target's, held {show_part(held, total)} of {key} "
        f"from {show_duration(above[0].t)} on; {show_share(allowed)} was allowed to others",
        above[0].t,
        (above[0].index, most.index),
    )


def _nobodys(read: list[GpuDevices], key: str, allowed: float) -> Iterator[Trouble]:
    """Memory that no listed process holds is the driver's own, unless it grows."""
    field = f"{key}.elsewhere_bytes"
    attributable = [e for e in read if field in _fields(e)]
    total = max((_fields(e).get(f"{key}.total_bytes", 0.0) for e in attributable), default=0.0)
    least = min((_fields(e)[field] for e in attributable), default=0.0)
    above = [e for e in attributable if _fields(e)[field] - least > allowed * total]
    if above:
        more = max(_fields(e)[field] for e in above) - least
        yield Trouble(
            f"{show_part(more, total)} of {key} went, from {show_duration(above[0].t)} on, to no process that the "
            f"driver lists; {show_share(allowed)} was allowed to others",
            above[0].t,
            (above[0].index,),
        )


def _heaviest(history: History, event: GpuDevices, key: str) -> str:
    """The processes that are not the target's, the one that holds most first."""
    known = {e.pid: e.program or "?" for e in history.of(GpuProcess) if e.device_key == key and e.pid}
    held = {pid: _fields(event).get(f"{key}.pid{pid}_bytes", 0.0) for pid in known}
    ordered = sorted((pid for pid in held if held[pid] > 0), key=lambda pid: -held[pid])
    if not ordered:
        return "a process without a name"
    more = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    return f"{known[ordered[0]]} (pid {ordered[0]}){more}"


def _split(history: History, peak: GpuDevices) -> tuple[dict[str, Number], str]:
    """The shares at `peak`, and what is said of the part that PyTorch knows nothing of."""
    fields = _fields(peak)
    numbers: dict[str, Number] = {name: fields[name] for name in ("used_bytes", "own_bytes", "others_bytes")}
    numbers["elsewhere_bytes"] = max(0.0, fields["used_bytes"] - fields["own_bytes"] - fields["others_bytes"])
    reserved = _reserved_near(history, peak.t)
    if reserved is None:
        return numbers, ""
    gap = fields["own_bytes"] - reserved
    numbers |= {"torch_reserved_bytes": reserved, "outside_torch_bytes": gap}
    if gap < 0:
        return numbers, f"; PyTorch says that it has reserved {show_size(reserved)}, more than the driver sees"
    return numbers, (
        f"; PyTorch had reserved {show_size(reserved)} of the target's, the other {show_size(gap)} are its CUDA "
        "context and other libraries"
    )


def _reserved_near(history: History, at_s: float) -> float | None:
    series = history.series(TorchAllocator, TORCH_RESERVED).between(at_s - _NEAR_S, at_s + _NEAR_S)
    return float(series.values[int(np.argmin(np.abs(series.t - at_s)))]) if len(series) else None


def _shares(numbers: Mapping[str, Number]) -> str:
    own, others, rest = (show_size(float(numbers[f"{name}_bytes"] or 0)) for name in ("own", "others", "elsewhere"))
    return f"{own} were the target's, {others} other processes' and {rest} no process's"


def _fields(event: GpuDevices) -> dict[str, float]:
    return event.values


GPU_IS_OWN: Final = where(
    lambda history, scenario: OWN in gpu_claims(history, scenario),
    OWN.check,
    "No other process held more of the GPUs' memory than the scenario allows.",
    gpu_memory_is_the_targets_own,
)
