"""The audit trail: what was done, written in batches.

`ENTRIES` is the fault on show: state at module level belongs to nobody, outlives every object that uses it, and no
cleanup knows of it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES: Final[list[bytes]] = []
"""Every entry ever made while `AuditTrail.in_module` was on."""
DEFAULT_BATCH: Final = 8
_STAMP: Final = b"audit:"


class AuditTrail:
    """Collects entries, writes a line for each full batch, and lets the batch go.

    Attributes:
        in_module: entries go to the module's list, and stay there.
        batch: entries in a batch.
        batches: how many were written.
        write_errors: how many of those did not reach the disk.
    """

    def __init__(self, path: Path) -> None:
        self.in_module = False
        self.batch = DEFAULT_BATCH
        self.batches = 0
        self.write_errors = 0
        self._path = path
        self._open: list[bytes] = []

    def __len__(self) -> int:
        return len(self._open) + len(ENTRIES)

    @property
    def held_bytes(self) -> int:
        """Bytes of the entries held, here and in the module."""
        return sum(map(len, self._open)) + sum(map(len, ENTRIES))

    def record(self, receipt: bytes) -> None:
        """Make an entry of its own of `receipt`."""
        entry = _STAMP + receipt
        if self.in_module:
            ENTRIES.append(entry)
            return
        self._open.append(entry)
        if len(self._open) >= self.batch:
            self.close()

    def close(self) -> None:
        """Write the open batch and let it go: the cleanup."""
        digest = hashlib.blake2b(b"".join(self._open), digest_size=16).hexdigest()
        try:
            with self._path.open("a", encoding="ascii") as file:
                file.write(f"batch={self.batches} entries={len(self._open)} blake2b={digest}\n")
        except OSError:
            self.write_errors += 1
        self.batches += 1
        self._open.clear()
