"""The sentences of the verdict: what was seen, what was wanted, and what would settle it.

Those of an UNKNOWN come as a pair: the reason, and what would settle it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.decision_rules import LEAST_LONGER, differs, goes_on, times_longer
from leakdrill.judging.leak.growth_evidence import FEWEST_JUDGED
from leakdrill.judging.leak.growth_kind import Kind, describe
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from leakdrill.judging.leak.decision_rules import Judging
    from leakdrill.judging.leak.growth_evidence import GrowthEvidence
    from leakdrill.judging.leak.level_shifts import LevelShift
    from leakdrill.judging.leak.quiescent_points import Points
    from leakdrill.judging.leak.slope import Slope

_MOST_MORE: Final = 20
"""Nobody records twenty times as long."""

LOOK: Final = {
    Kind.NONE: "look at what is resident",
    Kind.LIVE_OBJECTS: (
        "compare counts of objects by type before and after; a whole number of blocks a request is one set of objects "
        "that every request leaves behind"
    ),
    Kind.NATIVE: "look at C extensions: Python's own small objects did not grow",
    Kind.HEAP: "record without PYTHONMALLOC=malloc to tell Python's objects from native memory",
    Kind.UNCOUNTED: "look for mappings made directly, threads that do not end, or another allocator",
    Kind.THREADS: "look for what starts threads and does not wait for them",
    Kind.DESCRIPTORS: "look for what opens files or connections and does not close them",
    Kind.RESIDENT: "record the interpreter's counts (blocks, uord, hblkhd, ford) to learn what grows",
    Kind.RETAINED: "look at what malloc keeps; trim the heap, or lower MALLOC_ARENA_MAX",
}
"""The advice for a leak of each kind."""


def too_small(most_bytes: float, column: str) -> tuple[str, str]:
    """Readings that are no bytes of a process."""
    message = f"{column} is never above {show_size(most_bytes)}, and no process under load is so small"
    return message, "record bytes: `ps` and /proc/PID/status count in KiB"


def no_requests(readings: int) -> tuple[str, str]:
    """Readings without a request."""
    message = f"no request was counted in {show_count(readings, 'reading')}, so growth per request has no meaning"
    return message, "record the count of completed requests beside memory, under load"


def fell(resident: NDArray[np.float64], falls: Sequence[int]) -> tuple[str, str]:
    """Memory that fell again and again, at the samples `falls`."""
    high, low = resident[falls[0] - 1], resident[falls[0]]
    message = (
        f"memory fell {show_count(len(falls), 'time')}, the first time from {show_size(high)} to "
        f"{show_size(low)}: was the service "
        f"started anew, or killed for its memory?"
    )
    return message, "record one life of the process; dmesg, or the last state of its container, says what ended it"


def too_short(series: Points) -> tuple[str, str]:
    """Too few points to say anything."""
    message = f"{len(series)} points are too few to tell growth from chance; expected {FEWEST_JUDGED} or more"
    return message, "record longer, or take a sample after each slot"


def either_way(evidence: GrowthEvidence, kind: Kind, rules: Judging) -> tuple[str, str]:
    """Growth may be below the budget or above it."""
    if evidence.unseen_steps and evidence.resident.all.high < rules.budget:
        return _rare_steps(evidence, rules)
    in_use = evidence.live.least_bytes if evidence.live is not None else 0.0
    if evidence.resident.all.high < rules.budget < in_use:
        reason = f"what is in use grows by {in_use:.1f} B or more, into memory that was free"
    elif evidence.resident.all.low <= rules.budget:
        reason = f"above and below the budget of {rules.budget:.4g} B are both possible"
    elif evidence.retained and evidence.leaked_low <= rules.budget:
        reason = f"{evidence.retained:.1f} B of it are retained by the allocator, and the rest may be within the budget"
    elif not goes_on(evidence.resident) or evidence.resident.second.per_request <= rules.budget:
        reason = f"in the second half by {interval(evidence.resident.second)}, so that it may be ending"
    else:
        reason = f"with what looks like warm-up by {interval(evidence.whole.all)}, so that it rests on where that ends"
    grown = f" ({describe(kind, evidence.live)})" if evidence.live is not None and kind is not Kind.NONE else ""
    return f"{size(evidence)}: {reason}{grown}", _more_requests(evidence, rules)


def _rare_steps(evidence: GrowthEvidence, rules: Judging) -> tuple[str, str]:
    needed = evidence.points.span_requests * evidence.unseen_steps / (rules.budget - evidence.resident.all.high)
    message = (
        f"{size(evidence)} after the last large step, but steps as rare could add {evidence.unseen_steps:.0f} B more, "
        f"and the budget is {rules.budget:.4g} B"
    )
    return message, f"{show_count(needed, 'request')} after warm-up without another such step would make it CLEAN"


def _more_requests(evidence: GrowthEvidence, rules: Judging) -> str:
    """The number of requests that would narrow the interval to one side of the budget; its width falls as 1/√n."""
    times = times_longer(evidence.resident.all, rules.budget)
    if times > _MOST_MORE and evidence.points.quiet:
        return "compare with a baseline: a recording that is long enough to settle it alone would take too long"
    if not evidence.points.quiet:
        return "record with quiet points (load drained, garbage collected, heap trimmed), or beside a baseline"
    needed = max(times, LEAST_LONGER) * evidence.points.span_requests
    return f"about {show_count(needed, 'request')} after warm-up would settle it, or a baseline"


def shifted(shifts: Sequence[LevelShift]) -> str:
    """The shifts, as the end of a sentence."""
    jumps = " and ".join(
        f"{show_size(shift.size_bytes)} after {show_count(shift.after_requests, 'request')}" for shift in shifts
    )
    return f"it leapt by {jumps}, as a table that doubles does"


def otherwise(between: GrowthEvidence) -> str:
    """The growth without the shifts, as the end of a sentence."""
    return f"without that it grows by {interval(between.resident.all)}"


def filling(evidence: GrowthEvidence, rules: Judging) -> tuple[str, str]:
    """Growth that falls off."""
    trends = (evidence.resident, evidence.whole, evidence.in_use or evidence.resident)
    steepest = max(trends, key=lambda trend: trend.first.per_request - trend.second.per_request)
    message = (
        f"{size(evidence)}, but growth declines, from {steepest.first.per_request:.0f} to "
        f"{steepest.second.per_request:.0f} B: "
        f"a cache that fills looks the same"
    )
    hint = (
        f"record until growth is steady or below {rules.budget:.4g} B, replay the same requests again and again, "
        f"or compare with a baseline"
    )
    return message, hint


def follows_rate(evidence: GrowthEvidence) -> tuple[str, str]:
    """Growth under a load that rose as well."""
    message = f"{size(evidence)}, but the load rose all the time, and memory that follows the rate looks the same"
    return message, "record under constant load, or compare with a baseline under the same load"


def too_young(evidence: GrowthEvidence, rules: Judging) -> tuple[str, str]:
    """Growth that entries with a time to live could explain."""
    message = (
        f"{size(evidence)}, but what was judged began {show_duration(float(evidence.points.t[0]))} after the load and "
        f"lasted {show_duration(evidence.points.span_s)}: entries that live for {show_duration(rules.longest_ttl_s)} "
        f"look the same"
    )
    hint = (
        f"record {show_duration(2.5 * rules.longest_ttl_s)} or longer, name a shorter longest time to live, "
        f"or compare with a baseline"
    )
    return message, hint


def nothing_added(evidence: GrowthEvidence, more: tuple[Slope, Slope], rules: Judging) -> tuple[str, str]:
    """Growth above the budget that the baseline has too."""
    message = f"{size(evidence)}, above the budget of {rules.budget:.4g} B, but {versus(more, rules)}"
    return message, "the baseline may leak as well: judge a longer recording on its own to see whether growth ends"


def not_comparable(evidence: GrowthEvidence, obstacle: str) -> tuple[str, str]:
    """A baseline that says nothing about this recording."""
    message = f"{size(evidence)}, but the baseline cannot be compared: {obstacle}"
    return message, "record both under the same schedule"


def clean_sentence(evidence: GrowthEvidence, kind: Kind, rules: Judging) -> str:
    """The growth within the budget; growth that is certain is called growth, with its size."""
    budget = f"within the budget of {rules.budget:.4g} B"
    if evidence.high >= rules.budget and evidence.live is not None:
        return (
            f"what is in use grows by at most {evidence.live.high_bytes:.1f} B a request, {budget}; resident memory "
            f"moves by {interval(evidence.resident.all)} without a trend beyond it ({describe(kind, evidence.live)})"
        )
    if kind is Kind.NONE:
        return f"no growth was seen: {interval(evidence.resident.all)} a request, {budget}"
    return f"{size(evidence)}, {budget} ({describe(kind, evidence.live)})"


def clean_hint(evidence: GrowthEvidence) -> str:
    """The growth that a CLEAN does not exclude, by the rule of three."""
    return f"a leak in fewer than one of {evidence.points.span_requests / 3:.0f} requests need not have shown"


def leak_sentence(evidence: GrowthEvidence, kind: Kind, rules: Judging) -> str:
    """The growth above the budget."""
    above = f"above the budget of {rules.budget:.4g} B"
    live = evidence.live
    if live is not None and evidence.leaked_low <= rules.budget:
        return (
            f"what is in use grows by {live.low_bytes:.1f} B a request or more, {above} ({describe(kind, live)}), "
            f"whatever resident memory shows: {interval(evidence.resident.all)}"
        )
    kept = (
        f"; {evidence.retained:.0f} B of it are retained by the allocator, not leaked" if evidence.retained >= 1 else ""
    )
    second = f"{evidence.resident.second.per_request:.0f} B in the second half"
    return f"{size(evidence)}, {above}, and {second} ({describe(kind, live)}{kept})"


def size(evidence: GrowthEvidence) -> str:
    """Growth of resident memory as the beginning of a sentence."""
    return f"memory grows by {interval(evidence.resident.all)} a request"


def interval(growth: Slope) -> str:
    """Growth and its interval."""
    return f"{_tenths(growth.per_request)} B ({_tenths(growth.low)} to {_tenths(growth.high)})"


def _tenths(number: float) -> str:
    """`number` with one decimal; what is no tenth is zero and has no sign."""
    return f"{round(number, 1) + 0.0:.1f}"


def versus(both: tuple[Slope, Slope], rules: Judging) -> str:
    """The difference to the baseline as the end of a sentence."""
    more, difference = both[0], differs(both, rules.budget)
    if not difference:
        return f"no more than the baseline for certain (difference {interval(more)})"
    direction = "more" if difference > 0 else "less"
    between = f"{_tenths(more.low)} to {_tenths(more.high)}"
    return f"{abs(more.per_request):.1f} B {direction} than the baseline (difference {between})"


def wider_grows(column: str, judged: str, message: str) -> tuple[str, str]:
    """For memory that only the wider of two readings shows."""
    return (
        f"{column} says that {message}, while {judged} does not grow: shared memory, or files that it maps",
        "record shmem_bytes, or look at /dev/shm, memfd and mappings of files in the process",
    )
