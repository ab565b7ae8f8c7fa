"""The outputs of builds, kept in the runner by commit, so that the same commit is not built twice."""

from __future__ import annotations

from typing import Final

from leaky_apps.service.newest import Newest

MOST: Final = 8


class OutputCache(Newest[bytes]):
    """The newest outputs, by commit."""

    def __init__(self) -> None:
        super().__init__(MOST)
