"""The CPU time of this machine: what everybody on it used, and what was left."""

from __future__ import annotations

import psutil

from leakdrill.record.events import MachineCpu


class MachineMeter:
    """Reads the machine's own count, once a second."""

    event = MachineCpu
    every = 10

    def read(self) -> dict[str, float]:
        """Seconds since boot, of all CPUs; what other virtual machines got is 0 where the kernel does not count it."""
        times = psutil.cpu_times()
        stolen = float(getattr(times, "steal", 0.0))
        # Guests' time is counted as the user's, too.
        doubly = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        return {
            "cpus": float(psutil.cpu_count() or 1),
            "used_seconds": sum(times) - doubly - idle - stolen,
            "idle_seconds": idle,
            "stolen_seconds": stolen,
        }
