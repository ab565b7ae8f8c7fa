"""Versions of the model's weights: held in memory, and kept as files so that a restart need not fetch them again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WEIGHT_BYTES: Final = 64 * 1024
"""One version: an adapter of 1024 by 16 float32."""

_SHAPE: Final = (1024, 16)
_HELD: Final = 4


class ModelStore:
    """Weights by version; those used last are held.

    Attributes:
        release: whether a version that is no longer among the last is let go.
        prune: likewise, whether its file is removed.
        write_errors: files that could not be written; the version is used all the same.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._files: OrderedDict[str, None] = OrderedDict()
        self.release = True
        self.prune = True
        self.write_errors = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held_bytes(self) -> int:
        """The bytes of all versions in memory."""
        return len(self._held) * WEIGHT_BYTES

    def weights(self, version: str) -> NDArray[np.float32]:
        """The weights of `version`, from memory, from its file, or as the registry would send them."""
        held = self._held.get(version)
        if held is None:
            held = self._held[version] = self._load(version)
            if self.release and len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(version)
        return held

    def clear(self) -> int:
        """Let go of every version, remove its file, and say how many versions and files that were."""
        files = list(self._folder.glob("*.bin")) if self._folder.is_dir() else []
        for file in files:
            file.unlink(missing_ok=True)
        count = len(self._held.keys() | {file.stem for file in files})
        self._held.clear()
        self._files.clear()
        return count

    def _load(self, version: str) -> NDArray[np.float32]:
        file = self._folder / f"{version}.bin"
        try:
            found = file.read_bytes()
        except OSError:
            found = b""
        if len(found) == WEIGHT_BYTES:
            return np.frombuffer(bytearray(found), dtype=np.float32).reshape(_SHAPE)
        weights = np.random.default_rng(crc32(version.encode())).standard_normal(_SHAPE, dtype=np.float32)
        self._keep_file(version, weights)
        return weights

    def _keep_file(self, version: str, weights: NDArray[np.float32]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{version}.bin").write_bytes(weights.tobytes())
        except OSError:
            self.write_errors += 1
        self._files[version] = None
        if self.prune:
            self._remove_oldest_file()

    def _remove_oldest_file(self) -> None:
        """Remove one where there are enough; those that somebody else has removed meanwhile do not count."""
        gone = True
        while gone and len(self._files) > _HELD:
            oldest, _ = self._files.popitem(last=False)
            file = self._folder / f"{oldest}.bin"
            gone = not file.exists()
            file.unlink(missing_ok=True)
