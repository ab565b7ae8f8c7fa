"""Carries out one step of a runbook: which action of a scenario is done by which function."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.scenario.actions import (
    Autoscale,
    CollectGarbage,
    CompressFiles,
    CopyOut,
    DeleteFiles,
    DeletePod,
    Exec,
    HttpCall,
    Kill,
    Prune,
    Recreate,
    Restart,
    RotateLog,
    Scale,
    SetEnv,
    SetLimits,
    TruncateLog,
)
from leakdrill.steps.autoscale import autoscale
from leakdrill.steps.compress_files import compress
from leakdrill.steps.copy_out import copy_out
from leakdrill.steps.delete_files import delete
from leakdrill.steps.delete_pod import delete_pod
from leakdrill.steps.exec import execute
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.files_inside import on_files_inside
from leakdrill.steps.gc import collect
from leakdrill.steps.http import call
from leakdrill.steps.kill import kill
from leakdrill.steps.prune import prune
from leakdrill.steps.recreate import recreate
from leakdrill.steps.restart import restart
from leakdrill.steps.rotate_log import rotate
from leakdrill.steps.scale import scale
from leakdrill.steps.set_env import set_env
from leakdrill.steps.set_limits import set_limits
from leakdrill.steps.truncate_log import truncate
from leakdrill.targets.base.capabilities import FilesInside
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.steps import Step
    from leakdrill.targets.base.capabilities import Target

__all__ = ["StepFailed", "carry_out"]

FOLDER: Final = "steps"
"""In the run folder; what a step keeps lies in a folder of its own below it."""


def carry_out(step: Step, target: Target, *, run_dir: Path | None = None) -> dict[str, str]:
    """Do what `step` says, and return facts for the record (a status, bytes freed).

    What `exec` and `copy_out` keep goes to a folder below `run_dir`, which only they need.

    None of these actions leaves something that outlives the target: what `exec` starts is in the journal and ends with
    the step, limits and variables go with the target, and a file that was deleted cannot be had back.

    Raises:
        StepFailed: when it was not done; says what was seen and what was expected.
    """
    match step.action:
        case Exec() as action:
            return execute(action, target, folder=_folder(run_dir, step), timeout_s=step.timeout)
        case CopyOut() as action:
            return copy_out(action, target, folder=_folder(run_dir, step), timeout_s=step.timeout)
        case CollectGarbage() as action:
            return collect(action, target, timeout_s=step.timeout)
        case HttpCall() | Restart() | SetLimits() | SetEnv() | Kill() | Recreate() | Prune() as action:
            return _on_the_service(action, target)
        case Scale() | Autoscale() | DeletePod() as action:
            return _on_replicas(action, target)
        case TruncateLog() | RotateLog() | DeleteFiles() | CompressFiles() as action:
            return _on_files(action, target, step, run_dir)


_OnTheService = HttpCall | Restart | SetLimits | SetEnv | Kill | Recreate | Prune


def _on_the_service(action: _OnTheService, target: Target) -> dict[str, str]:  # noqa: PLR0911 - one for each action
    match action:
        case Recreate():
            return recreate(action, target)
        case Prune():
            return prune(target)
        case HttpCall():
            return call(action, target)
        case Restart():
            return restart(target)
        case SetLimits():
            return set_limits(action, target)
        case SetEnv():
            return set_env(action, target)
        case Kill():
            return kill(action, target)


def _on_replicas(action: Scale | Autoscale | DeletePod, target: Target) -> dict[str, str]:
    match action:
        case Scale():
            return scale(action, target)
        case Autoscale():
            return autoscale(action, target)
        case DeletePod():
            return delete_pod(action, target)


_OnFiles = TruncateLog | RotateLog | DeleteFiles | CompressFiles


def _on_files(action: _OnFiles, target: Target, step: Step, run_dir: Path | None) -> dict[str, str]:
    if (inside := find_capability(target, FilesInside)) and inside.disk_inside:
        return on_files_inside(action, inside, folder=_folder(run_dir, step), timeout_s=step.timeout)
    match action:
        case TruncateLog():
            return truncate(action, target)
        case RotateLog():
            return rotate(action, target)
        case DeleteFiles():
            return delete(action, target)
        case CompressFiles():
            return compress(action, target)


def _folder(run_dir: Path | None, step: Step) -> Path:
    if run_dir is None:
        raise StepFailed("there is no run folder to keep anything in")
    return run_dir / FOLDER / (re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-") or "step")
