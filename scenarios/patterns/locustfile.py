"""Load for the order processor: one kind of request, chosen by PATTERNS_LOAD (orders, quotes, exports or reports).

Plain Locust: `PATTERNS_LOAD=quotes locust -f scenarios/patterns/locustfile.py --host http://127.0.0.1:8000` works too.
"""

from __future__ import annotations

import itertools
import os
import random
import uuid

from locust import FastHttpUser, between, task

_LOAD = os.environ.get("PATTERNS_LOAD", "orders")
_FIRST = itertools.count(1, 512)


class OrderUser(FastHttpUser):
    """Asks for what PATTERNS_LOAD names; now and then for the health."""

    wait_time = between(0.05, 0.15)

    @task(30)
    def work(self) -> None:
        """One request, never the same twice."""
        getattr(self, _LOAD)()

    @task(1)
    def health(self) -> None:
        """The request of a load balancer."""
        self.client.get("/health")

    def orders(self) -> None:
        """An order of one to six articles."""
        items = [{"sku": f"a-{random.randrange(500)}", "quantity": 1 + n} for n in range(random.randint(1, 6))]  # noqa: S311 - no secret
        self.client.post("/orders", json={"customer": uuid.uuid4().hex, "items": items})

    def quotes(self) -> None:
        """The price of an article that nobody asked for before."""
        self.client.get(f"/quotes?sku={uuid.uuid4().hex}", name="/quotes")

    def exports(self) -> None:
        """The next 512 orders as CSV."""
        self.client.post("/exports", json={"first": next(_FIRST), "rows": 512})

    def reports(self) -> None:
        """The totals of a month. No two are equally long, or all users would wait, and the service rest, in step."""
        self.client.post("/reports", json={"rows": random.randint(11_059, 13_517)})  # noqa: S311 - no secret
