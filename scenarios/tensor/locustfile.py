"""Load for the inference service. `TENSOR_LOAD` says which kind of orders its users send.

Plain Locust: `locust -f scenarios/tensor/locustfile.py --host http://127.0.0.1:8000` runs it too.
"""

from __future__ import annotations

import os
import random
import uuid
from typing import Any, Final

from locust import FastHttpUser, between, task

LOAD: Final = os.environ.get("TENSOR_LOAD", "plain")
UNKNOWN_LABEL: Final = 10_000
REFUSED: Final = 422


def order() -> dict[str, Any]:
    """One small order of the kind that was asked for."""
    fields: dict[str, Any] = {"seed": random.getrandbits(30), "rows": 32}
    if LOAD == "keys":
        fields["key"] = uuid.uuid4().hex
    elif LOAD == "versions":
        fields["version"] = uuid.uuid4().hex
    elif LOAD == "labels":
        fields["label"] = UNKNOWN_LABEL
    elif LOAD == "streams":
        fields["stream"] = uuid.uuid4().hex
    elif LOAD in {"host", "loader"}:
        fields["source"] = LOAD
    return fields


class TensorUser(FastHttpUser):
    """Sends small orders. An unknown label is refused, and this user expects that."""

    wait_time = between(0.05, 0.15)

    @task(30)
    def predict(self) -> None:
        """One order."""
        with self.client.post("/predict", json=order(), catch_response=True) as answer:
            if LOAD == "labels" and answer.status_code == REFUSED:
                answer.success()

    @task(1)
    def health(self) -> None:
        """The request of a load balancer."""
        self.client.get("/health")


class LargeOrders(FastHttpUser):
    """Sends large orders and takes three seconds to read each answer; two of three users do, where that is the load."""

    abstract = LOAD != "large"
    weight = 2
    wait_time = between(0, 0.05)

    @task
    def predict(self) -> None:
        """One order of 1024 rows."""
        self.client.post("/predict", json={"seed": random.getrandbits(30), "rows": 1024, "hold_s": 3.0})
