"""Runs builds, each as a process of its own, and remembers how they ended and how much memory they took."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from leaky_apps.runner.modes import NEED_BYTES, smaller

if TYPE_CHECKING:
    from leaky_apps.runner.helpers import Helpers
    from leaky_apps.runner.modes import Mode, Plan
    from leaky_apps.runner.workspaces import Workspaces

Outcome = Literal["passed", "killed", "failed"]

_PROGRAM: Final = Path(__file__).with_name("build.py")
_REMEMBERED: Final = 50
_RECENT_S: Final = 5.0
_LOOK_S: Final = 0.01
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Build:
    """One build that has ended.

    Attributes:
        outcome: `killed` is the end by SIGKILL, which is how the kernel ends what takes too much memory.
        mode: in which it ran.
        peak_bytes: the most that its process was seen to hold.
        ended_at: on the monotonic clock.
    """

    outcome: Outcome
    mode: Mode
    peak_bytes: int
    ended_at: float


class Builds:
    """Runs builds in the modes that a plan decides.

    Attributes:
        retry: whether a build that was killed is tried again in the next smaller mode.
        seconds: how long a build works.
        total: builds by outcome and mode.
        recent: the last builds.
    """

    def __init__(self, plan: Plan, workspaces: Workspaces, helpers: Helpers) -> None:
        self._plan, self._workspaces, self._helpers = plan, workspaces, helpers
        self._running = 0
        self._free = asyncio.Condition()
        self.retry = True
        self.seconds = 0.05
        self.total: Counter[tuple[Outcome, Mode]] = Counter()
        self.recent: deque[Build] = deque(maxlen=_REMEMBERED)

    @property
    def success_ratio(self) -> float:
        """Share of the last builds that passed; 1 before the first."""
        return sum(b.outcome == "passed" for b in self.recent) / len(self.recent) if self.recent else 1.0

    @property
    def process_memory_bytes(self) -> int:
        """The most that a build held which ended in the last five seconds; 0 when none did."""
        since = time.monotonic() - _RECENT_S
        return max((build.peak_bytes for build in self.recent if build.ended_at >= since), default=0)

    async def run(self, asked: Mode | None) -> tuple[Build, bytes]:
        """Run one build when its turn comes, and again in smaller modes where that is wanted; and what it made."""
        async with self._free:
            await self._free.wait_for(lambda: self._running < self._plan.concurrency)
            self._running += 1
        try:
            mode: Mode | None = self._plan.decide(asked)
            while True:
                assert mode is not None  # noqa: S101 - the loop ends below
                build, output = await asyncio.to_thread(self._once, mode)
                mode = smaller(mode)
                if build.outcome != "killed" or not self.retry or mode is None:
                    return build, output
        finally:
            async with self._free:
                self._running -= 1
                self._free.notify()

    def _once(self, mode: Mode) -> tuple[Build, bytes]:
        with self._workspaces.new() as workspace, self._helpers.beside_a_build():
            command = [
                sys.executable,
                "-S",
                "-E",
                str(_PROGRAM),
                str(NEED_BYTES[mode]),
                str(self.seconds),
                str(workspace),
            ]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            peak_bytes = _watched_to_its_end(process)
            output = b""
            with contextlib.suppress(FileNotFoundError):
                output = (workspace / "output.bin").read_bytes()
        build = Build(_outcome(process.returncode), mode, peak_bytes, time.monotonic())
        self.recent.append(build)
        self.total[build.outcome, mode] += 1
        return build, output


def _watched_to_its_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for `process`, and return the most anonymous memory that it was seen to hold, in bytes.

    `ru_maxrss` would count what the runner held when it started the build: Linux carries it over an exec.
    """
    status, peak_bytes = Path(f"/proc/{process.pid}/status"), 0
    while process.returncode is None:
        with contextlib.suppress(OSError):
            peak_bytes = max(peak_bytes, _anonymous_bytes(status.read_text(encoding="utf-8")))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
    return peak_bytes


def _anonymous_bytes(status: str) -> int:
    """`RssAnon` in a /proc/PID/status; 0 for a process that has ended."""
    lines = (line.split() for line in status.splitlines() if line.startswith("RssAnon:"))
    return next((int(fields[1]) * _KIB for fields in lines), 0)


def _outcome(exit_code: int) -> Outcome:
    if exit_code == 0:
        return "passed"
    return "killed" if exit_code == -signal.SIGKILL else "failed"
