"""Load for the gateway: every prediction is a new one, as from an open set of users.

Plain Locust: `locust -f scenarios/gateway/locustfile.py --host http://127.0.0.1:8000` runs it too.
"""

from __future__ import annotations

import random
import uuid

from locust import FastHttpUser, between, task


class GatewayUser(FastHttpUser):
    """Asks for a prediction of data that nobody asked for before; now and then for the health."""

    wait_time = between(0.05, 0.15)

    @task(30)
    def predict(self) -> None:
        """One prediction with a new key."""
        rows = [[round(random.uniform(-1, 1), 4) for _ in range(4)] for _ in range(2)]  # noqa: S311 - no secret
        self.client.post("/predict", json={"data": rows, "key": uuid.uuid4().hex})

    @task(1)
    def health(self) -> None:
        """What a load balancer asks."""
        self.client.get("/health")
