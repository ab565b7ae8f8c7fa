"""The spool file of a request is left behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from pathlib import Path

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_SPOOL_BYTES: Final = 32 * 1024


class TempFiles(Switched):
    """One file a request, in `tmp/`.

    Attributes:
        errors: how many could not be written; the request does without.
    """

    name = "temp-files"
    resource: Resource = "disk"
    growth: Growth = "kept"
    per_request = float(_SPOOL_BYTES)
    request = "POST /predict"
    released_by: tuple[str, ...] = ("deleting tmp/*.part",)
    not_released_by: tuple[str, ...] = ("rotating the log", "POST /admin/clear-cache", "POST /admin/gc", "restart")
    twin = "the file is removed with its request"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.errors = 0

    def see(self, call: Call) -> None:
        """Spool the tensor of `call`."""
        file = self._folder / f"{os.getpid()}-{call.request_id}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(call.tensor().tobytes()[:_SPOOL_BYTES])
        except OSError:
            self.errors += 1
        if not self.on:
            file.unlink(missing_ok=True)
