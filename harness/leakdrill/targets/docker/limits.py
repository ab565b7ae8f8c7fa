"""Limits as the Docker Engine takes them, for a container that is made and for one that runs."""

from __future__ import annotations

from typing import Any

from leakdrill.machine.cgroup import PERIOD_US


def limits(memory_bytes: float | None, cpus: float | None) -> dict[str, Any]:
    """Memory (swap is not added to it) and cores; what is None is left out."""
    memory = {"mem_limit": memory_bytes, "memswap_limit": memory_bytes} if memory_bytes else {}
    # As quota and period, because the engine does not change `nano_cpus` where these are set, nor the other way.
    return {**memory, **({"cpu_period": PERIOD_US, "cpu_quota": round(cpus * PERIOD_US)} if cpus else {})}


def shared_cpus(shares: int | None, cores: str | None) -> dict[str, Any]:
    """Its weight among others and the cores it may use, such as `0-1,3`; what is None is left out."""
    return {name: value for name, value in (("cpu_shares", shares), ("cpuset_cpus", cores)) if value is not None}
