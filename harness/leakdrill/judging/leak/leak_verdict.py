"""LEAK, CLEAN or UNKNOWN: the verdict on one recording, and what it rests on.

A LEAK needs all of these, and a missing one makes it UNKNOWN: growth whose lower confidence bound is above the budget
without what allocators keep; growth that goes on in the second half and does not decline; time enough that nothing
which lives for a while can explain it; load that did not simply rise. With a baseline, the same schedule in another
build takes the place of the time, since it grew through the same; then the difference must persist.

CLEAN needs an upper bound below the budget, steps included that were not seen but could still come. Growth within the
budget is named with its size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak import sentences
from leakdrill.judging.leak.decision_rules import (
    DEFAULT_BUDGET,
    DEFAULT_CONFIDENCE,
    DEFAULT_LONGEST_TTL_S,
    Judging,
    above,
    above_from_the_start,
    declines,
    differs,
    within,
)
from leakdrill.judging.leak.difference import difference, incomparable_reason
from leakdrill.judging.leak.growth_evidence import FEWEST_JUDGED, gather
from leakdrill.judging.leak.growth_kind import PAGE_BYTES, Kind
from leakdrill.judging.leak.level_shifts import without_level_shifts
from leakdrill.judging.leak.quiescent_points import points
from leakdrill.judging.leak.slope import NOTHING_KNOWN
from leakdrill.record.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from leakdrill.judging.leak.growth_evidence import GrowthEvidence
    from leakdrill.judging.leak.quiescent_points import Points
    from leakdrill.judging.leak.slope import Slope
    from leakdrill.judging.leak.trace import Trace


_FALLS: Final = 2
"""A service may let go of much once; whoever does so again was started anew."""
_DIGITS: Final = 9
"""Of a byte a request: beyond them stands what rounding left, which differs from machine to machine."""
_LEAST_BYTES: Final = 16 * PAGE_BYTES
"""A process that is smaller serves nothing."""


class LeakOutcome(StrEnum):
    """The outcome of a leak verdict."""

    LEAK = "LEAK"
    CLEAN = "CLEAN"
    UNKNOWN = "UNKNOWN"

    @property
    def check_outcome(self) -> Outcome:
        """The outcome of the check: FAIL, PASS or UNKNOWN."""
        return {LeakOutcome.LEAK: Outcome.FAIL, LeakOutcome.CLEAN: Outcome.PASS, LeakOutcome.UNKNOWN: Outcome.UNKNOWN}[
            self
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakVerdict:
    """The answer.

    Attributes:
        outcome: LEAK, CLEAN or UNKNOWN.
        message: one sentence a person understands.
        hint: for UNKNOWN what would settle it, for LEAK where to look.
        kind: what grew.
        growth: of resident memory, bytes per request, after warm-up.
        second_half: the same on the second half of that.
        in_use: growth of all that is in use, bytes per request, where the recording has it to the byte.
        retained: of it, bytes per request that allocators keep although nobody uses them.
        difference: to the baseline, where there is one that can be compared.
        differs: 1 when it grows more than that, -1 when less, 0 when neither is certain.
        budget: bytes per request that may be lost.
        column: the readings that it rests on.
        level_bytes: RSS at the end, or `column` where it was not recorded.
        peak_bytes: its highest reading, under load too where that was recorded.
        warmup_points: points given up as warm-up.
        judged_points, judged_requests, judged_s: what was left.
        more_would_settle: for UNKNOWN whether the same recording, only longer, could say more.
    """

    outcome: LeakOutcome
    message: str
    hint: str
    kind: Kind
    growth: Slope
    second_half: Slope
    in_use: Slope | None
    retained: float
    difference: Slope | None
    differs: int
    budget: float
    column: str
    level_bytes: float
    peak_bytes: float
    warmup_points: int
    judged_points: int
    judged_requests: float
    judged_s: float
    more_would_settle: bool

    def as_verdict(self, subject: str = "") -> Verdict:
        """The verdict in the form of a check, for reports and exit codes."""
        return Verdict(
            check="memory_does_not_leak",
            subject=subject,
            outcome=self.outcome.check_outcome,
            message=self.message,
            numbers=self.numbers(),
            hint=self.hint,
        )

    def numbers(self) -> dict[str, float | str | None]:
        """The figures, flat, under names with units; no value is infinite."""
        figures = {
            "growth": self.growth,
            "second_half_growth": self.second_half,
            **({"in_use_growth": self.in_use} if self.in_use else {}),
            **({"difference": self.difference} if self.difference else {}),
        }
        slopes = {
            f"{name}_{end}bytes_per_request": round(value, _DIGITS) + 0.0 if abs(value) < float("inf") else None
            for name, s in figures.items()
            for end, value in (("", s.per_request), ("low_", s.low), ("high_", s.high))
        }
        return {
            **slopes,
            "retained_bytes_per_request": self.retained,
            "budget_bytes_per_request": self.budget,
            "level_bytes": self.level_bytes,
            "peak_bytes": self.peak_bytes,
            "judged_requests": self.judged_requests,
            "judged_s": self.judged_s,
            "kind": str(self.kind),
            "column": self.column,
        }


_MEASURE: Final = "measure again; the numbers of a recording are those of a running process"


def judge_trace(
    candidate: Trace,
    baseline: Trace | None = None,
    *,
    budget_bytes_per_request: float = DEFAULT_BUDGET,
    confidence: float = DEFAULT_CONFIDENCE,
    longest_ttl_s: float = DEFAULT_LONGEST_TTL_S,
) -> LeakVerdict:
    """Whether the process in `candidate` leaks more than `budget_bytes_per_request`.

    Args:
        candidate: the recording to judge.
        baseline: a recording of a build that is taken as good, under the same schedule.
        budget_bytes_per_request: bytes that each completed request may leave behind.
        confidence: of the two-sided intervals.
        longest_ttl_s: the longest time for which the service keeps anything on purpose; younger growth proves nothing.
    """
    rules = Judging(budget=budget_bytes_per_request, confidence=confidence, longest_ttl_s=longest_ttl_s)
    if wrong := next((one.impossible for one in (candidate, baseline) if one and one.impossible), ""):
        finding = _Finding(LeakOutcome.UNKNOWN, Kind.NONE, wrong, _MEASURE)
        return _verdict(candidate, None, None, finding, rules)
    series = points(candidate, after_s=_skipped_s(candidate, rules))
    if (reason := _unjudgeable(series, candidate)) is not None:
        return _verdict(candidate, None, None, _Finding(LeakOutcome.UNKNOWN, Kind.NONE, *reason), rules)
    alone, evidence = _alone_or_between_shifts(
        series, gather(series, confidence=confidence, longest_ttl_s=longest_ttl_s), rules
    )
    if alone.outcome is LeakOutcome.CLEAN and (wider := _wider_column(candidate)):
        alone = _unless_it_grows(alone, candidate, wider, rules)
    if alone.outcome is LeakOutcome.UNKNOWN and (falls := _falls(candidate)):
        message, hint = sentences.fell(candidate.resident, falls)
        alone = replace(alone, message=message, hint=hint)
    if baseline is None:
        return _verdict(candidate, evidence, None, alone, rules)
    other = points(baseline, after_s=_skipped_s(candidate, rules))
    obstacle = incomparable_reason(series, other, rate_matters=evidence.rate_rises)
    if obstacle:
        unlike = _Finding(LeakOutcome.UNKNOWN, alone.kind, *sentences.not_comparable(evidence, obstacle))
        return _verdict(candidate, evidence, None, unlike, rules)
    more = difference(series, other, confidence=confidence)
    return _verdict(candidate, evidence, more, _against(alone, evidence, more, rules), rules)


def _unjudgeable(series: Points, recording: Trace) -> tuple[str, str] | None:
    if len(recording) >= FEWEST_JUDGED and recording.requests[-1] == recording.requests[0]:
        return sentences.no_requests(len(recording))
    if len(series) < FEWEST_JUDGED:
        return sentences.too_short(series)
    most_bytes = float(recording.resident.max())
    return sentences.too_small(most_bytes, recording.resident_name) if most_bytes < _LEAST_BYTES else None


def _falls(recording: Trace) -> list[int]:
    """The samples at which memory had fallen by more than half of what it ranges over; none where that was once."""
    resident = recording.resident
    falls = np.flatnonzero(-np.diff(resident) > np.ptp(resident) / 2) + 1
    return falls.tolist() if len(falls) >= _FALLS else []


@dataclass(frozen=True, slots=True)
class _Finding:
    outcome: LeakOutcome
    kind: Kind
    message: str
    hint: str
    more_would_settle: bool = False


def _open(kind: Kind, texts: tuple[str, str]) -> _Finding:
    """An UNKNOWN that a longer recording may settle."""
    return _Finding(LeakOutcome.UNKNOWN, kind, *texts, more_would_settle=True)


def _skipped_s(trace: Trace, rules: Judging) -> float:
    """Seconds of a continuous recording that are warm-up in any case; none when little more would be left."""
    return rules.longest_ttl_s if len(trace) and trace.t[-1] >= 2 * rules.longest_ttl_s else 0.0


def _alone_or_between_shifts(
    series: Points, evidence: GrowthEvidence, rules: Judging
) -> tuple[_Finding, GrowthEvidence]:
    """The verdict without a baseline, and what it rests on: an UNKNOWN is judged again between level shifts."""
    alone = _alone(evidence, rules)
    if alone.outcome is not LeakOutcome.UNKNOWN or not series.quiet:
        return alone, evidence
    evened, shifts = without_level_shifts(series)
    if not shifts:
        return alone, evidence
    between = gather(evened, confidence=rules.confidence, longest_ttl_s=rules.longest_ttl_s)
    again = _alone(between, rules)
    shifted = sentences.shifted(shifts)
    if again.outcome is LeakOutcome.LEAK:
        return replace(again, message=f"{again.message}; {shifted}, which is left out"), between
    return replace(alone, message=f"{alone.message}; {shifted}; {sentences.otherwise(between)}"), evidence


def _wider_column(trace: Trace) -> str:
    """The column that holds more kinds of memory than the one that is judged, such as shared memory; empty for none."""
    return next((name for name in ("rss", "pss") if name in trace.columns and name != trace.resident_name), "")


def _unless_it_grows(alone: _Finding, trace: Trace, column: str, rules: Judging) -> _Finding:
    """UNKNOWN in place of CLEAN where `column` leaks by itself: shared memory is not anonymous."""
    series = points(replace(trace, columns={column: trace.columns[column]}), after_s=_skipped_s(trace, rules))
    found = _alone(gather(series, confidence=rules.confidence, longest_ttl_s=rules.longest_ttl_s), rules)
    if found.outcome is not LeakOutcome.LEAK:
        return alone
    return _open(found.kind, sentences.wider_grows(column, trace.resident_name, found.message))


def _alone(evidence: GrowthEvidence, rules: Judging) -> _Finding:
    """The verdict on one recording as it is."""
    kind = evidence.kind
    if within(evidence, rules):
        message = sentences.clean_sentence(evidence, kind, rules)
        return _Finding(LeakOutcome.CLEAN, kind, message, sentences.clean_hint(evidence))
    if evidence.rate_rises and evidence.resident.all.per_request > rules.budget:
        return _Finding(LeakOutcome.UNKNOWN, Kind.FOLLOWS_RATE, *sentences.follows_rate(evidence))
    if not (above(evidence, rules) and above_from_the_start(evidence, rules)):
        stepped = evidence.unseen_steps > 0 and evidence.resident.all.high < rules.budget
        return _open(Kind.STEPS if stepped else kind, sentences.either_way(evidence, kind, rules))
    if declines(evidence):
        return _open(Kind.FILLING, sentences.filling(evidence, rules))
    if not evidence.outlasts_ttl:
        return _open(kind, sentences.too_young(evidence, rules))
    return _leak(evidence, kind, rules)


def _leak(evidence: GrowthEvidence, kind: Kind, rules: Judging) -> _Finding:
    return _Finding(LeakOutcome.LEAK, kind, sentences.leak_sentence(evidence, kind, rules), sentences.LOOK[kind])


def _against(alone: _Finding, evidence: GrowthEvidence, more: tuple[Slope, Slope], rules: Judging) -> _Finding:
    """The verdict with the difference to a baseline, whole and in the second half."""
    versus = sentences.versus(more, rules)
    if alone.outcome is LeakOutcome.CLEAN or not above(evidence, rules):
        return replace(alone, message=f"{alone.message}; {versus}")
    if differs(more, rules.budget) <= 0:
        return _open(alone.kind, sentences.nothing_added(evidence, more, rules))
    finding = _leak(evidence, evidence.kind, rules)
    return replace(finding, message=f"{finding.message}; {versus}")


def _verdict(
    trace: Trace, evidence: GrowthEvidence | None, more: tuple[Slope, Slope] | None, finding: _Finding, rules: Judging
) -> LeakVerdict:
    rss = trace.columns.get("rss", trace.resident)
    under_load = trace.columns.get("rss_before", rss)
    return LeakVerdict(
        outcome=finding.outcome,
        message=finding.message,
        hint=finding.hint,
        kind=finding.kind,
        growth=evidence.resident.all if evidence else NOTHING_KNOWN,
        second_half=evidence.resident.second if evidence else NOTHING_KNOWN,
        in_use=evidence.in_use.all if evidence and evidence.in_use else None,
        retained=evidence.retained if evidence else 0.0,
        difference=more[0] if more else None,
        differs=differs(more, rules.budget) if more else 0,
        budget=rules.budget,
        column=trace.resident_name,
        level_bytes=float(rss[-1]) if len(trace) else 0.0,
        peak_bytes=float(max(rss.max(), under_load.max())) if len(trace) else 0.0,
        warmup_points=evidence.warmup_points if evidence else 0,
        judged_points=len(evidence.points) if evidence else 0,
        judged_requests=evidence.points.span_requests if evidence else 0.0,
        judged_s=evidence.points.span_s if evidence else 0.0,
        more_would_settle=finding.more_would_settle,
    )
