"""`python -m leaky_apps.runner --port N`: serve until told to stop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from leaky_apps.runner.app import Runner
from leaky_apps.service.serve import serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from leaky_apps.service.serve import Place


def _build(place: Place) -> ASGIApp:
    runner = Runner(disk=place.disk, token=place.token)
    runner.builds.seconds = float(os.environ.get("RUNNER_BUILD_SECONDS", "0.05"))
    runner.builds.retry = os.environ.get("RUNNER_RETRY", "1") != "0"
    runner.plan.concurrency = int(os.environ.get("RUNNER_CONCURRENCY", "2"))
    return runner.app()


if __name__ == "__main__":
    serve("runner", _build)
