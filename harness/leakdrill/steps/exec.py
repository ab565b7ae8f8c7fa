"""Run a command beside the service, as an operator does, and keep its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.output import OUTPUT, output_tail
from leakdrill.targets.base.capabilities import Executable, Neighboured
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.actions import Exec
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Executable, Neighboured)


def act(action: Exec, context: StepContext) -> dict[str, str]:
    """Runs the command to its end and expects one exit status; what it left running is ended.

    Raises:
        StepFailed: when it cannot be run here, does not end in time, or ends with another status.
    """
    output = context.folder / OUTPUT
    try:
        status = _run(action, context, output)
    except LeakdrillError as e:
        raise StepFailed(f"{e}{output_tail(output)}") from e
    if status != action.expect_exit:
        command = " ".join(action.command)
        raise StepFailed(f"{command}: ended with status {status}; expected {action.expect_exit}{output_tail(output)}")
    return {"exit": str(status), "output": str(output), "output_size": show_size(output.stat().st_size)}


def _run(action: Exec, context: StepContext, output: Path) -> int:
    if action.service is None:
        return context.require(Executable).execute(action.command, output=output, timeout_s=context.timeout_s)
    return context.require(Neighboured, detail=".service").execute_beside(
        action.service, action.command, output=output, timeout_s=context.timeout_s
    )
