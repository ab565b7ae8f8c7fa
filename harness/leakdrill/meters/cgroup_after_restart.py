"""A meter that is made anew when what it reads has been replaced: a container's control group after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.record.events import CgroupResources

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.meters.cgroup import CgroupMeter


class CgroupAfterRestart:
    """Reads what `make` gives; asks it again after a reading that found nothing."""

    event = CgroupResources
    every = 1

    def __init__(self, make: Callable[[], CgroupMeter | None]) -> None:
        self._make = make
        self._meter = make()

    def read(self) -> dict[str, float] | None:
        """Returns the reading of the meter; None while there is nothing to read."""
        if self._meter is None:
            self._meter = self._make()
        values = self._meter.read() if self._meter else None
        if values is None:
            self.close()
        return values

    def close(self) -> None:
        """Close what is open."""
        if self._meter:
            self._meter.close()
        self._meter = None
