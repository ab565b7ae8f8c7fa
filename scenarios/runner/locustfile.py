"""Load for the runner: jobs that build a new commit each, and developers who look how builds end.

`RUNNER_LOAD=small` sends jobs that ask for the mode which needs least, and nobody looks.
Plain Locust: `locust -f scenarios/runner/locustfile.py --host http://127.0.0.1:8000` runs it too.
"""

from __future__ import annotations

import os
import uuid
from typing import Final

from locust import FastHttpUser, between, task

SMALL: Final = os.environ.get("RUNNER_LOAD") == "small"


class Developer(FastHttpUser):
    """Pushes commits, and looks at the builds in between."""

    wait_time = between(0.05, 0.15)

    @task(1)
    def push(self) -> None:
        """One build of a new commit."""
        mode = {"mode": "critical"} if SMALL else {}
        self.client.post("/builds", json={"commit": uuid.uuid4().hex, **mode})

    if not SMALL:

        @task(2)
        def look(self) -> None:
            """The ends of the last builds."""
            self.client.get("/builds")
