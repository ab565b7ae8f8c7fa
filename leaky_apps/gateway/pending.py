"""Work that goes on after the answer: each prediction is reported to the audit service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from leaky_apps.service import memory

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.gateway.inference import Inference


_ENDED_AFTER_S: Final = 0.1
"""A cancelled task ends in a later round of the event loop."""


class AuditReports:
    """Reports under way. Each holds its request's tensor until the audit service has confirmed it.

    Attributes:
        confirmed: whether the audit service confirms what it gets.
    """

    def __init__(self, inference: Inference) -> None:
        self.confirmed = True
        self._inference = inference
        self._pending: dict[asyncio.Task[None], float] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def send(self, call: Call) -> None:
        """Begin to report `call`, and give up reports that have taken longer than the request timeout."""
        task = asyncio.create_task(self._report(call))
        self._pending[task] = time.monotonic()
        task.add_done_callback(lambda done: self._pending.pop(done, None))
        self._give_up_overdue()

    def give_up(self) -> None:
        """Give up the reports that have taken longer than the request timeout, and hand their memory back."""
        if self._give_up_overdue():
            asyncio.get_running_loop().call_later(_ENDED_AFTER_S, memory.trim)

    async def _report(self, call: Call) -> None:
        tensor = call.tensor()
        if not self.confirmed:
            await asyncio.Event().wait()
        del tensor

    def _give_up_overdue(self) -> int:
        if not self._inference.request_timeout_s:
            return 0
        before = time.monotonic() - self._inference.request_timeout_s
        overdue = [task for task, began in self._pending.items() if began < before]
        for task in overdue:
            task.cancel()
        return len(overdue)
