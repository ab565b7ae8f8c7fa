"""All checks that apply to a watched run, in the order in which a person would ask. Pure: a plan and a history."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from leakdrill.judging.evidence.check import run_check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.watch.budgets import (
    command_succeeds,
    memory_is_measured,
    peak_stays_near_baseline,
    peak_stays_within_budget,
)

if TYPE_CHECKING:
    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict


def judge_watch(history: History, plan: WatchPlan) -> list[Verdict]:
    """One verdict for each claim that `plan` makes."""
    checks = [command_succeeds, memory_is_measured]
    if plan.limit_bytes is not None:
        checks.append(peak_stays_within_budget)
    if plan.baseline is not None or plan.incomparable:
        checks.append(peak_stays_near_baseline)
    return [run_check(Claim(check.__name__), partial(check, history, plan=plan)) for check in checks]
