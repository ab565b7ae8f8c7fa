"""Plays one cell: begins a drill, sends the signal in the phase that the cell names, and counts what is left."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING, Any, Final

import orjson
from kill_left import MARK, Traces
from kill_plan import STEP

from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.record.store import RunFolder
from leakdrill.runs.undo import clean_runs
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from kill_plan import Cell

DEADLINE_S: Final = 10.0
"""From the drill's death until nothing of it may be there any more."""

_NAMESPACE_TIMEOUT_S: Final = 90.0
_WAITS: Final = ("namespaces ", "deployments ", "configmaps ", "journal entry namespace ")
"""A cluster takes its time over a namespace in which nothing runs any more; the watchdog waits for it."""

_AGAIN_S: Final = 1.0
"""Nothing may come back within this time after it was gone."""

_PHASE_TIMEOUT_S: Final = {"process": 60.0, "docker": 120.0, "compose": 240.0, "kubernetes": 240.0}
_UNDO_TIMEOUT_S: Final = 90.0
_INTERRUPTED: Final = 130
_OWN_CODES: Final = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one cell.

    Attributes:
        name: the cell's.
        came: whether the signal found the drill in the phase and alive; else the cell says nothing.
        code: the drill's exit code; negative for a signal.
        gone_after_s: from the drill's death until nothing was left; None when that did not come in time.
        left: what was there after ten seconds.
        wrong: what else is not as it should be, such as an exit code.
    """

    name: str
    came: bool
    code: int | None
    gone_after_s: float | None
    left: list[str]
    wrong: str

    @property
    def fault(self) -> bool:
        """Whether it shows that something was left behind, or ended as it must not."""
        return bool(self.left or self.wrong)

    def as_line(self) -> bytes:
        """A line of the file of results."""
        return orjson.dumps(asdict(self), option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_line(cls, line: bytes) -> Result:
        """What `as_line` wrote."""
        fields: dict[str, Any] = orjson.loads(line)
        return cls(**fields)


def play(cell: Cell) -> Result:
    """Play the cell, and leave nothing of it, whatever it shows."""
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    temp, runs = folder / "t", folder / "r"
    temp.mkdir()
    runs.mkdir()
    mark = secrets.token_hex(8)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            with_default_sigint(_command(cell, runs)),
            env={**os.environ, MARK: mark, "TMPDIR": str(temp)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        came = _send(cell, process, runs)
        result = _look(cell, process, Traces(mark, _run_id(runs), temp, runs, process.pid), came=came)
    finally:
        process.kill()
        process.wait()
        clean_runs(runs)
    if result.fault or not result.came:
        tail = (folder / "output").read_text(errors="replace")[-600:]
        sys.stderr.write(f"{cell.name}: {result}\n{tail}\n")
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _command(cell: Cell, runs: Path) -> list[str]:
    command = [sys.executable, "-m", "leakdrill", "run", cell.scenario(runs), "--runs", str(runs)]
    return [*command, "--on", cell.target] if cell.target != "compose" else command


def _send(cell: Cell, process: subprocess.Popen[bytes], runs: Path) -> bool:
    """Send the signal when the phase, in `mitigate` the step, has begun; whether it came to that."""
    begun = _step_begun if cell.phase == "mitigate" else _phase_begun(cell.phase)
    try:
        wait_for(
            lambda: begun(_history(runs)) or process.poll() is not None,
            what=cell.phase,
            timeout_s=_PHASE_TIMEOUT_S[cell.target],
            every_s=0.01,
        )
    except TimedOut:
        return False
    time.sleep(secrets.randbelow(400) / 1000)  # somewhere in the phase, not always on its first line
    if process.poll() is not None:
        return False
    process.send_signal(cell.signal)
    return True


def _phase_begun(phase: str) -> Callable[[str], bool]:
    return lambda history: f'"phase":"{phase}"' in history


def _step_begun(history: str) -> bool:
    return any(f'"{STEP}"' in line and '"kind":"begin"' in line for line in history.splitlines())


def _look(cell: Cell, process: subprocess.Popen[bytes], traces: Traces, *, came: bool) -> Result:
    """Wait for the drill's death, then for the moment when nothing of it is left."""
    try:
        code: int | None = process.wait(_UNDO_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    died = time.monotonic()
    left = traces.left(cell.target)
    while left and time.monotonic() - died < DEADLINE_S:
        time.sleep(0.1)
        left = traces.left(cell.target)
    late = [line for line in left if not _only_waits(cell, line)]
    while left and not late and time.monotonic() - died < _NAMESPACE_TIMEOUT_S:
        time.sleep(0.5)
        left = traces.left(cell.target)
    gone_after_s = None if left else time.monotonic() - died
    if not left:
        time.sleep(_AGAIN_S)
        left = traces.left(cell.target)
    wrong = _wrong(cell, code, traces.runs) if came else ""
    return Result(name=cell.name, came=came, code=code, gone_after_s=gone_after_s, left=left, wrong=wrong)


def _only_waits(cell: Cell, line: str) -> bool:
    """Whether the thing is an empty namespace on its way out, or what waits for that."""
    return cell.target == "kubernetes" and (line.startswith(_WAITS) or "watchdog_undo" in line)


def _wrong(cell: Cell, code: int | None, runs: Path) -> str:
    """What is not as it should be in how the drill ended."""
    if code is None:
        return f"it did not end within {_UNDO_TIMEOUT_S:.0f} s"
    expected = (-SIGKILL,) if cell.signal == SIGKILL else (_INTERRUPTED,)
    late = cell.phase == "teardown"
    if code not in expected and not (late and code in _OWN_CODES):
        return f"it ended with {code}; expected {expected[0]}"
    for file in runs.glob("*/2*/verdicts.json"):
        try:
            orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError:
            return "its verdicts.json is not whole"
    return ""


def _history(runs: Path) -> str:
    return "".join(file.read_text(errors="replace") for file in runs.glob("*/2*/history.jsonl"))


def _run_id(runs: Path) -> str:
    """The id of the one run; where there is none, what nothing has in its name."""
    return next((RunFolder(path.resolve()).run_id for path in runs.glob("*/2*")), "no-run-was-begun")
