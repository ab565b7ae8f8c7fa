"""Whether the slots of one build under one corpus agree with the load, with the machine, and with one another. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.meter_scale import FILES, Witness, Witnesses, one_factor
from leakdrill.judging.evidence.readings import Numbers
from leakdrill.judging.evidence.request_counts import rate_doubts, report_doubts, user_doubts
from leakdrill.judging.leak.gate_slots import EVERY_SLOT_HAS
from leakdrill.judging.leak.slots import COLUMNS, slot_events
from leakdrill.record.events import GateEnd, GateRequestsByName, LoadErrors, LoadRequests, TargetReady
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.record.events import GateSlot
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_FEW: Final = 20.0
_SHARE: Final = 0.02
_LATE_S: Final = 4.0
"""How late Locust's report of each second may come."""
_APART_S: Final = 2.0
_APART_SHARE: Final = 0.05
_APART_BYTES: Final = 16 << 20
_SHORTER: Final = 0.9
_PER_REQUEST_S: Final = 1e-5
"""The least CPU time of a request: what takes less does not answer."""
_MANY: Final = 1000.0
_MOST: Final = 1.1
_PARTS: Final = (("uss_bytes", "pss_bytes"), ("pss_bytes", "rss_after_bytes"), ("anon_bytes", "rss_after_bytes"))

_TASK: Final = "task"


def slot_doubts(
    history: History, scenario: Scenario, machine: Mapping[str, str | int], build: str, corpus: str
) -> Iterator[Doubt]:
    """What in the slots of `build` under `corpus`, and in the reports of their load, cannot be."""
    slots = slot_events(history, build=build, corpus=corpus)
    if len(slots) < 2 or any(name not in slot.values for slot in slots for name in EVERY_SLOT_HAS):  # noqa: PLR2004 - what is here compares two
        return
    yield from _members(history, scenario, slots)
    yield from _fields(slots)
    yield from _parts(slots)
    yield from _scaled(slots)
    yield from _time(slots)
    yield from _length(scenario, slots, corpus)
    yield from _cpu(slots, machine)
    yield from _by_name(history, slots, build, corpus)
    reports = [e for e in history.of(LoadRequests) if e.values and (e.build, e.corpus) == (build, corpus)]
    yield from _load(history, slots, reports, build, corpus)


def _members(history: History, scenario: Scenario, slots: Sequence[GateSlot]) -> Iterator[Doubt]:
    for slot in slots:
        members = slot.members.split(",")
        if len(members) != slot.processes:
            text = (
                f"{show_count(len(members), 'process is', 'processes are')} named and "
                f"{slot.values['processes']:.0f} counted"
            )
            yield Doubt(f"{text} at {show_duration(slot.t)}", (slot.index,))
            return
    told = history.of(TargetReady)
    ready = {f"{event.process:.0f}" for event in told if event.process}
    if (
        scenario.target.kind == "process"
        and told
        and not ready & {m.split("@")[0] for m in slots[0].members.split(",")}
    ):
        yield Doubt("what was measured is not the process that was started", (slots[0].index,))


def _fields(slots: Sequence[GateSlot]) -> Iterator[Doubt]:
    """A figure of the agent that some slots have and others lack, though it spoke in them."""
    agents = [name for name in COLUMNS if not name.endswith("_bytes") or name in ("live_bytes", "uordblks_bytes")]
    spoke = [slot for slot in slots if any(name in slot.values for name in agents)]
    counts = Counter(name for slot in spoke for name in slot.values)
    for name in agents:
        if 0 < counts[name] < len(spoke):
            yield Doubt(f"{len(spoke) - counts[name]} of {len(spoke)} slots lack {name}", (spoke[0].index,))
            return
    if spoke and "live_bytes" not in counts:
        yield Doubt("the agent spoke, and no slot has its live_bytes", (spoke[0].index,))


def _parts(slots: Sequence[GateSlot]) -> Iterator[Doubt]:
    """Parts that are more than their whole, and two meters of one process that drift apart."""
    for slot in slots:
        if not slot.fds:
            yield Doubt(f"a service that serves had no open file at {show_duration(slot.t)}", (slot.index,))
            return
        for part, whole in _PARTS:
            size, most = slot.values[part], slot.values[whole]
            if size > most * (1 + _APART_SHARE) + _APART_BYTES:
                text = f"{part} was {show_size(size)} and {whole} {show_size(most)} at {show_duration(slot.t)}"
                yield Doubt(text, (slot.index,))
                return
    if {slot.processes for slot in slots} != {1.0}:
        return
    for less, more in (("pss_bytes", "rss_after_bytes"), ("uss_bytes", "pss_bytes")):
        shared = [slot.values[more] - slot.values[less] for slot in slots]
        if max(shared) - min(shared) > _APART_BYTES + _APART_SHARE * max(slot.values[more] for slot in slots):
            text = f"between {less} and {more} lay {show_size(min(shared))} to {show_size(max(shared))}"
            yield Doubt(f"{text}, and nobody shared what changed", (slots[0].index, slots[-1].index))


def _scaled(slots: Sequence[GateSlot]) -> Iterator[Doubt]:
    """A slot from which on every meter tells another share of what it told before."""
    t, indices = np.array([slot.t for slot in slots]), tuple(slot.index for slot in slots)
    rss, anon, pss, uss = (
        np.array([slot.values.get(name, np.nan) for slot in slots])
        for name in ("rss_after_bytes", "anon_bytes", "pss_bytes", "uss_bytes")
    )

    def part(what: str, values: np.typing.NDArray[np.float64]) -> Witness:
        return Witness(what, t, values, indices, count=2)

    others = [part("anonymous memory", anon), part("what is shared with others", pss - uss)]
    yield from one_factor(Witnesses(part(FILES, rss - anon), None, others, ()))


def _time(slots: Sequence[GateSlot]) -> Iterator[Doubt]:
    """Time that passed by one clock and not by the other, and pauses that are none."""
    first, last = slots[0], slots[-1]
    passed_s, loaded_s = last.t - first.t, last.values["load_s"] - first.values["load_s"]
    if abs(passed_s - loaded_s) > _APART_S + _APART_SHARE * passed_s:
        text = f"{passed_s:.1f} s passed between the first slot and the last, and {loaded_s:.1f} s by the load's clock"
        yield Doubt(text, (first.index, last.index))
    for before, after in pairwise(slots):
        rest_s = after.values["rest_s"]
        if not 0 < rest_s <= after.t - before.t + _APART_S:
            text = f"the pause of the slot at {show_duration(after.t)} lasted {rest_s:g} s"
            yield Doubt(text, (before.index, after.index))
            return


def _length(scenario: Scenario, slots: Sequence[GateSlot], corpus: str) -> Iterator[Doubt]:
    """Slots that are shorter than was asked for; those of a closed corpus are as long as its passes."""
    planned_s = scenario.gate.slot
    for before, after in pairwise(slots):
        if corpus == "open" and after.t - before.t < _SHORTER * planned_s:
            text = f"the slot at {show_duration(after.t)} lasted {show_duration(after.t - before.t)}"
            yield Doubt(f"{text}; the scenario asks for {show_duration(planned_s)}", (before.index, after.index))
            return


def _cpu(slots: Sequence[GateSlot], machine: Mapping[str, str | int]) -> Iterator[Doubt]:
    first, last = slots[0], slots[-1]
    used_s = last.values["cpu_seconds"] - first.values["cpu_seconds"]
    made, passed_s = last.values["requests"] - first.values["requests"], last.t - first.t
    events = (first.index, last.index)
    if any(after.values["cpu_seconds"] < before.values["cpu_seconds"] for before, after in pairwise(slots)):
        yield Doubt("the CPU time of the service falls between two slots", events)
    elif made >= _MANY and used_s < made * _PER_REQUEST_S:
        yield Doubt(f"what was read used {used_s:.3g} s of CPU for {show_count(made, 'request')}", events)
    cpus = machine.get("cpus")
    if isinstance(cpus, int) and cpus and used_s > _MOST * cpus * passed_s + _APART_S:
        yield Doubt(f"what was read used {used_s:.0f} s of CPU in {passed_s:.0f} s, on {cpus} CPUs", events)


def _by_name(history: History, slots: Sequence[GateSlot], build: str, corpus: str) -> Iterator[Doubt]:
    """The requests of each slot by their names, which are as many as those in sum."""
    told = [event for event in history.of(GateRequestsByName) if (event.build, event.corpus) == (build, corpus)]
    if len(told) != len(slots):
        text = (
            f"the requests by their names were told {show_count(len(told), 'time')} in {show_count(len(slots), 'slot')}"
        )
        yield Doubt(text, tuple(event.index for event in told))
        return
    for slot, event in zip(slots, told, strict=True):
        named, made = sum((event.requests or {}).values()), slot.values["requests"]
        if abs(named - made) > _FEW + _SHARE * made:
            text = (
                f"{show_count(made, 'request was', 'requests were')} made by "
                f"{show_duration(slot.t)}, and {named:.0f} by their names"
            )
            yield Doubt(text, (slot.index, event.index))
            return


def _load(
    history: History, slots: Sequence[GateSlot], reports: Sequence[LoadRequests], build: str, corpus: str
) -> Iterator[Doubt]:
    """The reports of the load: throughout, in agreement with themselves, and with the slots."""
    ends = [end.t for end in history.of(GateEnd) if (end.build, end.corpus) == (build, corpus)]
    during = [report for report in reports if report.t <= (ends[-1] if ends else slots[-1].t)]
    for before, after in pairwise(during):
        rests = (slot.values["rest_s"] for slot in slots if before.t <= slot.t <= after.t + _LATE_S)
        rested_s = max(rests, default=0.0)
        if after.t - before.t > _LATE_S + rested_s:
            text = f"Locust reported nothing from {show_duration(before.t)} to {show_duration(after.t)}"
            yield Doubt(text, (before.index, after.index))
            break
    numbers = [Numbers(report.index, report.t, report.values) for report in during]
    yield from report_doubts(numbers)
    yield from rate_doubts(numbers)
    yield from user_doubts(numbers, 1)
    yield from _counted(slots, reports)
    yield from _errors(history, reports)


def _counted(slots: Sequence[GateSlot], reports: Sequence[LoadRequests]) -> Iterator[Doubt]:
    """Requests of a slot that are less than Locust had reported long before, or more than it did long after."""
    told = [(report.t, report.completed) for report in reports if report.completed is not None]
    for slot in slots:
        made = slot.values["requests"]
        before = [0.0, *(completed for t, completed in told if t <= slot.t - 1)][-1]
        late = [completed for t, completed in told if t >= slot.t + _LATE_S] or [count for _, count in told[-1:]]
        slack = _FEW + _SHARE * made
        if late and not before - slack <= made <= late[0] + slack:
            text = f"{show_count(made, 'request was', 'requests were')} made by {show_duration(slot.t)}"
            yield Doubt(
                f"{text}, and Locust told of {before:.0f} before and {late[0]:.0f} after",
                (slot.index,),
            )
            return


def _errors(history: History, reports: Sequence[LoadRequests]) -> Iterator[Doubt]:
    """More errors by their kinds than failures in sum; all builds report to one record."""
    kinds: dict[tuple[str, str, str], float] = {}
    for event in history.of(LoadErrors):
        if event.method == _TASK:  # what a task raised is no failed request
            continue
        key = (event.method, event.request, event.error)
        kinds[key] = max(kinds.get(key, 0.0), event.count or 0.0)
    every = history.of(LoadRequests)
    told, failed = sum(kinds.values()), max((report.failures or 0.0 for report in every), default=0.0)
    loads = 2 * len({report.corpus for report in every})
    if reports and told > len(kinds) + _FEW + (1 + _SHARE) * failed * loads:
        text = f"Locust counted {failed:.0f} failures at most, and {told:.0f} by their error"
        yield Doubt(text, (reports[-1].index,))
