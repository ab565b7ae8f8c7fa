"""Embeddings kept on the device by key, so that a repeated request costs nothing."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from leaky_apps.service.newest import Newest

MOST: Final = 16


class Embeddings(Newest[Tensor]):
    """The newest embeddings, by key."""

    def __init__(self) -> None:
        super().__init__(MOST)
