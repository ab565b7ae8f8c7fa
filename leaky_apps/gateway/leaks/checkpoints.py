"""Each checkpoint of the model that learns from requests is kept."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final

from leaky_apps.gateway.call import TENSOR_BYTES
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from pathlib import Path

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_EVERY: Final = 8
_CHECKPOINT_BYTES: Final = 256 * 1024
_KEPT: Final = 2


class Checkpoints(Switched):
    """Every eighth request saves a checkpoint of 256 KiB, in `checkpoints/`.

    Attributes:
        errors: how many could not be written; learning goes on.
    """

    name = "checkpoints"
    resource: Resource = "disk"
    growth: Growth = "kept"
    per_request = _CHECKPOINT_BYTES / _EVERY
    request = "POST /predict, eight for a checkpoint"
    released_by: tuple[str, ...] = ("deleting checkpoints/*.ckpt",)
    not_released_by: tuple[str, ...] = (
        "rotating the log",
        "POST /admin/clear-cache",
        "POST /admin/clear-model-cache",
        "restart",
    )
    twin = "the newest two checkpoints"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._files: deque[Path] = deque()
        self._seen = 0
        self.errors = 0

    def see(self, call: Call) -> None:
        """Learn from `call`."""
        self._seen += 1
        if self._seen % _EVERY:
            return
        self._save(call)
        if not self.on and len(self._files) > _KEPT:
            self._remove_oldest()

    def _save(self, call: Call) -> None:
        file = self._folder / f"{os.getpid()}-step-{self._seen:08d}.ckpt"
        self._files.append(file)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(call.tensor().tobytes() * (_CHECKPOINT_BYTES // TENSOR_BYTES))
        except OSError:
            self.errors += 1

    def _remove_oldest(self) -> None:
        """Remove one; those that somebody else has removed meanwhile do not count."""
        gone = True
        while gone and len(self._files) > _KEPT:
            oldest = self._files.popleft()
            gone = not oldest.exists()
            oldest.unlink(missing_ok=True)
