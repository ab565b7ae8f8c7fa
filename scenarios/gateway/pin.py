"""Pins every thread of a process to the first processor that it may use: `python pin.py PID`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def pin(process: int) -> int:
    """Pin all threads of `process`, and say to which processor."""
    processor = min(os.sched_getaffinity(process))
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {processor})
    return processor


if __name__ == "__main__":
    sys.stdout.write(f"pinned to processor {pin(int(sys.argv[1]))}\n")
