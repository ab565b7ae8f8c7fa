"""Whether the record of a watched run contradicts itself, or says what cannot be. Pure.

Only a sealed record has everything that is asked for here: those of earlier versions had less.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.possible_values import impossible_numbers
from leakdrill.judging.evidence.record_lines import line_doubts
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.whole_pages import page_doubts
from leakdrill.judging.watch.kernel_doubts import kernel_doubts
from leakdrill.judging.watch.memory_split import attempts
from leakdrill.record.events import (
    CgroupResources,
    ProcessMember,
    ProcessPss,
    ProcessTree,
    RunPhase,
    WatchAttempt,
    WatchExited,
    WatchThreshold,
)
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.watch.memory_split import Attempt
    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History

_ENDS: Final = ("status", "low_bytes", "unseen")
"""What is known of every end; of a very short command not even the kernel knows how large it was."""
_KILLS: Final = ("true", "false", "machine", "unknown")
_SAME: Final = 0.001
_PAGE: Final = 4096
_LONG_S: Final = 2.0
"""A command that runs this long was read by every meter."""
_PRECISION_S: Final = 0.001


def watch_doubts(history: History, plan: WatchPlan) -> Iterator[Doubt]:
    """What in the record of a watched run cannot be."""
    yield from line_doubts(history)
    yield from impossible_numbers(history)
    yield from page_doubts(history)
    if not is_sealed(history):
        return
    yield from _phases(history)
    tries = attempts(history)
    yield from _numbers(history, tries, plan)
    for attempt in tries:
        yield from _ending(history, attempt)
        yield from _sums(history, attempt)
        yield from _meters(history, attempt)
        yield from kernel_doubts(history, attempt)
        yield from _machine(attempt, plan)
    yield from _thresholds(history, plan)


def _phases(history: History) -> Iterator[Doubt]:
    acts = history.acts(RunPhase)
    names = [act.begin.phase for act in acts]
    if names != ["load"]:
        text = f"the phases of the record are {', '.join(names) or 'none'}; expected load"
        yield Doubt(text, tuple(act.begin.index for act in acts))


def _numbers(history: History, tries: list[Attempt], plan: WatchPlan) -> Iterator[Doubt]:
    """Attempts that are missing, more than were allowed, or in a mode that the plan does not have."""
    numbers = [act.begin.number for act in history.acts(WatchAttempt)]
    if numbers != [str(n) for n in range(1, len(numbers) + 1)] or len(numbers) > plan.retries + 1:
        text = f"the record tells the attempts {', '.join(numbers)} of at most {plan.retries + 1}"
        yield Doubt(text, tuple(act.begin.index for act in history.acts(WatchAttempt)))
    ends = [event.number for event in history.of(WatchExited)]
    if ends != numbers:
        yield Doubt(
            f"the record tells the ends of the attempts {', '.join(ends) or 'none'}, "
            f"and the beginnings of {', '.join(numbers)}",
            tuple(event.index for event in history.of(WatchExited)),
        )
    modes = {mode.name for mode in plan.modes} or {""}
    for attempt in tries:
        if attempt.mode not in modes:
            yield Doubt(f"attempt {attempt.number} ran in the mode `{attempt.mode}`, which was not asked for", ())
        if attempt.followed not in ("cgroup", "processes"):
            yield Doubt(f"the record does not say how the processes of attempt {attempt.number} were followed", ())
    for act in history.acts(WatchAttempt):
        if not act.begin.available_bytes.isdecimal():
            yield Doubt("the record does not say how much memory there was", (act.begin.index,))


def _ending(history: History, attempt: Attempt) -> Iterator[Doubt]:
    exited = attempt.exited
    if exited is None:
        return
    wanted = [*_ENDS, *(["left_bytes"] if attempt.followed == "cgroup" else [])]
    lacking = [name for name in wanted if getattr(exited, name) is None]
    if lacking:
        yield Doubt(f"the end of the command lacks {' and '.join(lacking)}", (exited.index,))
    if exited.status == 0 and exited.signal:
        yield Doubt(f"the command ended with status 0 and by {exited.signal}", (exited.index,))
    if exited.oom_kill not in _KILLS:
        yield Doubt("the record does not say whether the kernel killed for memory", (exited.index,))
    if exited.at is None or not attempt.start_s - _PRECISION_S <= exited.at <= exited.t + _PRECISION_S:
        yield Doubt("the record does not say when the command ended", (exited.index,))
    if not attempt.start_s <= exited.t <= attempt.closed_s:
        yield Doubt("the command ended outside its attempt", (exited.index,))
    kills = history.series(CgroupResources, "oom_kills").between(attempt.start_s, attempt.closed_s)
    if len(kills) and kills.values[-1] > 0 and exited.oom_kill != "true":
        text = f"the control group counted {kills.values[-1]:.0f} OOM kills, and the end of the command tells of none"
        yield Doubt(text, (kills.indices[-1], exited.index))


def _sums(history: History, attempt: Attempt) -> Iterator[Doubt]:
    """Sums that are less than their parts, and processes of which nothing else is told."""
    known = {event.pid for event in history.of(ProcessMember)}
    for event in history.of(ProcessPss):
        if not attempt.start_s <= event.t <= attempt.closed_s or not event.values:
            continue
        held = {key: size for key, size in event.others.items() if key.startswith("pid_")}
        if event.pss_bytes is None or event.files_bytes is None or event.rest_bytes is None:
            yield Doubt(f"the reading of PSS at {show_duration(event.t)} lacks a part", (event.index,))
            return
        if sum(held.values()) > event.pss_bytes * (1 + _SAME) + _PAGE:
            text = f"the processes held {show_size(sum(held.values()))} at {show_duration(event.t)}"
            yield Doubt(f"{text}, and {show_size(event.pss_bytes)} in sum", (event.index,))
            return
        strange = [key for key in held if key.removeprefix("pid_").removesuffix("_bytes") not in known]
        if strange:
            yield Doubt(f"nothing but its memory is known of {strange[0]}", (event.index,))
            return


def _meters(history: History, attempt: Attempt) -> Iterator[Doubt]:
    """Meters of which nothing was read though the command ran long enough."""
    for event in history.of(ProcessTree):
        if attempt.start_s <= event.t <= attempt.closed_s and event.values and not event.processes:
            yield Doubt(f"memory of no process was read at {show_duration(event.t)}", (event.index,))
            break
    if attempt.duration_s < _LONG_S:
        return
    expected: list[type[Reading]] = [ProcessTree, ProcessPss]
    expected += [CgroupResources] if attempt.followed == "cgroup" else []
    for meter in expected:
        if not any(attempt.start_s <= event.t <= attempt.closed_s and event.values for event in history.of(meter)):
            yield Doubt(f"nothing was read of {meter.source}/{meter.event_name}", ())


def _thresholds(history: History, plan: WatchPlan) -> Iterator[Doubt]:
    """A share of the limit that was told of another limit than the plan's."""
    for event in history.of(WatchThreshold):
        if event.pss_bytes is None or event.share is None:
            continue
        least = event.share * (1 - _SAME) * (math.inf if plan.limit_bytes is None else plan.limit_bytes)
        if event.pss_bytes < least:
            limit = "none" if plan.limit_bytes is None else show_size(plan.limit_bytes)
            text = f"{show_size(event.pss_bytes)} was told as over {event.share:.0%} of the limit"
            yield Doubt(f"{text}, and the limit is {limit}", (event.index,))
            return


def _machine(attempt: Attempt, plan: WatchPlan) -> Iterator[Doubt]:
    """More memory than the machine has that `run.json` describes, or than the plan let the command have."""
    exited, there_is = attempt.exited, plan.machine.memory_bytes
    if exited is not None and max(exited.low_bytes or 0.0, attempt.largest_process_bytes) > there_is:
        yield Doubt(f"the command had more memory than the machine's {show_size(there_is)}", (exited.index,))
    if math.isfinite(attempt.available_bytes) and attempt.available_bytes > min(there_is, plan.limit_bytes or there_is):
        had = show_size(attempt.available_bytes)
        yield Doubt(f"attempt {attempt.number} could have {had}, which is more than the limit or the machine", ())
