"""Whether the slots of a gate run can be judged at all: all there, in order, true, and of one service. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.slots import COLUMNS, slot_events
from leakdrill.record.events import GateAgent, GateEnd, GateSlot
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leakdrill.record.history import History

_MEMORY: Final = ("rss_before_bytes", "rss_after_bytes", "pss_bytes", "uss_bytes", "anon_bytes")
_POSITIVE: Final = (*_MEMORY, "threads", "processes")
EVERY_SLOT_HAS: Final = ("load_s", "rest_s", "requests", "round", *_POSITIVE, "fds", "cpu_seconds")
"""A slot that lacks one of them cannot be judged."""

_AGENTS: Final = tuple(name for name in COLUMNS if name not in _MEMORY)
_MOST_SILENT: Final = 0.125
"""The share of the slots that an agent may miss: it has a deadline, and a machine may be busy."""

_MOST: Final = 2.0**63
_CLOCKS_APART_S: Final = 2.0
_SURELY_BUSY: Final = 1000.0
"""A service that answers so many requests takes at least one tick of CPU time, of 10 ms."""


def slot_problem(history: History, build: str, corpus: str) -> str:
    """The reason why the slots of a build under a corpus cannot be judged; empty when they can."""
    slots = slot_events(history, build=build, corpus=corpus)
    failed = [e for e in history.of(GateSlot) if (e.build, e.corpus) == (build, corpus) and not e.values]
    if failed:
        return f"a quiet point was not read: {failed[0].error or 'it says nothing'}"
    if not corpus and slots:
        return "the record of a slot lacks its corpus"
    checks: tuple[Callable[[Sequence[GateSlot]], str], ...] = (_lacking, _untrue, _disordered, _replaced, _idle)
    reasons: Iterable[str] = (check(slots) for check in checks)
    return next(filter(None, reasons), "") or _gone(history, slots, build, corpus) or _silent(history, slots, build)


def _lacking(slots: Sequence[GateSlot]) -> str:
    for slot in slots:
        lacking = [name for name in EVERY_SLOT_HAS if name not in slot.values]
        if lacking or not slot.members:
            return f"the record of a slot lacks {' and '.join(lacking) or 'its processes'}"
    return ""


def _untrue(slots: Sequence[GateSlot]) -> str:
    for slot in slots:
        for name, value in slot.values.items():
            if not isinstance(value, int | float) or not math.isfinite(value):
                return f"{name} of slot {_number(slot)} is no finite number: {value}"
            if not 0 <= value <= _MOST or (value == 0 and name in _POSITIVE):
                return f"{name} of slot {_number(slot)} is {value:g}, which cannot be"
    return ""


def _disordered(slots: Sequence[GateSlot]) -> str:
    """Slots that are missing, doubled or shifted, and clocks that jumped between two of them."""
    for before, after in pairwise(slots):
        where = f"between slots {_number(before)} and {_number(after)}"
        if (after.round or 0.0) - (before.round or 0.0) != 1:
            return f"slots are missing or doubled {where}"
        if (after.requests or 0.0) < (before.requests or 0.0):
            return f"the number of requests falls {where}"
        elapsed_s, loaded_s = after.t - before.t, (after.load_s or 0.0) - (before.load_s or 0.0)
        if loaded_s <= 0 or abs(elapsed_s - loaded_s) > _CLOCKS_APART_S:
            return f"the clock jumped {where}: {elapsed_s:.1f} s and {loaded_s:.1f} s passed at once"
    return ""


def _replaced(slots: Sequence[GateSlot]) -> str:
    counts = sorted({slot.processes or 0.0 for slot in slots})
    if len(counts) > 1:
        return f"the number of processes changed ({', '.join(f'{count:.0f}' for count in counts)})"
    for before, after in pairwise(slots):
        if before.members != after.members:
            return (
                f"processes of the service were replaced between slots {_number(before)} and {_number(after)}: "
                "what they had kept went with them"
            )
    return ""


def _idle(slots: Sequence[GateSlot]) -> str:
    """Readings of something that did not work though requests were answered: another process, or a frozen meter."""
    if len(slots) < 2:  # noqa: PLR2004 - a difference needs two
        return ""
    made = (slots[-1].requests or 0.0) - (slots[0].requests or 0.0)
    used_s = (slots[-1].cpu_seconds or 0.0) - (slots[0].cpu_seconds or 0.0)
    if made >= _SURELY_BUSY and used_s <= 0:
        return (
            "what was read used no CPU time while "
            f"{show_count(made, 'request was', 'requests were')} answered: it is not what answers them"
        )
    return ""


def _gone(history: History, slots: Sequence[GateSlot], build: str, corpus: str) -> str:
    if not slots:
        return ""
    ends = [end for end in history.of(GateEnd) if (end.build, end.corpus) == (build, corpus)]
    if not ends:
        return "nobody looked whether the service lived through the last slot"
    if not ends[-1].members:
        return "the service was gone after the last slot"
    if ends[-1].rounds != (slots[-1].round or 0.0) + 1:
        return f"slots are missing: the last is {_number(slots[-1])}, of {ends[-1].rounds or 0:.0f} that were measured"
    return "" if ends[-1].members == slots[-1].members else "processes of the service were replaced after the last slot"


def _silent(history: History, slots: Sequence[GateSlot], build: str) -> str:
    """An agent that was there and gave no figures in too many slots: garbage was not collected there."""
    if not any(agent.present for agent in history.of(GateAgent) if agent.build == build):
        return ""
    given = [sum(name in slot.values for name in _AGENTS) for slot in slots]
    silent = sum(count == 0 for count in given)
    if silent > _MOST_SILENT * len(slots):
        return f"the agent was silent in {silent} of {len(slots)} slots, so that garbage was not collected there"
    return ""


def _number(slot: GateSlot) -> str:
    return "?" if slot.round is None else f"{slot.round:.0f}"
