"""A target that is nothing but a folder, for the steps on files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from leakdrill.errors import BadInput
from leakdrill.machine.http_access import ANYONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.meters.meter import Meter


class DiskTarget:
    """A target that is nothing but its disk."""

    part_types: ClassVar[Sequence[type]] = ()
    parts: Sequence[object] = ()

    name = "disk"
    base_url = "http://127.0.0.1:9"
    token = ""
    access = ANYONE
    labels: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def meters(self) -> Sequence[Meter]:
        return ()

    def notices(self) -> Sequence[str]:
        return ()

    def file(self, path: str) -> Path:
        found = (self.folder / path).resolve()
        if not found.is_relative_to(self.folder.resolve()):
            raise BadInput(f"{path}: lies outside of the target's disk")
        return found
