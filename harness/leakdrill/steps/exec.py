"""Run a command beside the service, as an operator does, and keep what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Executable, Neighboured
from leakdrill.targets.kinds import capability
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.actions import Exec
    from leakdrill.targets.base.capabilities import Target

OUTPUT: Final = "output.txt"
_SHOWN_CHARS: Final = 300
_READ_BYTES: Final = 4096


def execute(action: Exec, target: Target, *, folder: Path, timeout_s: float) -> dict[str, str]:
    """Run the command to its end and expect one exit status; its output is kept in `folder`.

    What it left running is ended. What it changed is not undone: another step of the scenario does that.

    Raises:
        StepFailed: when it cannot be run here, does not end in time, or ends with another status.
    """
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / OUTPUT
    try:
        status = _run(action, target, output, timeout_s)
    except LeakdrillError as e:
        raise StepFailed(f"{e}{said(output)}") from e
    if status != action.expect_exit:
        raise StepFailed(
            f"{' '.join(action.command)}: ended with status {status}; expected {action.expect_exit}{said(output)}"
        )
    return {"exit": str(status), "output": str(output), "output_size": show_size(output.stat().st_size)}


def _run(action: Exec, target: Target, output: Path, timeout_s: float) -> int:
    if action.service is None:
        return capability(target, Executable, step="exec").execute(action.command, output=output, timeout_s=timeout_s)
    return capability(target, Neighboured, step="exec.service").execute_beside(
        action.service, action.command, output=output, timeout_s=timeout_s
    )


def said(output: Path) -> str:
    """The end of what the command said, as the end of a sentence; empty when it said nothing."""
    text = output.read_bytes()[-_READ_BYTES:].decode(errors="replace") if output.exists() else ""
    line = " ".join(text.split())
    shown = line if len(line) <= _SHOWN_CHARS else f"…{line[-_SHOWN_CHARS:]}"
    return f"; it said: {shown}" if shown else ""
