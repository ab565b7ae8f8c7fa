"""Whether the record of a gate run contradicts itself, or says what cannot be. Pure.

Only a sealed record has everything that is asked for here: those of earlier versions had less.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.possible_values import impossible_numbers
from leakdrill.judging.evidence.record_lines import line_doubts
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.whole_pages import page_doubts
from leakdrill.judging.leak.slot_doubts import slot_doubts
from leakdrill.judging.leak.slots import corpora
from leakdrill.record.events import (
    GateAgent,
    GateServiceCount,
    GateTypes,
    RunPhase,
    TargetReady,
    TargetRestart,
    TargetStart,
    TargetUnwatched,
    WorkerLost,
)
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_BESIDE_S: Final = 15.0
"""A load that is being ended goes on reporting."""
_SHORTER: Final = 0.95
_COUNTS: Final = 2
"""The service is asked for its count before the slots and after them."""


def gate_doubts(
    history: History, scenario: Scenario, machine: Mapping[str, str | int], builds: Sequence[str]
) -> Iterator[Doubt]:
    """What in the record of a gate run cannot be.

    Args:
        history: the record.
        scenario: what was asked for.
        machine: the one that the gate ran on, as `run.json` describes it.
        builds: those that were measured.
    """
    yield from impossible_numbers(history)
    yield from page_doubts(history)
    if not is_sealed(history):
        return
    yield from line_doubts(history, beside_s=_BESIDE_S)
    yield from _phases(history, scenario)
    yield from _starts(history, len(builds))
    for build in builds:
        yield from _agent(history, scenario, build)
        for corpus in corpora(history, build=build):
            counts = [e for e in history.of(GateServiceCount) if (e.build, e.corpus) == (build, corpus)]
            if counts and len(counts) != _COUNTS:
                text = "the service's own count of requests was not read before the slots and after them"
                yield Doubt(text, tuple(count.index for count in counts))
            yield from slot_doubts(history, scenario, machine, build, corpus)


def _phases(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Phases that are missing, doubled or too short."""
    acts = history.acts(RunPhase)
    names, measured = [act.begin.phase for act in acts], ["warmup", "slots"]
    rounds = 2 if scenario.gate.corpus == "both" else 1
    if names != ["setup", *measured * rounds, "teardown"]:
        text = f"the phases of the record are {', '.join(names) or 'none'}; expected warmup and slots between two"
        yield Doubt(text, tuple(act.begin.index for act in acts))
    least_s = _SHORTER * scenario.gate.warmup.at_least
    for act in acts:
        if act.begin.phase == "warmup" and act.end is not None and act.end.t - act.begin.t < least_s:
            took = show_duration(act.end.t - act.begin.t)
            text = f"the warm-up lasted {took}; the scenario asks for {show_duration(scenario.gate.warmup.at_least)}"
            yield Doubt(text, (act.begin.index, act.end.index))
    for before, after in pairwise(acts):
        if before.end is not None and after.begin.t < before.end.t:
            text = f"the phase `{after.begin.phase}` began before the end of `{before.begin.phase}`"
            yield Doubt(text, (before.end.index, after.begin.index))


def _starts(history: History, builds: int) -> Iterator[Doubt]:
    """Another number of starts than there are builds, or starts after the beginning."""
    starts, ready = history.acts(TargetStart), [e for e in history.of(TargetReady) if e.process is not None]
    if len(starts) != builds or len(ready) != builds:
        text = f"{builds} builds were measured, {len(starts)} started, and {len(ready)} were ready"
        yield Doubt(text, tuple(event.index for event in ready))
    setup = history.phase("setup")
    for t, index in [(act.begin.t, act.begin.index) for act in starts] + [(e.t, e.index) for e in ready]:
        if setup is not None and t > setup[1]:
            yield Doubt(f"a service was started at {show_duration(t)}, in the middle of the measurement", (index,))
    for act in history.acts(TargetRestart):
        yield Doubt(f"the service was restarted at {show_duration(act.begin.t)}", (act.begin.index,))
    for event in history.of(TargetUnwatched):
        yield Doubt(f"the service could not be watched: {event.message}", (event.index,))
    for lost in history.of(WorkerLost):
        yield Doubt("Locust lost its worker", (lost.index,))


def _agent(history: History, scenario: Scenario, build: str) -> Iterator[Doubt]:
    """An agent that was asked for, and of which the record says nothing, or that told something without being there."""
    agents = [event for event in history.of(GateAgent) if event.build == build]
    if scenario.gate.agent != "off" and not agents:
        yield Doubt(f"the record does not say whether the {build} had an agent", ())
    types = [event for event in history.of(GateTypes) if event.build == build]
    if types and not any(agent.present for agent in agents):
        yield Doubt(f"the types of the {build}'s objects were told by no agent", (types[0].index,))
