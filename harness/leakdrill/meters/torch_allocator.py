"""The statistics of PyTorch's allocator, requested from the service that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TorchAllocator

if TYPE_CHECKING:
    import httpx

_UNDER: Final = "torch"


class TorchMeter(ServiceMeter):
    """Reads `url`: `torch.cuda.memory_stats()` as JSON, under its own names, in bytes and counts."""

    event = TorchAllocator
    every = 2

    def _parse(self, response: httpx.Response) -> dict[str, float]:
        return parse_statistics(response.json())


def parse_statistics(document: Any) -> dict[str, float]:
    """The figures in what a service answers: at its top, or under `torch`. What is no figure is left out.

    Raises:
        ValueError: when there is none.
    """
    inner = document.get(_UNDER, document) if isinstance(document, dict) else None
    if not isinstance(inner, dict):
        raise ValueError(f"found {type(document).__name__}; expected an object such as torch.cuda.memory_stats() gives")  # noqa: TRY004 - what a service says
    figures = {
        name: float(value)
        for name, value in inner.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if "allocated_bytes.all.current" not in figures:
        raise ValueError("found no allocated_bytes.all.current; expected what torch.cuda.memory_stats() gives")
    return figures
