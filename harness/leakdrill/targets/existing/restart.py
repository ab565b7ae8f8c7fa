"""Restarts a service that runs already, as an operator would, and finds the process that serves afterwards."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.files import users_umask
from leakdrill.load.log_masking import mask_log
from leakdrill.targets.base.placeholders import find_program
from leakdrill.targets.existing.search import find_process
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

    from leakdrill.scenario.target import ProcessTarget

LOG_FILE: Final = "restart.log"
"""In the run folder: what the command has written."""
_OURS: Final = "LEAKDRILL_"


def run_restart(spec: ProcessTarget, *, folder: Path, run_dir: Path) -> None:
    """Run the command that restarts it, in `folder`; its output goes to `LOG_FILE` in `run_dir`.

    It carries no mark of the run: what it starts is not ours to end.

    Raises:
        BadInput: when nothing says how, or the program is not there.
        EnvironmentProblem: when it fails.
    """
    argv = spec.restarts_with
    if not argv:
        raise BadInput(f"target '{spec.name}': nothing says how it is restarted; expected target.restart_command")
    program = find_program(argv[0], cwd=folder, path=os.environ.get("PATH"), place="restart_command")
    output = run_dir / LOG_FILE
    try:
        with output.open("ab") as sink:
            done = subprocess.run(
                [program, *argv[1:]],
                cwd=folder,
                env={name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=users_umask(),
                timeout=spec.ready.timeout,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise EnvironmentProblem(f"target '{spec.name}' could not be restarted: {e}") from e
    finally:
        mask_log(output)
    if done.returncode:
        raise EnvironmentProblem(
            f"target '{spec.name}' could not be restarted: {argv[0]} ended with {done.returncode}",
            hint=f"read {output}",
        )


def next_process(spec: ProcessTarget, before: psutil.Process) -> psutil.Process:
    """The process that serves after a restart, once it is there.

    Raises:
        TargetNotReady: when it does not come.
    """

    def found() -> psutil.Process | None:
        try:
            process = find_process(spec)
        except BadInput:
            return None  # it is not up yet
        return process if process != before else None

    try:
        return wait_for(found, what="another process of the service", timeout_s=spec.ready.timeout)
    except TimedOut as e:
        raise TargetNotReady(f"target '{spec.name}' was restarted, and no other process came up: {e}") from e
