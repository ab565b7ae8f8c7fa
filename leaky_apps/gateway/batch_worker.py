"""The batch worker: a process beside the gateway that takes jobs from its standard input.

A job is one byte and a tensor of 64 KiB. The byte says whether the worker keeps what it has worked on; a worker that
does grows with every job. It ends with its input, and so with the gateway. It imports nothing that it does not need,
because every start of it costs memory beside the gateway's own.
"""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

TENSOR_BYTES: Final = 64 * 1024
KEEP: Final = b"k"
DROP: Final = b"d"


def work(jobs: BinaryIO) -> list[bytes]:
    """Work until `jobs` ends; what was kept."""
    kept: list[bytes] = []
    while len(job := jobs.read(1 + TENSOR_BYTES)) == 1 + TENSOR_BYTES:
        if job[:1] == KEEP:
            kept.append(job)
    return kept


if __name__ == "__main__":
    work(sys.stdin.buffer)
