"""One command beside the target: in its environment and folder, outside of its control group, and gone afterwards.

It runs outside because what an operator starts to look at a service must not count as the service's memory, nor be
ended with it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import new_file, users_umask
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE
from leakdrill.machine.undo import UNDO
from leakdrill.masking import masked_tree
from leakdrill.record.journal_header import MARK_VARIABLE
from leakdrill.record.undo import take_back
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.record.journal import Journal

PART: Final = "step"
"""Value of `LEAKDRILL_PART` in what a step runs."""


def execute(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: Path, timeout_s: float, journal: Journal
) -> int:
    """Run `argv` to its end and return its exit status; whatever it left running is ended, in time or not.

    Raises:
        EnvironmentProblem: when the system refuses to start it, or it ran for longer than `timeout_s`.
    """
    entry = journal.plan("process", run_id=env[RUN_ID_VARIABLE], part=PART, command=masked_tree(list(argv)))
    process: subprocess.Popen[bytes] | None = None
    try:
        with new_file(output) as sink:
            process = subprocess.Popen(
                with_default_sigint(argv),
                env={**env, PART_VARIABLE: PART, MARK_VARIABLE: journal.mark},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=users_umask(),
            )
        entry = journal.done(entry, pid=process.pid, create_time=psutil.Process(process.pid).create_time())
        return process.wait(timeout_s)
    except OSError as e:
        raise EnvironmentProblem(f"{argv[0]} could not be started in {cwd}: {e.strerror} ({e.filename})") from e
    except subprocess.TimeoutExpired as e:
        raise EnvironmentProblem(f"{argv[0]} was still running after {show_duration(timeout_s)}, and was ended") from e
    finally:
        reason = take_back(journal, entry, UNDO)
        if process and not reason:
            process.wait()
