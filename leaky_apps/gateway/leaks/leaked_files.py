"""The vocabulary is opened for each request, and not closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_VOCABULARY = b"the\nof\nand\nto\nin\n"


class LeakedFiles(Switched):
    """One open file a request.

    Attributes:
        errors: how often the file could not be opened; the request does without it.
    """

    name = "leaked-files"
    resource: Resource = "descriptors"
    growth: Growth = "kept"
    per_request = 1.0
    request = "POST /predict"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/clear-cache",
        "deleting the file",
        "switching the leak off",
    )
    twin = "the file is closed after each request"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._open: list[BufferedReader] = []
        self.errors = 0

    def see(self, _call: Call) -> None:
        """Look something up in the vocabulary."""
        try:
            if not self._path.exists():
                self._path.write_bytes(_VOCABULARY)
            file = self._path.open("rb")
        except OSError:
            self.errors += 1
            return
        file.readline()
        if self.on:
            self._open.append(file)
        else:
            file.close()
