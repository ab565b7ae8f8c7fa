"""The limits of a service that runs already: its owner's. A scenario may say what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.scenario.target import Limits

_LEAST_CPUS: Final = 0.005
"""Kubernetes counts in thousandths of a core, the kernel in thousandths of a period."""


def check_own_limits(
    limits: Limits, subject: str, *, memory_bytes: float | None, cpus: float | None, page_bytes: int = 1
) -> None:
    """Refuse limits of a scenario that are not those that the service has: nobody sets them.

    Args:
        limits: of the scenario; what it leaves out is not compared.
        subject: what has the limits, such as `container shop-web-1`.
        memory_bytes: the memory that it may have; None where that is not limited.
        cpus: the cores that it may use; None where they are not limited.
        page_bytes: limits that differ by less are the same: the kernel rounds to its pages.

    Raises:
        BadInput: says both; begins with the key in the scenario.
    """
    wanted = limits.memory
    if wanted is not None and (memory_bytes is None or abs(wanted - memory_bytes) >= page_bytes):
        has = "no memory limit" if memory_bytes is None else show_size(memory_bytes)
        raise _differs("memory", show_size(wanted), subject, has)
    if limits.cpus is not None and (cpus is None or abs(limits.cpus - cpus) >= _LEAST_CPUS):
        raise _differs("cpus", f"{limits.cpus:g}", subject, "no CPU limit" if cpus is None else f"{cpus:g}")


def _differs(key: str, wanted: str, subject: str, has: str) -> BadInput:
    return BadInput(
        f"target.limits.{key}: found {wanted}; {subject} has {has}, and is used as it is",
        hint="leave target.limits out: the limits are read; or start the service with these",
    )
