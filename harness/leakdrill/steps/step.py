"""Carries out one step of a runbook, by the file that is named as its action.

A step is its model in `scenario/actions.py`, a row of `Step` in `scenario/steps.py`, and the file here that is named by
its key: `act` does it, `NEEDS` lists capabilities of a target of which it needs one. The file is imported when a drill
comes to the step, so that one without `kill` needs neither psutil nor NVML. The model and the act are two files because
a stored plan is read where nothing is carried out.
"""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from leakdrill.errors import LeakdrillError
from leakdrill.steps.context import StepContext
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.steps import Step
    from leakdrill.steps.context import Surroundings
    from leakdrill.targets.base.capabilities import Target

__all__ = ["StepFailed", "carry_out", "kinds_with_step", "step_file"]

FOLDER: Final = "steps"
"""The folder in the run folder below which each step that keeps files has a folder of its own."""
_LONGEST_NAME: Final = 100
_DIGITS: Final = 8


class StepFile(Protocol):
    """The module of one action."""

    NEEDS: tuple[type, ...]
    """Capabilities of a target; one of them is needed. None: any target will do."""

    def act(self, action: Any, context: StepContext) -> dict[str, str]:
        """Does what `action` says, and returns facts for the record.

        Raises:
            StepFailed: when it was not done.
            LeakdrillError: likewise, from the target.
        """


def step_file(key: str) -> StepFile:
    """Returns the module that carries out the action `key`."""
    return cast("StepFile", import_module(f"leakdrill.steps.{key}"))


def kinds_with_step(key: str) -> list[str]:
    """Returns the kinds of target on which the action `key` can be carried out, by their names."""
    needs = step_file(key).NEEDS
    return [kind.name for kind in KINDS if not needs or any(kind.has(wanted) for wanted in needs)]


def carry_out(
    step: Step, target: Target, *, run_dir: Path | None = None, surroundings: Surroundings | None = None
) -> dict[str, str]:
    """Does what `step` says, and returns facts for the record (a status, bytes freed).

    What `exec`, `command` and `copy_out` keep goes to a folder below `run_dir`, which only they need.

    None of the actions leaves something that outlives the target; `Action.undo` says how each is taken back.

    Raises:
        StepFailed: when it was not done; says what happened and what was expected.
    """
    kept_in = run_dir and run_dir / FOLDER / folder_name(step.name)
    context = StepContext(step.action_name, target, step.timeout, kept_in, surroundings)
    try:
        return step_file(step.action_name).act(step.action, context)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e


def folder_name(name: str) -> str:
    """The name of the folder of the step `name`: its words, and a digest of the name where they do not say all of it.

    Two names that differ in their punctuation only have folders of their own.
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST_NAME].strip("-") or "step"
    if words.replace("-", " ") == name:
        return words
    return f"{words}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"
