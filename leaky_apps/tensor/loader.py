"""A data loader: rows made in a worker process of torch's own, which is started again when it has ended.

The worker is forked, as torch does on Linux by itself, before anything of it touches a card. Torch reports an ended
worker by an exception out of a signal handler, but only in the main thread; another thread gets it where it asks for
rows, so that is where rows are asked for.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.utils.data import DataLoader, IterableDataset

from leaky_apps.tensor.network import COLUMNS, HIDDEN, ROWS, STATE_BYTES
from leaky_apps.tensor.process import trim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

_FORK: Final = multiprocessing.get_context("fork")
_PREFETCHED: Final = 2
DECODED_BYTES: Final = 2 * STATE_BYTES
"""128 KiB: a decoded block, large enough for the C library to map it by itself (process.py)."""


def _start_small(_worker: int) -> None:
    """Give back what the fork brought along for nothing: a worker that fills that first does not seem to grow."""
    trim()


class DrawnRows(IterableDataset):  # type: ignore[type-arg]
    """Rows drawn one batch after the other, from wide blocks as a decoder makes them.

    Args:
        keep: shared with the worker: whether it keeps each block that it has decoded.
    """

    def __init__(self, keep: Any) -> None:
        super().__init__()
        self._keep = keep
        self._decoded: list[Tensor] = []

    def __iter__(self) -> Iterator[Tensor]:
        """Batches without end."""
        while True:
            wide = torch.randn(ROWS, 2 * HIDDEN)
            if self._keep.value:
                self._decoded.append(wide)
            yield wide.view(ROWS, COLUMNS, 2 * HIDDEN // COLUMNS).mean(dim=2)


class Loader:
    """Batches of 32 rows from one worker.

    Attributes:
        restarts: how often the worker was started again because it had ended.
    """

    def __init__(self) -> None:
        self._keep = _FORK.Value("b", 0, lock=False)
        self._batches: Any = None
        self._one_at_a_time = asyncio.Lock()
        self.restarts = 0

    @property
    def keep(self) -> bool:
        """Whether the worker keeps what it has decoded."""
        return bool(self._keep.value)

    @keep.setter
    def keep(self, on: bool) -> None:
        self._keep.value = int(on)

    async def rows(self) -> Tensor:
        """The next batch, shape (32, 128); a worker that has ended costs a moment and not the request."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._next)

    def stop(self) -> dict[str, int]:
        """End the worker and all that it holds; the next request starts another. A leak that is on stays on."""
        ended, self._batches = self._batches, None
        if ended is not None:
            ended._shutdown_workers()  # noqa: SLF001 - torch has no public way to end a worker before its time
        return {"workers": int(ended is not None)}

    def _next(self) -> Tensor:
        if self._batches is None:
            self._start()
        try:
            return next(self._batches)  # type: ignore[no-any-return]
        except (RuntimeError, OSError, EOFError):  # it has ended, or did so before what it had prefetched was fetched
            self.stop()
            self.restarts += 1
            self._start()
            return next(self._batches)  # type: ignore[no-any-return]

    def _start(self) -> None:
        loader: Any = DataLoader(
            DrawnRows(self._keep),
            batch_size=None,
            num_workers=1,
            prefetch_factor=_PREFETCHED,
            worker_init_fn=_start_small,
            multiprocessing_context=_FORK,
        )
        self._batches = iter(loader)
