"""Work that goes on after the answer: each prediction is reported to the audit service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from leaky_apps.service import memory

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.gateway.inference import Inference


_ENDED_AFTER_S: Final = 0.5
"""A cancelled task ends in a later round of the event loop; and trimming the heap is dear, so it is done for many."""


class AuditReports:
    """Reports under way. Each holds its request's tensor until the audit service has confirmed it.

    Attributes:
        confirmed: whether the audit service confirms what it gets.
    """

    def __init__(self, inference: Inference) -> None:
        self.confirmed = True
        self._inference = inference
        self._pending: dict[asyncio.Task[None], float] = {}
        self._trimming = False

    def __len__(self) -> int:
        return len(self._pending)

    def send(self, call: Call) -> None:
        """Begin to report `call`, and give up reports that have taken longer than the request timeout."""
        task = asyncio.create_task(self._report(call))
        self._pending[task] = time.monotonic()
        task.add_done_callback(lambda done: self._pending.pop(done, None))
        self.give_up()

    def give_up(self) -> None:
        """Give up the reports that have taken longer than the request timeout, and hand their memory back."""
        overdue = self._overdue()
        for task in overdue:
            task.cancel()
        if overdue and not self._trimming:
            self._trimming = True
            asyncio.get_running_loop().call_later(_ENDED_AFTER_S, self._trim)

    async def _report(self, call: Call) -> None:
        tensor = call.tensor()
        if not self.confirmed:
            await asyncio.Event().wait()
        del tensor

    def _overdue(self) -> list[asyncio.Task[None]]:
        if not self._inference.request_timeout_s:
            return []
        before = time.monotonic() - self._inference.request_timeout_s
        return [task for task, began in self._pending.items() if began < before]

    def _trim(self) -> None:
        self._trimming = False
        memory.trim()
