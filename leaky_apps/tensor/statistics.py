"""The statistics of torch's allocator, under torch's own names: a part of `torch.cuda.memory_stats()`.

Bytes, and counts where the name begins with `num_`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOCATED: Final = "allocated_bytes.all.current"
MOST_ALLOCATED: Final = "allocated_bytes.all.peak"
REQUESTED: Final = "requested_bytes.all.current"
ACTIVE: Final = "active_bytes.all.current"
RESERVED: Final = "reserved_bytes.all.current"
SPLIT: Final = "inactive_split_bytes.all.current"
RETRIES: Final = "num_alloc_retries"
OOMS: Final = "num_ooms"

HELP: Final[Mapping[str, str]] = {
    ALLOCATED: "Bytes that tensors hold.",
    MOST_ALLOCATED: "The most bytes that tensors have held.",
    REQUESTED: "Bytes that tensors asked for, before rounding.",
    ACTIVE: "Bytes that tensors hold, or that work under way may still use.",
    RESERVED: "Bytes that the allocator has taken from the device.",
    SPLIT: "Free bytes that cannot go back to the device, because a tensor lies in the same segment.",
    RETRIES: "Times that free segments were given back to make room.",
    OOMS: "Times that there was no room even so.",
}


def published(name: str) -> str:
    """The name in Prometheus: its dots are not allowed there."""
    return "torch_" + name.replace(".", "_")


def unused_bytes(statistics: Mapping[str, int]) -> int:
    """Reserved but not allocated: what `empty_cache` could give back at best."""
    return statistics[RESERVED] - statistics[ALLOCATED]


def fragmentation(statistics: Mapping[str, int]) -> float:
    """The share of what is reserved that is free and cannot go back."""
    return statistics[SPLIT] / statistics[RESERVED] if statistics[RESERVED] else 0.0
