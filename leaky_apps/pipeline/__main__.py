"""`python -m leaky_apps.pipeline --port N`: serve until told to stop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Before the imports below, because numpy reads them when it is imported: a pool of BLAS threads is not needed here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from leaky_apps.pipeline.app import Pipeline
from leaky_apps.pipeline.memory_profile import profile_asked_for
from leaky_apps.pipeline.redis_server import RedisServer
from leaky_apps.service.serve import serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from leaky_apps.service.serve import Place


def _build(place: Place) -> ASGIApp:
    profile = profile_asked_for(os.environ, place.disk)
    url = os.environ.get("REDIS_URL", "")
    server = None if url else RedisServer(place.disk)
    if server is not None:
        server.start()
        url = server.url
    return Pipeline(place, redis_url=url, redis_server=server, profile=profile, environment=os.environ).app()


if __name__ == "__main__":
    serve("pipeline", _build)
