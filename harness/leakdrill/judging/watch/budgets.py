"""The claims about a watched command: it succeeds, within its budget, and near what earlier runs used.

All judge the last attempt: one that failed in a larger memory mode is what a retry is for, and the messages name it.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.watch.kernel_peak import distrust, kernel_peak, unseen
from leakdrill.judging.watch.memory_split import Owners, area_byte_s, attempts, killed_s, peak, readings
from leakdrill.record.events import ProcessTree, WatchExited, WatchInterrupted, WatchMemory
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.watch.kernel_peak import KernelPeak
    from leakdrill.judging.watch.memory_split import Attempt, Reading
    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.judging.watch.watch_baseline import Baseline
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Number, Verdict

_USUAL_GAP_S: Final = 1.0
_MOST_MISSED: Final = 0.10
_MORE: Final = 1.02
_NEAR: Final = 0.85
"""A command that fails this near to all the memory it may have probably failed for it."""

_OWN_HEAP_SIGNAL: Final = "SIGABRT"
"""How Node and many C++ programs end when an allocation fails, however much memory the machine has."""


def command_succeeds(history: History, *, plan: WatchPlan) -> Verdict:
    """Whether the command ended by itself with exit code 0, in the last attempt."""
    claim = Claim("command_succeeds")
    tries = attempts(history)
    stopped = history.of(WatchInterrupted)
    numbers: dict[str, Number] = {"attempts": len(tries)}
    if stopped:
        return claim.unknown(
            f"it was stopped by {stopped[0].signal}", numbers=numbers, events=[stopped[0].index], hint="run it again"
        )
    if not tries or tries[-1].exited is None:
        return claim.unknown(
            "the record does not say how the command ended",
            numbers=numbers,
            hint="read history.jsonl in the run folder",
        )
    last, exited = tries[-1], tries[-1].exited
    status = last.status
    numbers |= {"status": status, "duration_s": last.duration_s, "mode": last.mode}
    ending = f"{_ending(status, exited.signal)} after {show_duration(last.duration_s)}{_attempt(tries, plan)}"
    if status == 0:
        return claim.holds(ending, numbers=numbers, events=[exited.index])
    reason = memory_reason(history, plan, last)
    hint = f"memory seems to be why: {reason}" if reason else _no_reason(history, plan, last)
    return claim.fails(ending, numbers=numbers, events=[exited.index], hint=hint)


def memory_is_measured(history: History, *, plan: WatchPlan) -> Verdict:
    """Whether the command's memory was read throughout; UNKNOWN when a tenth of the time was missed."""
    claim = Claim("memory_is_measured")
    tries = attempts(history)
    samples = readings(history, tries[-1]) if tries else []
    top = peak(samples)
    counted = kernel_peak(history, tries[-1]) if tries else None
    if tries and (reason := distrust(history, tries[-1], samples)):
        return claim.unknown(reason, hint="the record does not tell how much memory it had; watch it again")
    if top is None:
        return _unread(claim, counted, plan)
    last = tries[-1]
    numbers = _figures(history, samples, last) | _programs(Owners(history), top)
    missed_s = _missed_s(history, last)
    if missed_s > _MOST_MISSED * last.duration_s:
        return claim.unknown(
            f"its memory was not read during {show_duration(missed_s)} of {show_duration(last.duration_s)}",
            numbers=numbers,
            hint="the machine may have been too busy to read it; the peak may have been missed",
        )
    highest = max(top.total_bytes, counted.low_bytes if counted else 0.0)
    whose = "the kernel's count" if last.followed == "cgroup" else "its processes' count"
    between = f"up to {show_size(highest)} between two readings, by {whose}; "
    return claim.holds(
        f"peak {show_size(top.total_bytes)} after {show_duration(top.t - last.start_s)} ({_split(history, top)}); "
        f"{between if highest > top.total_bytes * _MORE else ''}"
        f"area {show_size(area_byte_s(samples))}·s; {show_duration(last.duration_s)}",
        numbers=numbers,
        events=[top.index],
    )


def _unread(claim: Claim, counted: KernelPeak | None, plan: WatchPlan) -> Verdict:
    """The command ended before a process of it was read: the kernel's count alone, where there is one."""
    if counted and math.isfinite(counted.high_bytes) and counted.low_bytes:
        return claim.holds(
            f"peak {show_size(counted.low_bytes)}, by the kernel's count; it ended before its processes were read",
            numbers={"peak_bytes": counted.low_bytes},
            events=counted.events,
        )
    return claim.unknown(
        f"`{plan.command_line}` ended before its memory was read once",
        hint="a command of a few milliseconds is too short to be watched; watch what runs it",
    )


def peak_stays_within_budget(history: History, *, plan: WatchPlan) -> Verdict:
    """Whether the process tree never used more than `plan.limit_bytes`, and nothing was killed for it."""
    claim, limit = Claim("peak_stays_within_budget"), plan.limit_bytes or 0
    tries = attempts(history)
    if not tries:
        return claim.unknown("the command was never started", hint="see command_succeeds")
    last = tries[-1]
    samples = readings(history, last)
    top = peak(samples)
    numbers: dict[str, Number] = {"limit_bytes": limit, **_figures(history, samples, last)}
    if last.exited and last.exited.oom_kill == "true":
        return claim.fails(
            f"the kernel killed for memory at the limit {show_size(limit)}{_victim(history, last, samples)}",
            numbers=numbers,
            events=[last.exited.index],
            hint="raise the limit, or run fewer processes at once; a cgroup also counts page tables and tmpfs",
        )
    over = next((r for r in samples if r.total_bytes > limit), None)
    if over and top:
        return claim.fails(
            f"{_breaker(history, over)} when the limit {show_size(limit)} was crossed"
            f"{_hardly(over.total_bytes, limit, ' by {}')} after {show_duration(over.t - last.start_s)}; "
            f"peak {show_size(top.total_bytes)} ({_split(history, top)})",
            numbers=numbers,
            events=[over.index, top.index],
            hint="raise the limit, or run fewer processes at once",
        )
    return _unbroken(claim, history, plan, last, top, numbers)


def _unbroken(
    claim: Claim, history: History, plan: WatchPlan, last: Attempt, top: Reading | None, numbers: dict[str, Number]
) -> Verdict:
    """No reading was over the limit: what else is known."""
    limit = plan.limit_bytes or 0
    largest, counted = last.largest_process_bytes, kernel_peak(history, last)
    if largest > limit:
        return claim.fails(
            f"one process reached {show_size(largest)}{_hardly(largest, limit)} between two readings, "
            f"by the kernel's own count; limit {show_size(limit)}",
            numbers=numbers,
            events=[last.exited.index] if last.exited else [],
            hint="raise the limit; the record does not tell which process it was",
        )
    if counted.low_bytes > limit:
        return claim.fails(
            f"all its memory together reached {show_size(counted.low_bytes)}{_hardly(counted.low_bytes, limit)} "
            f"between two readings, by the kernel's own count; limit {show_size(limit)}{_kinds(history, last)}",
            numbers=numbers,
            events=counted.events,
            hint="raise the limit, or run fewer processes at once; the record does not tell which process it was",
        )
    if reason := _doubt(history, last, limit, counted, top):
        message, hint = reason
        return claim.unknown(message, numbers=numbers, events=counted.events, hint=hint)
    highest = highest_bytes(history, last)
    who = f" ({_split(history, top)})" if top else ""
    return claim.holds(
        f"the peak was {show_size(highest)}, {show_share(round(highest / limit, 2))} of the limit "
        f"{show_size(limit)}{who}",
        numbers=numbers,
        events=[top.index] if top else counted.events,
    )


def _hardly(size_bytes: float, limit_bytes: float, words: str = " ({} more than the limit)") -> str:
    """By how much a size is above the limit, where the two would look the same."""
    return words.format(show_size(size_bytes - limit_bytes)) if show_size(size_bytes) == show_size(limit_bytes) else ""


def _doubt(
    history: History, last: Attempt, limit: float, counted: KernelPeak, top: Reading | None
) -> tuple[str, str] | None:
    """Why nobody can say that the peak stayed below the limit, and a hint; None when it did."""
    samples, known = readings(history, last), math.isfinite(counted.high_bytes)
    if top is None and not known:
        return "no reading was taken", "see memory_is_measured"
    if reason := _untold(history, last, samples, limit):
        return reason, "see memory_is_measured"
    if known and counted.high_bytes > limit:
        low, high = show_size(counted.low_bytes), show_size(counted.high_bytes)
        return (
            f"the peak was between {low} and {high}: what of it was page cache, or another program's, is not known; "
            f"limit {show_size(limit)}"
        ), "run it again; a limit that is not that near tells more"
    return None


def _untold(history: History, last: Attempt, samples: Sequence[Reading], limit: float) -> str:
    """Why a peak above `limit` may not be in the record; empty when it would be."""
    if reason := distrust(history, last, samples) or unseen(last, samples, limit):
        return f"{reason}, so the peak may have been missed"
    if _missed_s(history, last) > _MOST_MISSED * last.duration_s or last.exited is None:
        seen = show_size(highest_bytes(history, last))
        return f"the peak of what was read is {seen}, but the record has gaps"
    return ""


def _kinds(history: History, last: Attempt, most: int = 2) -> str:
    """The kinds of memory at the highest reading of all memory, the largest first."""
    lines = [e for e in history.of(WatchMemory) if last.start_s <= e.t <= last.closed_s]
    line = max(lines, key=lambda e: e.memory_bytes or 0.0, default=None)
    if line is None or (line.memory_bytes or 0.0) < kernel_peak(history, last).low_bytes / 2:
        return ""
    kinds = {
        "anonymous": line.anon_bytes,
        "files in memory": line.shmem_bytes,
        "swapped out": line.swap_bytes,
        "the kernel's own": line.kernel_bytes,
        "huge pages": line.hugetlb_bytes,
    }
    largest = sorted(((held, name) for name, held in kinds.items() if held), reverse=True)[:most]
    read = ", ".join(f"{name} {show_size(held)}" for held, name in largest)
    return f"; at the highest reading {read}" if read else ""


def peak_stays_near_baseline(history: History, *, plan: WatchPlan) -> Verdict:
    """Whether the peak is at most the tolerance above the highest peak that the baseline records in the same mode."""
    claim = Claim("peak_stays_near_baseline")
    tries = attempts(history)
    if plan.incomparable or plan.baseline is None:
        return claim.unknown(
            f"the baseline cannot be compared: {plan.incomparable or 'there is none'}",
            hint="record one with --update, for this command on this class of machine",
        )
    if not tries or not (highest := highest_bytes(history, tries[-1])):
        return claim.unknown("no reading was taken", hint="see memory_is_measured")
    last = tries[-1]
    samples, counted = readings(history, last), kernel_peak(history, last)
    top = peak(samples)
    baseline = plan.baseline.in_mode(last.mode)
    if baseline is None:
        return claim.unknown(f'the baseline has no run in mode "{last.mode}"', hint="record one with --update")
    allowed = baseline.high_bytes * (1 + plan.tolerance)
    numbers: dict[str, Number] = {
        "peak_bytes": highest, "allowed_bytes": allowed, "baseline_low_bytes": baseline.low_bytes,
        "baseline_high_bytes": baseline.high_bytes, "baseline_runs": len(baseline.runs), "tolerance": plan.tolerance,
    }  # fmt: skip
    events = [*([top.index] if top else []), *counted.events]
    recorded = _recorded(baseline, plan.tolerance)
    if highest > allowed and not distrust(history, last, samples):
        grew = _growth(Owners(history).shares(top), baseline) if top else ""
        return claim.fails(
            f"the peak was {show_size(highest)}, {show_share(highest / baseline.high_bytes - 1)} above "
            f"{recorded}{f'; {grew}' if grew else ''}",
            numbers=numbers,
            events=events,
            hint="if it is intended, accept it with --update",
        )
    if reason := _untold(history, last, samples, allowed):
        return claim.unknown(reason, numbers=numbers, events=events, hint="see memory_is_measured")
    lower = "; lower than all of them" if highest < baseline.low_bytes * (1 - plan.tolerance) else ""
    return claim.holds(f"the peak was {show_size(highest)}{lower}; {recorded}", numbers=numbers, events=events)


def highest_bytes(history: History, attempt: Attempt) -> float:
    """The most memory that `attempt` is known to have had, by its readings and by the kernel; 0 when nobody knows."""
    top = peak(readings(history, attempt))
    return max(top.total_bytes if top else 0.0, kernel_peak(history, attempt).low_bytes)


def memory_reason(history: History, plan: WatchPlan, attempt: Attempt) -> str:
    """The reason to believe that memory ended `attempt`, or that it used too much; empty when there is none."""
    exited = attempt.exited or WatchExited()
    status = attempt.status
    used, most = _used_and_most(history, plan, attempt)
    if exited.oom_kill == "true":
        return f"the kernel killed at the limit {show_size(plan.limit_bytes or 0)}"
    if plan.limit_bytes and used > plan.limit_bytes:
        return f"its peak {show_size(used)} was over the limit {show_size(plan.limit_bytes)}"
    if status and exited.oom_kill == "machine":
        return "the kernel's OOM killer acted on this machine meanwhile"
    if exited.signal == _OWN_HEAP_SIGNAL:
        return f"it ended by {exited.signal}, as Node does at the limit of its own heap"
    if status and used >= _NEAR * most:
        return f"its peak {show_size(used)} was near the {show_size(most)} that it could have"
    return ""


def _used_and_most(history: History, plan: WatchPlan, attempt: Attempt) -> tuple[float, float]:
    """The most bytes that `attempt` had, and those that it could have."""
    used = max(highest_bytes(history, attempt), attempt.largest_process_bytes)
    return used, min(plan.limit_bytes or float("inf"), attempt.available_bytes)


def _no_reason(history: History, plan: WatchPlan, attempt: Attempt) -> str:
    """The hint where memory did not end the command."""
    used, most = _used_and_most(history, plan, attempt)
    if attempt.exited and attempt.exited.signal == "SIGKILL" and math.isfinite(most):
        share = show_share(round(used / most, 2))
        return f"it had {show_size(used)}, {share} of what it could have: somebody else killed it, and not for memory"
    return "memory does not seem to be why; see the command's own output"


def _ending(status: float, signal: str) -> str:
    if status < 0:
        return f"killed by {signal or f'signal {-status:.0f}'}"
    return f"ended with exit code {status:.0f}" + (f" ({signal} in a child)" if signal else "")


def _attempt(tries: Sequence[Attempt], plan: WatchPlan) -> str:
    mode = f" in mode {tries[-1].mode}" if tries[-1].mode else ""
    return mode if len(tries) == 1 else f"{mode}, at attempt {tries[-1].number} of at most {plan.retries + 1}"


def _breaker(history: History, reading: Reading) -> str:
    most = max([*reading.by_pid.values(), *reading.others.values()], default=0.0)
    return f"{Owners(history).heaviest(reading)} held {show_size(most)} of {show_size(reading.total_bytes)}"


def _victim(history: History, attempt: Attempt, samples: Sequence[Reading]) -> str:
    """The process that the kernel killed, and when, by the readings: one may have grown after the last of them."""
    at_s = killed_s(history, attempt)
    victim = Owners(history).killed(samples, at_s)
    if victim is None:
        return ""
    name, last = victim
    return (
        f" after {show_duration(at_s - attempt.start_s)}: it was {name}, as the readings tell; at the last before it, "
        f"all processes held {show_size(last.total_bytes)}"
    )


def _split(history: History, reading: Reading, most: int = 3) -> str:
    shares = list(Owners(history).shares(reading).items())
    more = f" and {len(shares) - most} more" if len(shares) > most else ""
    return ", ".join(f"{name} {show_size(held)}" for name, held in shares[:most]) + more


def _figures(history: History, samples: Sequence[Reading], attempt: Attempt) -> dict[str, Number]:
    top = peak(samples)
    figures: dict[str, Number] = {"readings": len(samples), "duration_s": attempt.duration_s}
    if top:
        figures |= {"peak_bytes": top.total_bytes, "area_byte_s": area_byte_s(samples)}
    largest, counted = attempt.largest_process_bytes, kernel_peak(history, attempt)
    if counted.low_bytes:
        figures["peak_low_bytes"] = counted.low_bytes
    if counted.low_bytes and math.isfinite(counted.high_bytes):
        figures["peak_high_bytes"] = counted.high_bytes
    return figures | ({"largest_process_bytes": largest} if largest else {})


def _programs(owners: Owners, top: Reading, most: int = 10) -> dict[str, Number]:
    shares = itertools.islice(owners.shares(top).items(), most)
    return {f"at_peak_bytes[{name}]": held for name, held in shares}


def _missed_s(history: History, attempt: Attempt) -> float:
    """Seconds without a reading, beyond the second that a busy machine may let pass between two."""
    ticks = [e.t for e in history.of(ProcessTree) if e.values]
    inside = [t for t in ticks if attempt.start_s <= t <= attempt.end_s]
    edges = [attempt.start_s, *inside, attempt.end_s]
    return sum(max(b - a - _USUAL_GAP_S, 0.0) for a, b in itertools.pairwise(edges))


def _recorded(baseline: Baseline, tolerance: float) -> str:
    count = len(baseline.runs)
    if count == 1:
        return f"the one recorded run, {show_size(baseline.high_bytes)}, with a tolerance of {show_share(tolerance)}"
    return (
        f"{count} recorded runs, {show_size(baseline.low_bytes)} to {show_size(baseline.high_bytes)}, "
        f"with a tolerance of {show_share(tolerance)}"
    )


def _growth(shares: dict[str, float], baseline: Baseline) -> str:
    grown = {name: held - baseline.usual(name) for name, held in shares.items()}
    name = max(grown, key=lambda n: grown[n])
    return (
        f"{name} grew most: {show_size(shares[name])} of the peak, at most {show_size(baseline.usual(name))} "
        "in the recorded ones"
    )
