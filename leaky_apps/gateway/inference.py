"""Inference: how many requests at once, in which batches, with which precision, for how long and how large."""

from __future__ import annotations

import asyncio


class Inference:
    """The settings of the model's work in `/admin/config`.

    Attributes:
        max_batch_size: rows of a full batch; also how many hundred candidates a reranking ranks.
        use_quantization: half precision: half the work on each row and half the bytes of each result.
        max_payload_bytes: of a request's body.
        max_result_bytes: of what one reranking holds; fewer candidates are ranked beyond it.
        request_timeout_s: after how long work is given up, whether somebody waits for it or not; 0 is never.
    """

    def __init__(self) -> None:
        self.max_batch_size = 32
        self.use_quantization = False
        self.max_payload_bytes = 1 << 20
        self.max_result_bytes = 1 << 30
        self.request_timeout_s = 0.0

    @property
    def element_bytes(self) -> int:
        """The bytes of one number of a result."""
        return 2 if self.use_quantization else 4

    @property
    def row_cost(self) -> float:
        """Work on one row; 1 is full precision."""
        return 0.5 if self.use_quantization else 1.0


class Workers:
    """Lets so many requests be worked on at once; the others wait their turn.

    Lowering `count` interrupts nobody: those at work finish, and then fewer are let in.
    """

    def __init__(self, count: int = 8) -> None:
        self.count = count
        self._busy = 0
        self._turn = asyncio.Condition()

    @property
    def busy(self) -> int:
        """The number of requests that are processed now."""
        return self._busy

    async def __aenter__(self) -> None:
        """Wait for a turn."""
        async with self._turn:
            await self._turn.wait_for(lambda: self._busy < self.count)
            self._busy += 1

    async def __aexit__(self, *_exc: object) -> None:
        """Let the next one in."""
        self._busy -= 1
        async with self._turn:
            self._turn.notify_all()
