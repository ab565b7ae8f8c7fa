"""A folder for each build."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Workspaces:
    """Makes workspaces under `folder`.

    Attributes:
        clean_up: whether a workspace goes with its build.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self.clean_up = True

    @contextlib.contextmanager
    def new(self) -> Iterator[Path]:
        """An empty workspace, for the time of one build."""
        workspace = self._folder / f"build-{next(self._numbers):06d}"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir(parents=True)
        try:
            yield workspace
        finally:
            if self.clean_up:
                shutil.rmtree(workspace, ignore_errors=True)
