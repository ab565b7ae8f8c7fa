"""The same request, again and again."""

from locust import FastHttpUser, task


class User(FastHttpUser):
    """One user."""

    @task
    def ask(self) -> None:
        """The request."""
        self.client.get("/")
