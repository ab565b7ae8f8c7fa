"""Whether every meter was read as often as it is: all of them thinned alike miss nothing beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.possible_values import ABOUT
from leakdrill.judging.evidence.readings import reading_times
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span, outside, watched_until_s
from leakdrill.record.events import CgroupResources, ProcessSmaps, ProcessTree
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_PER_S: Final[tuple[tuple[type[Reading], float], ...]] = (
    (CgroupResources, 10.0),
    (ProcessTree, 10.0),
    (ProcessSmaps, 1.0),
)
_LEAST_SHARE: Final = 0.55
_LEAST_S: Final = 5.0
_MOST_PROCESSES: Final = 20
"""More processes may take longer to read than the time between two readings."""


def rate_of_meters_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Meters that were read much less often than they are, in the baseline, under load, or afterwards."""
    processes = history.series(ProcessTree, "processes").values
    if not is_sealed(history) or not len(processes) or processes.max() > _MOST_PROCESSES:
        return
    unsettled = changing(history, scenario)
    for event_class, per_s in _PER_S:
        times = reading_times(history, event_class)
        for name in ("baseline", "load", "recover") if len(times) else ():
            bounds = history.phase(name)
            if bounds is None:
                continue
            parts = outside(Span(bounds[0], min(bounds[1], watched_until_s(history))), unsettled)
            length_s = sum(part.length_s for part in parts)
            count = sum(int(((times >= part.start_s) & (times <= part.end_s)).sum()) for part in parts)
            if length_s >= _LEAST_S and count < _LEAST_SHARE * per_s * length_s:
                meter = f"{event_class.source}/{event_class.event_name}"
                text = (
                    f"{meter} was read {count / length_s:.1f} times a second in `{name}`; it is read "
                    f"{show_count(per_s, 'time')}"
                )
                yield Doubt(text, (), ABOUT[event_class], is_silence=True)
                break
