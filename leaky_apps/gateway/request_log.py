"""The gateway's own log file: an access line per request, and at debug level a dump of the request's features.

Every write opens nothing and seeks nothing: the file is held with O_APPEND, so that a truncation in place is followed
at once, and its inode is compared before each write, so that a rotation by renaming is followed too.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Level = Literal["debug", "info", "warning"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning")

_LINES: Final = 128
_LINE_BYTES: Final = 256
DUMP_BYTES: Final = _LINES * _LINE_BYTES
"""32 KiB: what one request writes at debug level, besides its access line."""

_TAIL: Final = (
    " model=embedder-v3 dtype=float32 width=128 stage=postprocess handler=predict.dump_features"
    " note=remove-before-release ticket=GW-1182"
)


class RequestLog:
    """Appends to `path`. A disk that is full costs lines, counted in `write_errors`, and never a request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.level: Level = "info"
        self.written_bytes = 0
        self.write_errors = 0
        self._fd = -1
        self._inode: tuple[int, int] | None = None

    @property
    def size_bytes(self) -> int:
        """Size of the file now; 0 when there is none."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def record(
        self, request_id: str, *, status: int, seconds: float, block: NDArray[np.float32] | None = None, cached: bool
    ) -> None:
        """Log one answered request; `block` is dumped at debug level."""
        if self.level == "warning":
            return
        stamp = _stamp()
        text = (
            f'{stamp} INFO gateway.access "POST /predict HTTP/1.1" {status} {seconds * 1000:.1f}ms '
            f"request={request_id} cached={cached!s:5}\n"
        )
        if self.level == "debug" and block is not None:
            text = _dump(stamp, request_id, block) + text
        self._append(text.encode("ascii"))

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._inode = None

    def _append(self, line: bytes) -> None:
        try:
            self._follow()
            written = os.write(self._fd, line)
        except OSError:
            self.write_errors += 1
            return
        self.written_bytes += written
        if written < len(line):
            self.write_errors += 1

    def _follow(self) -> None:
        try:
            found = self.path.stat()
            inode: tuple[int, int] | None = (found.st_dev, found.st_ino)
        except FileNotFoundError:
            inode = None
        if inode is None or inode != self._inode:
            self.close()
            self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            opened = os.fstat(self._fd)
            self._inode = (opened.st_dev, opened.st_ino)


def _stamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


def _dump(stamp: str, request_id: str, block: NDArray[np.float32]) -> str:
    parts = block.reshape(_LINES, -1)
    figures = zip(parts.mean(axis=1).tolist(), parts.min(axis=1).tolist(), parts.max(axis=1).tolist(), strict=True)
    head = f"{stamp} DEBUG gateway.features request={request_id} block="
    return "".join(
        f"{head}{i:03d} mean={mean:+.2f} min={low:+.2f} max={high:+.2f}{_TAIL}".ljust(_LINE_BYTES - 1) + "\n"
        for i, (mean, low, high) in enumerate(figures)
    )
