"""A profile of the allocations in use, written to a file every few seconds when the environment asks for it.

`python -m leaky_apps.pipeline.memory_profile FILE` shows the lines that hold most.
"""

from __future__ import annotations

import argparse
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED_FOR: Final = "PODCAST_KG_MEMORY_PROFILE"
FILE_NAME: Final = "memory_profile.bin"
EVERY_S: Final = 3.0


class MemoryProfile:
    """Records allocations from now on, and writes them to `path`: at once, then every `EVERY_S` seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        tracemalloc.start()
        self.write()
        self._ended = threading.Event()
        threading.Thread(target=self._keep_writing, name="memory-profile", daemon=True).start()

    def write(self) -> dict[str, object]:
        """Write the file anew; whoever reads it finds the old one or the new one, never a part."""
        unfinished = self.path.with_suffix(".tmp")
        tracemalloc.take_snapshot().dump(str(unfinished))
        unfinished.replace(self.path)
        return {"path": str(self.path), "bytes": self.path.stat().st_size}

    def stop(self) -> None:
        """Record and write no more."""
        self._ended.set()
        tracemalloc.stop()

    def _keep_writing(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.write()


def profile_asked_for(environment: Mapping[str, str], disk: Path) -> MemoryProfile | None:
    """A profile in `disk`, when `environment` has `PODCAST_KG_MEMORY_PROFILE=true`."""
    return MemoryProfile(disk / FILE_NAME) if environment.get(ASKED_FOR, "").lower() == "true" else None


def heaviest_lines(path: Path, count: int) -> list[str]:
    """The `count` lines of source that hold most in the profile at `path`, the heaviest first."""
    statistics = tracemalloc.Snapshot.load(str(path)).statistics("lineno")
    return [f"{s.size:>12} bytes {s.count:>8} blocks  {s.traceback}" for s in statistics[:count]]


def main() -> int:
    """Show which lines of source held most memory when a profile was written; 1 when none is the expected one."""
    parser = argparse.ArgumentParser(prog="python -m leaky_apps.pipeline.memory_profile", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--top", type=int, default=20)
    parser.add_argument("--expect", default="", help="part of a line that must be among them")
    args = parser.parse_args()
    lines = heaviest_lines(args.file, args.top)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if any(args.expect in line for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
