"""Load for the gateway: every prediction is a new one, as from an open set of users.

Plain Locust: `locust -f scenarios/gateway/locustfile.py --host http://127.0.0.1:8000` runs it too. GATEWAY_LOAD says
what the predictions ask for besides: nothing, a new model version, a long prompt, a large body, a reranking, or a job
for the batch worker.
"""

from __future__ import annotations

import os
import random
import uuid
from typing import TYPE_CHECKING, Any, Final

from locust import FastHttpUser, between, task

if TYPE_CHECKING:
    from collections.abc import Callable

_METADATA: Final = ["x" * 1021] * 64

_MORE: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "predictions": dict,
    "models": lambda: {"model": f"v-{uuid.uuid4().hex}"},
    "prompts": lambda: {"text": "a" * 1000 + "!"},
    "documents": lambda: {"metadata": _METADATA},
    "rerank": lambda: {"rerank": True},
    "jobs": lambda: {"job": True},
}
_more: Final = _MORE[os.environ.get("GATEWAY_LOAD", "predictions")]


class GatewayUser(FastHttpUser):
    """Asks for a prediction of data that nobody asked for before; now and then for the health."""

    wait_time = between(0.05, 0.15)

    @task(30)
    def predict(self) -> None:
        """One prediction with a new key."""
        rows = [[round(random.uniform(-1, 1), 4) for _ in range(4)] for _ in range(2)]  # noqa: S311 - no secret
        self.client.post("/predict", json={"data": rows, "key": uuid.uuid4().hex, **_more()})

    @task(1)
    def health(self) -> None:
        """The request of a load balancer."""
        self.client.get("/health")
