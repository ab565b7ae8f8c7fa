"""Every request has a path of its own."""

import itertools

from locust import FastHttpUser, task

NUMBERS = itertools.count()


class User(FastHttpUser):
    """One user."""

    @task
    def visit(self) -> None:
        """A page that nobody asked for before."""
        self.client.get(f"/page/{next(NUMBERS)}", name="/page")
