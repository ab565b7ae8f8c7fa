"""The versions of the model that are loaded: each has a head of its own on the same network."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from leaky_apps.tensor.network import COLUMNS, HIDDEN, layer

if TYPE_CHECKING:
    from torch import nn

    from leaky_apps.tensor.network import Precision

MOST: Final = 2
HEAD_BYTES: Final = (HIDDEN + 1) * COLUMNS * 4
"""257 KiB: the weights of one version in float32."""


class Versions:
    """Loads a version when it is asked for first, and drops the one used least recently.

    Attributes:
        precision: in which the next version is loaded; those that are loaded keep theirs.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.precision: Precision = "float32"
        self._loaded: OrderedDict[str, nn.Module] = OrderedDict()
        self._bound: int | None = MOST

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def bounded(self) -> bool:
        """Whether a new version can push an old one out."""
        return self._bound is not None

    def head(self, version: str) -> nn.Module:
        """The head of `version`, loaded if need be."""
        held = self._loaded.get(version)
        if held is not None:
            self._loaded.move_to_end(version)
            return held
        if self._bound is not None and len(self._loaded) >= self._bound:
            self._loaded.popitem(last=False)
        loaded = layer(HIDDEN, COLUMNS, self.precision, self._device)
        self._loaded[version] = loaded
        return loaded

    def unbind(self) -> None:
        """Drop no version from now on."""
        self._bound = None

    def bind(self) -> None:
        """Drop one for each one loaded, from the level held now on."""
        self._bound = max(MOST, len(self._loaded))

    def unload(self) -> int:
        """Drop every version, and return how many there were. A leak that is on stays on."""
        count = len(self._loaded)
        self._loaded.clear()
        if self.bounded:
            self.bind()
        return count
