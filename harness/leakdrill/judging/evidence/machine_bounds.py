"""Whether the processes of the target used no more memory and CPU than the machine of the run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span
from leakdrill.record.events import CgroupResources, ProcessSmaps, ProcessTree
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

_HELD: Final[tuple[tuple[type[Reading], str], ...]] = (
    (CgroupResources, "usage_bytes"),
    (CgroupResources, "anon_bytes"),
    (ProcessSmaps, "pss_bytes"),
    (ProcessSmaps, "anon_bytes"),
)
_MORE: Final = 1.1
_APART_S: Final = 1.0
_PERIODS_AT_ONCE: Final = 20
_AT_ONCE_S: Final = 0.5
"""A reading may stand still for so long on a busy machine before it is written down."""


def machine_doubts(history: History, scenario: Scenario, machine: Mapping[str, str | int]) -> Iterator[Doubt]:
    """Readings beyond the machine, as `run.json` describes it; a target that is no process may run on another.

    Args:
        history: the record.
        scenario: says where the target runs.
        machine: `memory_bytes` and `cpus` of it count, where they are there.
    """
    memory_bytes, cpus = machine.get("memory_bytes"), machine.get("cpus")
    if is_sealed(history) and not (isinstance(memory_bytes, int) and isinstance(cpus, int)):
        yield Doubt("run.json does not describe the machine", (), HOST_RESOURCES)
    yield from _time_cut_out(history, scenario)
    if not scenario.target.runs_here:
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
        yield from _at_once(series, float(cpus or 0), f"{event_class.source}/{event_class.event_name}")


def _time_cut_out(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Many more accounting periods between two readings than passed at the usual rate."""
    periods = history.series(CgroupResources, "periods")
    if not is_sealed(history) or len(periods) < 2:  # noqa: PLR2004 - a difference needs two
        return
    rose, took_s, unsettled = np.diff(periods.values), np.diff(periods.t), changing(history, scenario)
    rate = max(1.0, float(periods.values[-1] - periods.values[0])) / max(1e-3, float(periods.t[-1] - periods.t[0]))
    for place in np.flatnonzero(rose > _PERIODS_AT_ONCE + 3 * rate * took_s).tolist():
        between = Span(float(periods.t[place]), float(periods.t[place + 1]))
        if not any(span.overlaps(between) for span in unsettled):
            text = f"{rose[place]:.0f} accounting periods passed in {show_duration(between.length_s)}"
            where = f"before {show_duration(between.end_s)}: time is missing there"
            yield Doubt(f"{text} {where}", periods.indices[place : place + 2], HOST_RESOURCES)
            return


def _at_once(series: Series, cpus: float, meter: str) -> Iterator[Doubt]:
    """More CPU time between two readings than there was: time was cut out between them."""
    used, took_s = np.diff(series.values), np.diff(series.t)
    beyond = np.flatnonzero(used > _MORE * cpus * took_s + _AT_ONCE_S).tolist()
    if beyond:
        text = f"{meter} read {used[beyond[0]]:.1f} s more of CPU after {show_duration(float(took_s[beyond[0]]))}"
        when = show_duration(float(series.t[beyond[0] + 1]))
        yield Doubt(f"{text} at {when}: time is missing in between", (series.indices[beyond[0] + 1],), HOST_RESOURCES)
