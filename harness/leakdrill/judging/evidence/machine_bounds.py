"""Whether the processes of the target used no more memory and CPU than the machine of the run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, Doubt
from leakdrill.record.events import CgroupResources, ProcessSmaps, ProcessTree
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_HELD: Final[tuple[tuple[type[Reading], str], ...]] = (
    (CgroupResources, "usage_bytes"),
    (CgroupResources, "anon_bytes"),
    (ProcessSmaps, "pss_bytes"),
    (ProcessSmaps, "anon_bytes"),
)
_MORE: Final = 1.1
_APART_S: Final = 1.0


def machine_doubts(history: History, scenario: Scenario, machine: Mapping[str, str | int]) -> Iterator[Doubt]:
    """Readings beyond the machine, as `run.json` describes it; a target that is no process may run on another.

    Args:
        history: the record.
        scenario: says where the target runs.
        machine: `memory_bytes` and `cpus` of it count, where they are there.
    """
    memory_bytes, cpus = machine.get("memory_bytes"), machine.get("cpus")
    if scenario.target.kind != "process":
        return
    for event_class, name in _HELD if isinstance(memory_bytes, int) else ():
        series = history.series(event_class, name)
        beyond = np.flatnonzero(series.values > float(memory_bytes or 0)).tolist()
        if beyond:
            text = (
                f"{event_class.source}/{event_class.event_name} read {show_size(float(series.values[beyond[0]]))} of "
                f"{name} at {show_duration(float(series.t[beyond[0]]))}, and the machine has "
                f"{show_size(float(memory_bytes or 0))}"
            )
            yield Doubt(text, (series.indices[beyond[0]],), HOST_RESOURCES)
    for event_class in (CgroupResources, ProcessTree) if isinstance(cpus, int) else ():
        series = history.series(event_class, "cpu_seconds")
        if len(series) < 2:  # noqa: PLR2004 - a difference needs two
            continue
        used, took_s = float(series.values[-1] - series.values[0]), float(series.t[-1] - series.t[0])
        if used > _MORE * float(cpus or 0) * took_s + _APART_S:
            text = f"{event_class.source}/{event_class.event_name} read {used:.1f} s of CPU in {show_duration(took_s)}"
            yield Doubt(f"{text}, and the machine has {cpus} CPUs", series.indices[-1:], HOST_RESOURCES)
