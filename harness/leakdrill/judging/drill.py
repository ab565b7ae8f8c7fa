"""All checks of a drill: one row for each, in the order in which a person would ask."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.alerting_attribution import excused_by_alerting
from leakdrill.judging.attribution import Attribution
from leakdrill.judging.checks.alerts import IN_TIME, NOTIFIED
from leakdrill.judging.checks.completeness import COMPLETE
from leakdrill.judging.checks.gpu import GPU_ANSWERS
from leakdrill.judging.checks.gpu_sharing import GPU_IS_OWN
from leakdrill.judging.checks.growth import LEAK_GROWS
from leakdrill.judging.checks.limits import BEFORE_DISK_FULL, BEFORE_OOM_KILL, KEEPS_RUNNING
from leakdrill.judging.checks.load import AS_ASKED
from leakdrill.judging.checks.requests import ERROR_RATE, LATENCY, SURVIVE_STEPS
from leakdrill.judging.checks.resolution import RESOLVES
from leakdrill.judging.checks.return_to_baseline import RETURNS, STAYS
from leakdrill.judging.checks.silence import SILENT
from leakdrill.judging.checks.spread import SPREAD
from leakdrill.judging.checks.steps import STEPS
from leakdrill.judging.checks.torch_memory import OUT_OF_MEMORY, TORCH_RETURNS, TORCH_STAYS
from leakdrill.judging.doubted import doubted, find_doubts
from leakdrill.judging.evidence.check import Check, judge_all
from leakdrill.judging.gpu_attribution import attributed_to_target
from leakdrill.judging.machine_attribution import excused_by_machine
from leakdrill.judging.platform_attribution import excused_by_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

CHECKS: Final[tuple[tuple[Check[Scenario], ...], ...]] = (
    (LEAK_GROWS,),
    (STAYS,),
    (TORCH_STAYS,),
    (IN_TIME, BEFORE_OOM_KILL, BEFORE_DISK_FULL, NOTIFIED),
    (SILENT,),
    (STEPS,),
    (RESOLVES,),
    (RETURNS,),
    (TORCH_RETURNS,),
    (AS_ASKED,),
    (ERROR_RATE,),
    (LATENCY,),
    (SURVIVE_STEPS,),
    (OUT_OF_MEMORY,),
    (SPREAD,),
    (KEEPS_RUNNING,),
    (GPU_ANSWERS,),
    (GPU_IS_OWN,),
    (COMPLETE,),
)
"""One row for each question; checks that share a row are asked of one subject after the other."""


def judge(
    history: History,
    scenario: Scenario,
    machine: Mapping[str, str | int] = MappingProxyType({}),
    *,
    claims: Callable[[History], list[Verdict]] | None = None,
) -> list[Verdict]:
    """One verdict for each claim that `scenario` makes. Never raises: a check that does is UNKNOWN.

    A PASS that rests on a part of the record that contradicts itself, or `machine`, is UNKNOWN.

    Args:
        history: the record.
        scenario: what is claimed.
        machine: the one that the drill ran on, as `run.json` describes it.
        claims: what judges a record; default: `judge_claims`, with the claims of `scenario`.
    """
    judged = claims or partial(judge_claims, scenario=scenario)
    attribution = Attribution(history, judged)
    with np.errstate(all="ignore"):  # a number that is none is a doubt, and no warning on the terminal
        verdicts = attributed_to_target(judged(history), history, scenario, attribution)
        verdicts = excused_by_alerting(verdicts, history, scenario, attribution)
        verdicts = excused_by_platform(verdicts, history, attribution)
        verdicts = excused_by_machine(verdicts, history, scenario)
        return doubted(verdicts, find_doubts(history, scenario, machine), scenario)


def judge_claims(history: History, scenario: Scenario) -> list[Verdict]:
    """The verdicts as if every line of `history` were true, and everything that failed the target's doing."""
    return judge_all(CHECKS, history, scenario)
