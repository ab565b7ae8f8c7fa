"""Jobs that the gateway hands to its batch worker, a process of its own that is started again when it has ended."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leaky_apps.gateway.batch_worker import DROP, KEEP

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call

_PROGRAM: Final = Path(__file__).with_name("batch_worker.py")


class Jobs:
    """Sends jobs to the worker.

    Attributes:
        keep: whether the worker keeps what it has worked on.
        starts: how often the worker was started.
        lost: jobs that an ended worker did not take.
    """

    def __init__(self) -> None:
        self.keep = False
        self.starts = 0
        self.lost = 0
        self._worker: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, call: Call) -> None:
        """Hand over `call`. A worker that has ended costs the job and not the request."""
        async with self._one_at_a_time:
            worker = await self._running()
            assert worker.stdin is not None  # noqa: S101 - it was asked for
            worker.stdin.write((KEEP if self.keep else DROP) + call.tensor().tobytes())
            try:
                await worker.stdin.drain()
            except ConnectionError:
                self.lost += 1

    async def _running(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            command = (sys.executable, str(_PROGRAM))
            self._worker = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
            self.starts += 1
        return self._worker
