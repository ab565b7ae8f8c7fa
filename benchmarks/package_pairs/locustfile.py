"""Asks for the work, again and again; with aiohttp it is not there, which is the point."""

from locust import FastHttpUser, task


class User(FastHttpUser):
    """One user."""

    @task
    def work(self) -> None:
        """Any answer is an answer."""
        with self.client.get("/work", catch_response=True) as response:
            response.success()
