"""`python -m leaky_apps.patterns --port N`: serve until told to stop."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Final

# Before the imports below, because numpy reads them when it is imported: a pool of BLAS threads would hide how little
# the service uses.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from leaky_apps.patterns.app import OrderProcessor
from leaky_apps.service import memory
from leaky_apps.service.serve import serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from leaky_apps.service.serve import Place

_LARGE_BLOCK: Final = 32 * 1024
"""Receipts and pictures are larger. Left to the heap, those dropped leave holes that the next ones fill slowly, for
which the service seems to grow on after its cure."""
_PR_SET_PTRACER: Final = 0x59616D61
_ANYBODY: Final = ctypes.c_ulong(-1)


def _let_profilers_look() -> None:
    """Let py-spy of the same user read this process. Where Yama is not built in, the call fails and is not needed."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)


def _build(place: Place) -> ASGIApp:
    return OrderProcessor(disk=place.disk, token=place.token).app()


if __name__ == "__main__":
    _let_profilers_look()
    memory.map_large_blocks(_LARGE_BLOCK)
    serve("patterns", _build)
