"""The load: every request is the same."""

from locust import FastHttpUser, task


class User(FastHttpUser):
    """One user."""

    connection_timeout = 2.0
    network_timeout = 2.0

    @task
    def work(self) -> None:
        """One request."""
        self.client.get("/work")
