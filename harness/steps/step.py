"""Carries out one step of a runbook: which action of a scenario is done by which function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.scenario import CollectGarbage, HttpCall, Restart, RotateLog, TruncateLog
from harness.steps.failure import StepFailed
from harness.steps.gc import collect
from harness.steps.http import call
from harness.steps.restart import restart
from harness.steps.rotate_log import rotate
from harness.steps.truncate_log import truncate

if TYPE_CHECKING:
    from harness.scenario import Step
    from harness.targets.target import Target

__all__ = ["StepFailed", "carry_out"]


def carry_out(step: Step, target: Target) -> dict[str, str]:
    """Do what `step` says, and return facts for the record (a status, bytes freed).

    None of these actions needs undo data: a request is taken back by another step, a restart leaves nothing behind, and
    a log that was cut cannot be had back.

    Raises:
        StepFailed: when it was not done; says what was seen and what was expected.
    """
    match step.action:
        case HttpCall() as action:
            return call(action, target)
        case Restart():
            return restart(target)
        case CollectGarbage() as action:
            return collect(action, target, timeout_s=step.timeout)
        case TruncateLog() as action:
            return truncate(action, target)
        case RotateLog() as action:
            return rotate(action, target)
        case action:
            raise StepFailed(f"{type(action).__name__}: no step does this")
