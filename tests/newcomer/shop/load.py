"""The shop's own load test, from before Leakdrill."""

from locust import HttpUser, constant, task


class Visitor(HttpUser):
    """Looks at the front page."""

    wait_time = constant(0.1)

    @task
    def look(self) -> None:
        """One page."""
        self.client.get("/")
