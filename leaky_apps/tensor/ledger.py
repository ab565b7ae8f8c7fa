"""Counts the tensors that live, where no card does it: on the processor.

Every operation that runs under the ledger shows it its results, and each new storage takes a block of the caching
allocator's model until it ends, which a weak reference tells. That sees what autograd saves, which no walk over
Python's objects does. Tried and left out: `gc.get_objects`, which misses exactly those; hooks on modules, which miss
what is made between them.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from leaky_apps.tensor.caching import CachingAllocator, NoRoomError
from leaky_apps.tensor.site import site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class OutOfMemory(torch.OutOfMemoryError):
    """The processor's budget is used up. What catches torch's own error for a card catches this one too."""


class Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts storages made while it is entered, for as long as they live.

    Args:
        limit: bytes that may be reserved at once, read before each segment is taken.

    Attributes:
        memory: where the blocks are.
    """

    def __init__(self, limit: Callable[[], float]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._limit = limit
        self._known: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self.memory = CachingAllocator(limit)

    @property
    def count(self) -> int:
        """The number of live storages."""
        return len(self._known)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and note what it made.

        Raises:
            OutOfMemory: when there is no room for that; what was made is let go of.
        """
        del types
        made = func(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            self._note(tensor.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, memory = storage._cdata, self.memory  # noqa: SLF001 - the only name that a storage has
        if key in self._known:
            return
        try:
            block = memory.take(storage.nbytes(), site())
        except NoRoomError as e:
            raise OutOfMemory(self._no_room(storage.nbytes(), e.segment_bytes)) from None

        def gone(_reference: object) -> None:
            del self._known[key]
            memory.give_back(block)

        self._known[key] = weakref.ref(storage, gone)

    def _no_room(self, asked: int, segment_bytes: int) -> str:
        held = self.memory
        return (
            f"out of memory: tried to allocate {asked:,} bytes, for which a segment of {segment_bytes:,} is needed; "
            f"{held.reserved:,} of a budget of {self._limit():,.0f} bytes are reserved, {held.allocated:,} allocated"
        )


def _tensors(made: Any) -> Iterator[torch.Tensor]:
    if isinstance(made, torch.Tensor):
        yield made
    elif isinstance(made, list | tuple):
        for part in made:
            yield from _tensors(part)
