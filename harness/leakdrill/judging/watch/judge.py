"""All checks of a watched run, in the order in which a person would ask. Pure: a plan and a history."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.check import Case, Check, judge_all
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.in_doubt import found_doubts, in_doubt
from leakdrill.judging.watch.budgets import (
    command_succeeds,
    memory_is_measured,
    peak_stays_near_baseline,
    peak_stays_within_budget,
)
from leakdrill.judging.watch.watch_doubts import watch_doubts

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict


def judge_watch(history: History, plan: WatchPlan) -> list[Verdict]:
    """One verdict for each claim that `plan` makes. A PASS on a record that contradicts itself is UNKNOWN."""
    with np.errstate(all="ignore"):  # a number that is none is a doubt, and no warning on the terminal
        doubts = found_doubts(partial(watch_doubts, history, plan)) if len(history) else []
        return [in_doubt(verdict, doubts, of_all=False, it="it") for verdict in judge_all(CHECKS, history, plan)]


def _where(
    applies: Callable[[WatchPlan], bool], name: str, sentence: str, judge: Callable[..., Verdict]
) -> tuple[Check[WatchPlan]]:
    def cases(history: History, plan: WatchPlan) -> list[Case]:
        return [Case(Claim(name), partial(judge, history, plan=plan))] if applies(plan) else []

    return (Check({name: sentence}, cases),)


CHECKS: Final = (
    _where(
        lambda _plan: True,
        "command_succeeds",
        "The command ended by itself with exit code 0, in the last attempt.",
        command_succeeds,
    ),
    _where(lambda _plan: True, "memory_is_measured", "The command's memory was read throughout.", memory_is_measured),
    _where(
        lambda plan: plan.limit_bytes is not None,
        "peak_stays_within_budget",
        "All processes of the command together never used more than the limit.",
        peak_stays_within_budget,
    ),
    _where(
        lambda plan: plan.baseline is not None or bool(plan.incomparable),
        "peak_stays_near_baseline",
        "The peak is no more than the tolerance above the highest that the baseline records.",
        peak_stays_near_baseline,
    ),
)
