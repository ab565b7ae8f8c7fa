"""How much more time would settle a gate's UNKNOWN, as a setting that can be pasted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.decision_rules import LEAST_LONGER, times_longer
from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome

if TYPE_CHECKING:
    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.scenario.gate import Gate

_FILLING_TIMES: Final = 3.0
"""What declines is seen to end, or to go on, in three times as long."""
_LONGEST_S: Final = 3600.0
_MINUTE_S: Final = 60


def longer_run(verdict: LeakVerdict, gate: Gate) -> str:
    """Returns the setting with which a run would take long enough, such as `gate: {at_most: 9m}`.

    Empty where the verdict is certain, where more of the same would not settle it, or where an hour would not do. What
    is judged gets longer, warm-up does not.
    """
    if verdict.outcome is not LeakOutcome.UNKNOWN or not verdict.more_would_settle or not verdict.judged_s > 0:
        return ""
    seconds = gate.at_most + (_times(verdict) - 1) * verdict.judged_s
    return f"gate: {{at_most: {math.ceil(seconds / _MINUTE_S)}m}}" if seconds <= _LONGEST_S else ""


def _times(verdict: LeakVerdict) -> float:
    """How many times as long what is judged must last."""
    if verdict.kind is Kind.FILLING:
        return _FILLING_TIMES
    return max(times_longer(verdict.growth, verdict.budget), LEAST_LONGER)
