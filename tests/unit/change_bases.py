"""Good records that the cases of `kept_changes.jsonl` begin with, and who looks at what becomes of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import test_gate_run
import test_load_spread
import test_watch_checks
from histories import MIB, Record, complete, flat, plan, twin, twin_plan
from record_changes import changed
from stored_runs import as_sealed
from test_doubts import as_verdict, good
from test_kubelet_series import on_the_kubelet
from test_leak_verdict import FLAT, NOISE, REQUESTS, T
from test_varied_recordings import sealed_command
from test_varied_records import MACHINE, thin, thinned

from leakdrill.judging.drill import CHECKS, judge
from leakdrill.judging.evidence.agreement import agreement_doubts
from leakdrill.judging.evidence.alert_record import alert_doubts
from leakdrill.judging.evidence.check import judge_all
from leakdrill.judging.evidence.in_doubt import found_doubts
from leakdrill.judging.evidence.lives import life_doubts
from leakdrill.judging.evidence.machine_bounds import machine_doubts
from leakdrill.judging.evidence.meter_presence import presence_doubts
from leakdrill.judging.evidence.meter_rates import rate_of_meters_doubts
from leakdrill.judging.evidence.possible_values import value_doubts
from leakdrill.judging.evidence.record_order import order_doubts
from leakdrill.judging.evidence.repeated_readings import repeated_readings
from leakdrill.judging.evidence.replaced_service import replaced_service
from leakdrill.judging.evidence.replica_readings import replica_doubts
from leakdrill.judging.evidence.request_counts import request_doubts
from leakdrill.judging.evidence.target_acts import act_doubts
from leakdrill.judging.evidence.whole_pages import page_doubts
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_doubts import gate_doubts
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.slot_doubts import slot_doubts
from leakdrill.judging.leak.trace import Trace
from leakdrill.judging.matrix_cell import judge_cell
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.watch_doubts import watch_doubts
from leakdrill.record.event import Event
from leakdrill.record.events import PodResources, RecordCovers, ReplicaResources
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.judging.evidence.doubt import Doubt
    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.history import History

    Look = Callable[[History, Any], list[Verdict]]


@dataclass(frozen=True)
class Base:
    """A kind of good record, and what may be asked of it.

    Attributes:
        events: makes its events.
        planned: makes the plan that it is judged by, with some keys changed.
        looks: who may look at it, by name.
        phased: whether the phase of a line follows from its time.
    """

    events: Callable[[], Sequence[Event]]
    planned: Callable[[Mapping[str, Any]], Any]
    looks: Mapping[str, Look]
    phased: bool = True


def verdicts(case: Mapping[str, Any], look: str) -> list[Verdict]:
    """What one who looks says of the record of a case."""
    base = BASES[case["base"]]
    history = changed(made(case["base"]), case["changes"], phased=base.phased)
    return base.looks[look](history, base.planned(case.get("plan", {})))


@cache
def made(base: str) -> tuple[Event, ...]:
    """The events of a base, in order."""
    return tuple(BASES[base].events())


def _doubts(search: Callable[[History, Any], Any], history: History, scenario: Any) -> list[Verdict]:
    found: list[Doubt] = found_doubts(partial(search, history, scenario))
    return [as_verdict(doubt) for doubt in found]


def _checked(group: Any, history: History, scenario: Scenario) -> list[Verdict]:
    with np.errstate(all="ignore"):
        return judge_all([group], history, scenario)


def _cell(history: History, scenario: Scenario) -> list[Verdict]:
    if len(scenario.leaks) != 1 or len(scenario.steps) != 1:
        return []  # it is no cell of a matrix
    finding = judge_cell(history, scenario)
    return [Verdict(check="cell", subject="", outcome=Outcome.UNKNOWN, message=str(finding.as_dict()))]


_SEARCHES: Final[tuple[Callable[[History, Any], Any], ...]] = (
    order_doubts, value_doubts, life_doubts, act_doubts, replaced_service, presence_doubts, rate_of_meters_doubts,
    replica_doubts, repeated_readings, agreement_doubts, request_doubts, alert_doubts,
)  # fmt: skip
_DRILLS: Final[Mapping[str, Look]] = {
    **{search.__name__: partial(_doubts, search) for search in _SEARCHES},
    "machine_doubts": partial(_doubts, partial(machine_doubts, machine=MACHINE)),
    "page_doubts": partial(_doubts, lambda history, _scenario: page_doubts(history)),
    **{next(iter(group[0].claims)): partial(_checked, group) for group in CHECKS},
    "cell": _cell,
    "all": lambda history, scenario: judge(history, scenario, MACHINE),
}
_GATES: Final[Mapping[str, Look]] = {
    "gate": lambda history, scenario: judge_gate(history, scenario, None, MACHINE),
    "gate_doubts": partial(_doubts, lambda h, s: gate_doubts(h, s, MACHINE, ["candidate"])),
    "slot_doubts": partial(_doubts, lambda h, s: slot_doubts(h, s, MACHINE, "candidate", "open")),
}
_WATCHES: Final[Mapping[str, Look]] = {"watch": judge_watch, "watch_doubts": partial(_doubts, watch_doubts)}


def _drill_plan(changes: Mapping[str, Any]) -> Scenario:
    return plan(**{"expect": {"step_errors": "10%"}} | changes)


def _twin_plan(changes: Mapping[str, Any]) -> Scenario:
    return Scenario.model_validate(twin_plan().model_dump() | changes)


def _sealed() -> Sequence[Event]:
    record = as_sealed(on_the_kubelet(good()), plan())
    for event in [e for e in record.events if (e.source, e.name) == ("process", "tree")]:
        values = event.value if isinstance(event.value, dict) else {}
        of = {"memory_bytes": 60.0 * MIB, "anon_bytes": 60.0 * MIB, "cpu_seconds": values["cpu_seconds"]}
        record.sample(event.t, PodResources.of(of, pod="gateway-1"))
        record.sample(event.t, ReplicaResources.of(of, replica="gateway-1"))
    return record.sample(0.0, RecordCovers(file="cart.yaml")).history().events


def _spread(changes: Mapping[str, Any]) -> Scenario:
    return Scenario.model_validate(test_load_spread.scenario().model_dump() | changes)


def _gate_plan(changes: Mapping[str, Any]) -> Scenario:
    return Scenario.model_validate(test_gate_run.SCENARIO.model_dump() | {"gate": changes})


def _watch_plan(changes: Mapping[str, Any]) -> WatchPlan:
    peaks = changes.get("baseline")
    more = {} if peaks is None else {"baseline": test_watch_checks.baseline(*peaks)}
    return test_watch_checks.plan(**{"limit_bytes": 550 * MIB, **changes, **more})


def _slots() -> Sequence[Event]:
    """A trace as events: a line a slot."""
    columns = {"anon": FLAT + NOISE, "rss": FLAT + 1e7, "blocks": np.full(len(T), 6e4), "gcobj": np.full(len(T), 6e4)}
    columns |= {"uord": FLAT, "hblkhd": np.full(len(T), 6e5), "ford": np.full(len(T), 8e4), "requests": REQUESTS}
    return [
        Event(
            index=i, t=float(T[i]), phase="", source="trace", kind="sample", name="slot",
            value={name: float(column[i]) for name, column in columns.items()},
        )
        for i in range(len(T))
    ]  # fmt: skip


def _trace(history: History, settings: Mapping[str, Any]) -> list[Verdict]:
    slots = [event.value for event in history.events if isinstance(event.value, dict)]
    names = [name for name in slots[0] if all(name in slot for slot in slots)]
    columns = {name: np.array([slot[name] for slot in slots]) for name in names}
    requests, t = columns.pop("requests"), np.array([event.t for event in history.events])
    trace = Trace(name="run.csv", t=t, requests=requests, columns=columns, quiet=settings.get("quiet", True))
    other = dataclasses.replace(
        trace, columns={**columns, "anon": FLAT[: len(t)] + settings.get("other", 0) * requests}
    )
    rest = {name: value for name, value in settings.items() if name not in ("quiet", "other")}
    return [judge_trace(trace, other if "other" in settings else None, **rest).as_verdict()]


BASES: Final[Mapping[str, Base]] = {
    "memory": Base(lambda: good().history().events, _drill_plan, _DRILLS),
    "sealed": Base(_sealed, _drill_plan, _DRILLS),
    **{
        base: Base(
            lambda base=base: thin(base)[0].history().events,
            lambda changes, base=base: Scenario.model_validate(thin(base)[1].model_dump() | changes),
            _DRILLS,
        )
        for base in ("disk", "gpu", "torch")
    },
    "twin": Base(lambda: thinned(complete(twin(flat))).history().events, _twin_plan, _DRILLS),
    "replicas": Base(lambda: test_load_spread.record(second_per_s=25.0).events, _spread, _DRILLS),
    "gate": Base(lambda: test_gate_run.run().events, _gate_plan, _GATES, phased=False),
    "command": Base(lambda: sealed_command().history().events, _watch_plan, _WATCHES),
    "attempts": Base(lambda: _attempts().history().events, _watch_plan, _WATCHES),
    "trace": Base(_slots, lambda changes: changes, {"trace": _trace}, phased=False),
}


def _attempts() -> Record:
    first = test_watch_checks.attempt(Record(), 1, 0.0, 10.0, status=-9.0, signal="SIGKILL", mode="optimized")
    return test_watch_checks.attempt(first, 2, 11.0, 20.0, mode="safe")
