"""One build: takes its memory, writes its workspace, works for a while and ends.

Run by its path and without `site`, because a build must start in milliseconds, and pathlib alone would double that:
`build.py MEMORY_BYTES SECONDS WORKSPACE`.
"""

import os
import sys
import time

PAGE_BYTES = 4096
OUTPUT_BYTES = 512 * 1024


def main(memory_bytes: int, seconds: float, workspace: str) -> None:
    """Hold `memory_bytes`, every page of them written, and leave an output in `workspace`."""
    _be_the_first_to_go()
    heap = bytearray(memory_bytes)
    for page in range(0, memory_bytes, PAGE_BYTES):
        heap[page] = 1
    with open(f"{workspace}/output.bin", "wb") as output:  # noqa: PTH123 - no pathlib here
        output.write(os.urandom(PAGE_BYTES) * (OUTPUT_BYTES // PAGE_BYTES))
    time.sleep(seconds)


def _be_the_first_to_go() -> None:
    """Out of memory, the kernel shall take a build and not the runner. Raising one's own score needs no right."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - likewise
            score.write("500")
    except OSError:
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
