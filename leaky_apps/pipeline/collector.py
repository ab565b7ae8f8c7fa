"""The cyclic collector as the pipeline uses it: its thresholds, and whether cycles are left to it at all."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

from leaky_apps.service import memory

if TYPE_CHECKING:
    from leaky_apps.pipeline.segments import Document

NEVER: Final = 1_000_000_000
"""A threshold that no service reaches."""
_WORTH_TRIMMING: Final = 5000  # objects; a collection that found fewer frees too little to look for whole pages


class Collector:
    """The collection of documents that nobody uses any more.

    Attributes:
        by_hand: whether they are taken apart at once; else their cycles wait for the collector.
    """

    def __init__(self) -> None:
        self.by_hand = True
        if _hand_back not in gc.callbacks:
            gc.callbacks.append(_hand_back)

    @property
    def thresholds(self) -> list[int]:
        """The number of allocations, and of collections of the younger generations, that start a collection."""
        return list(gc.get_threshold())

    @thresholds.setter
    def thresholds(self, thresholds: list[int]) -> None:
        gc.set_threshold(*thresholds)

    def release(self, document: Document) -> None:
        """Say that `document` is used no more."""
        if self.by_hand:
            document.take_apart()


def _hand_back(phase: str, info: dict[str, Any]) -> None:
    """After a collection that found much: free pages in the middle of malloc's heap go back to the system."""
    if phase == "stop" and info["collected"] > _WORTH_TRIMMING:
        memory.trim()
