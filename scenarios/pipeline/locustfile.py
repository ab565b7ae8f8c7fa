"""Load for the podcast pipeline: a feed of episodes, each of them new but for a few that everybody asks for.

Plain Locust: `locust -f scenarios/pipeline/locustfile.py --host http://127.0.0.1:8000` runs it too. EPISODE_CHARACTERS
sets how long the transcripts are.
"""

from __future__ import annotations

import os
import random

from locust import FastHttpUser, between, task

_CHARACTERS = int(os.environ.get("EPISODE_CHARACTERS", "48000"))
_POPULAR = 5


class FeedUser(FastHttpUser):
    """Hands in what was published; now and then asks for the graph and for the health."""

    wait_time = between(0.05, 0.15)

    @task(57)
    def new_episode(self) -> None:
        """An episode that nobody handed in before."""
        self._hand_in(random.getrandbits(53))

    @task(1)
    def popular_episode(self) -> None:
        """One of the few that are handed in again and again, which is what the caches are for."""
        self._hand_in(random.randrange(_POPULAR))  # noqa: S311 - no secret

    @task(1)
    def graph(self) -> None:
        """The size of the graph."""
        self.client.get("/graph")

    @task(1)
    def health(self) -> None:
        """The request of a load balancer."""
        self.client.get("/health")

    def _hand_in(self, seed: int) -> None:
        self.client.post("/episodes", json={"seed": seed, "characters": _CHARACTERS})
