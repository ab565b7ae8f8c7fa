"""Passes captured for streams that ask again and again, each with buffers of its own on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.service.newest import Newest
from leaky_apps.tensor.captured import Captured

if TYPE_CHECKING:
    from torch import Tensor

    from leaky_apps.tensor.device import Device
    from leaky_apps.tensor.network import Network

MOST: Final = 4


class Graphs(Newest[Captured]):
    """The newest captured passes, by stream and number of rows."""

    def __init__(self) -> None:
        super().__init__(MOST)

    def of(self, stream: str, x: Tensor, *, network: Network, device: Device) -> Captured:
        """The pass of `stream` for rows of this shape, captured if need be."""
        key = f"{stream} {len(x)}"
        captured = self.get(key)
        if captured is None:
            captured = device.capture(network, x)
            self.put(key, captured)
        return captured
