"""`python -m leaky_apps.gateway --port N`: serve until told to stop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

# Before the imports below, because numpy reads them when it is imported. One thread is faster for products this small,
# and a pool of BLAS threads would hide how little the service uses.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from leaky_apps.gateway.app import Gateway
from leaky_apps.service import memory
from leaky_apps.service.serve import serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from leaky_apps.service.serve import Place


_LARGE_BLOCK: Final = 1 << 20


def _build(place: Place) -> ASGIApp:
    memory.map_large_blocks(_LARGE_BLOCK)
    return Gateway(disk=place.disk, token=place.token).app()


if __name__ == "__main__":
    serve("gateway", _build)
