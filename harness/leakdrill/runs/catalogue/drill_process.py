"""One drill as a process of its own: started, watched, stopped so that it undoes what it did."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Final

import orjson

from leakdrill.files import read_below, real_path, users_umask
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.reaped import reap
from leakdrill.record.ownership import OWNER_FILE
from leakdrill.runs.catalogue.drill_result import DrillResult, verdicts_in
from leakdrill.runs.watchdog import superior_pipe

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.runs.catalogue.schedule import PlannedDrill

_LAST_CHARACTERS: Final = 4000


class DrillProcess:
    """`leakdrill run SCENARIO`, in a session of its own: what a terminal sends on Ctrl-C reaches us and not it.

    Should this process die, the drill's watchdog ends the drill.

    Args:
        drill: what is run.
        runs: where its record goes.
    """

    def __init__(self, drill: PlannedDrill, runs: Path) -> None:
        self.drill = drill
        self._runs = runs
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the result
        self._began = time.monotonic()
        # -P: a folder of the user's called `leakdrill` must not be taken for ours.
        command = [sys.executable, "-P", "-m", "leakdrill", "run", str(drill.path), "--runs", str(runs)]
        command += ["--on", drill.on] if drill.on else []
        command += ["--allow", drill.allow] if drill.allow else []
        stdin, self._pipe, tied = superior_pipe()
        self._process = subprocess.Popen(
            with_default_sigint(command),
            env={**os.environ, **tied},
            stdin=stdin,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=users_umask(),
        )
        os.close(stdin)

    @property
    def age_s(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._began

    def ended(self) -> bool:
        """Whether it is over."""
        return self._process.poll() is not None

    def interrupt(self) -> None:
        """Ask it to undo everything and end; by SIGTERM, because it may have been started to ignore SIGINT."""
        if not self.ended():
            self._process.terminate()

    def kill(self) -> None:
        """End it at once; its journal tells what is to be undone."""
        self._process.kill()
        reap(self._process)

    def result(self) -> DrillResult:
        """Returns its result, once it has ended."""
        seconds, code = self.age_s, self._process.wait()
        folder = self._folder()
        verdicts = verdicts_in(folder)
        trouble = "" if code in (0, 1, 2) and verdicts else self._last_message(code)
        self._output.close()
        os.close(self._pipe)
        return DrillResult(
            name=self.drill.name,
            exit_code=code,
            seconds=seconds,
            budget_s=self.drill.budget_s,
            folder=folder,
            verdicts=verdicts,
            trouble=trouble,
        )

    def _folder(self) -> Path | None:
        """Returns its run folder: the newest of its scenario in which its process id stands."""
        parent = real_path(self._runs) / self.drill.name.replace("/", "-")
        owners = sorted(path for path in parent.glob(f"2*/{OWNER_FILE}") if _owner(path) == self._process.pid)
        return owners[-1].parent if owners else None

    def _last_message(self, code: int) -> str:
        """Returns the error it ended with, or its last line."""
        self._output.seek(max(0, self._output.seek(0, 2) - _LAST_CHARACTERS))
        lines = [line.strip() for line in self._output.read().decode(errors="replace").splitlines() if line.strip()]
        errors = [line.removeprefix("leakdrill: ") for line in lines if line.startswith("leakdrill: ")]
        message = (errors or lines or ["it said nothing"])[-1]
        return f"ended with exit code {code}: {message}"


def _owner(path: Path) -> object:
    """The process id that `path` says; None where it is no such file, whoever put it there."""
    try:
        owner = orjson.loads(read_below(path.parent, path.name))
    except (OSError, orjson.JSONDecodeError):
        return None
    return owner.get("pid") if isinstance(owner, dict) else None
