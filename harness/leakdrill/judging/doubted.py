"""A PASS that rests on evidence in doubt is UNKNOWN, and says why.

Evidence is in doubt where the record contradicts itself, or says what cannot be. A FAIL stays one: what contradicts a
claim does not become better by being uncertain.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.agreement import agreement_doubts
from leakdrill.judging.evidence.alert_record import alert_doubts
from leakdrill.judging.evidence.doubt import ALERTS, REQUESTS, TARGET
from leakdrill.judging.evidence.in_doubt import found_doubts, in_doubt
from leakdrill.judging.evidence.lives import life_doubts
from leakdrill.judging.evidence.machine_bounds import machine_doubts
from leakdrill.judging.evidence.meter_presence import presence_doubts
from leakdrill.judging.evidence.meter_rates import rate_of_meters_doubts
from leakdrill.judging.evidence.meter_scale import scale_doubts
from leakdrill.judging.evidence.possible_values import value_doubts
from leakdrill.judging.evidence.record_order import order_doubts
from leakdrill.judging.evidence.repeated_readings import repeated_readings
from leakdrill.judging.evidence.replaced_service import replaced_service
from leakdrill.judging.evidence.replica_readings import replica_doubts
from leakdrill.judging.evidence.request_counts import request_doubts
from leakdrill.judging.evidence.resident_files import resident_file_doubts
from leakdrill.judging.evidence.target_acts import act_doubts
from leakdrill.judging.evidence.whole_pages import page_doubts
from leakdrill.judging.evidence.windows import unasked_exits
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from leakdrill.judging.evidence.doubt import Doubt
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_SOURCES: Final[tuple[Callable[[History, Scenario], Iterator[Doubt]], ...]] = (
    order_doubts,
    value_doubts,
    life_doubts,
    act_doubts,
    replaced_service,
    presence_doubts,
    rate_of_meters_doubts,
    replica_doubts,
    repeated_readings,
    agreement_doubts,
    scale_doubts,
    resident_file_doubts,
    request_doubts,
    alert_doubts,
)

_WITH_AN_END_S: Final = 1.0
"""A process that ends is seen to hold nothing a moment before its end is noticed."""

_ON_ALERTS: Final[Mapping[str, frozenset[str]]] = {
    "alert_fires_in_time": frozenset({ALERTS}),
    "alert_fires_before_oom_kill": frozenset({ALERTS, "memory"}),
    "alert_fires_before_disk_full": frozenset({ALERTS, "disk"}),
    "notification_arrives": frozenset({ALERTS}),
    "other_alerts_stay_silent": frozenset({ALERTS}),
    "alert_resolves_and_stays_resolved": frozenset({ALERTS}),
}
_ACTS: Final = frozenset({"acts"})
"""What rests on the lines of steps alone: only a doubt about all of the record is about it."""
_ON_THE_REST: Final[Mapping[str, frozenset[str]]] = {
    "look_answers": _ACTS,
    "look_shows_number": _ACTS,
    "runbook_leaves_nothing_changed": _ACTS,
    "runbook_relieves": frozenset({ALERTS, TARGET, *RESOURCES}),
    "target_keeps_running": frozenset({TARGET}),
    "load_is_spread": frozenset({REQUESTS, TARGET}),
    "out_of_memory_is_survived": frozenset({REQUESTS, "torch_allocated"}),
    "memory_does_not_run_out": frozenset({"torch_allocated"}),
    "gpu_answers_throughout": frozenset({"gpu_memory"}),
    "gpu_memory_is_the_targets_own": frozenset({"gpu_memory"}),
    "requests_keep_error_rate": frozenset({REQUESTS}),
    "requests_keep_latency": frozenset({REQUESTS}),
    "requests_survive_steps": frozenset({REQUESTS}),
}


def find_doubts(
    history: History, scenario: Scenario, machine: Mapping[str, str | int] = MappingProxyType({})
) -> list[Doubt]:
    """Every doubt about the record of a drill on `scenario`. Never raises: a search that does is a doubt itself."""
    sources: list[Callable[[History, Scenario], Iterator[Doubt]]] = [
        *_SOURCES,
        partial(machine_doubts, machine=machine),
        lambda history, _scenario: page_doubts(history),
    ]
    doubts = [doubt for source in sources for doubt in found_doubts(partial(source, history, scenario))]
    return list(_laid_on_an_end(doubts, history))


def _laid_on_an_end(doubts: Sequence[Doubt], history: History) -> Iterator[Doubt]:
    """`doubts`; those that came with an end of the service that nobody had asked for are laid on that end."""
    exits = unasked_exits(history)
    from_s = exits[0].when - _WITH_AN_END_S if exits else float("inf")
    lines = {event.index: event.t for event in history.events}
    for doubt in doubts:
        if doubt.cut_short or not doubt.events or min(lines.get(index, 0.0) for index in doubt.events) < from_s:
            yield doubt
            continue
        text = f"the service ended at {show_duration(exits[0].when)}, and nobody had asked; {doubt.text}"
        yield replace(doubt, text=text, cut_short=True)


def doubted(verdicts: Sequence[Verdict], doubts: Sequence[Doubt], scenario: Scenario) -> list[Verdict]:
    """`verdicts`; each PASS that rests on something in `doubts` is UNKNOWN, and says so."""
    return [_doubted(verdict, doubts, scenario) if verdict.outcome is Outcome.PASS else verdict for verdict in verdicts]


def _doubted(verdict: Verdict, doubts: Sequence[Doubt], scenario: Scenario) -> Verdict:
    rests_on = _rests_on(verdict, scenario)
    mine = [doubt for doubt in doubts if not doubt.about or rests_on is None or doubt.about & rests_on]
    return in_doubt(verdict, mine, of_all=rests_on is None)


def _rests_on(verdict: Verdict, scenario: Scenario) -> frozenset[str] | None:
    """What the evidence for `verdict` is about; None where it is the whole record."""
    about = _ON_ALERTS.get(verdict.check) or _ON_THE_REST.get(verdict.check) or _OF_RESOURCES.get(verdict.check)
    if verdict.check == "leak_grows_as_declared":
        about = frozenset({REQUESTS, *(leak.resource for leak in scenario.leaks if leak.name == verdict.subject)})
    if verdict.check in ("step_works", "step_does_not_cure"):
        metrics = [scenario.metric_of(step) for step in scenario.steps if step.name == verdict.subject]
        about = frozenset({REQUESTS, TARGET, *metrics})
    return about


_OF_RESOURCES: Final[Mapping[str, frozenset[str]]] = {
    claim: frozenset({REQUESTS, name}) for name, one in RESOURCES.items() for claim in (one.returns, one.stays)
}
