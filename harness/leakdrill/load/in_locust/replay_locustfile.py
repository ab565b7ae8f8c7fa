"""The locustfile that sends a recorded corpus: each request as it was, in the same order, pass after pass.

One cursor for all users. With several users, two requests that are under way together may arrive in either order; which
requests a whole number of passes is made of does not depend on that. An answer with the status that was recorded is a
success, because the user's locustfile may have wanted the 404 that it got.
"""

from __future__ import annotations

import itertools
from urllib.parse import urlsplit

from locust import FastHttpUser, task

from leakdrill.load.corpus import corpus_from_environment

_next_request = itertools.cycle(corpus_from_environment()).__next__


class Replay(FastHttpUser):
    """Sends the next request of the corpus."""

    def on_start(self) -> None:
        """Keep no cookies: those that belong to a request were recorded with it."""
        self.client.client.cookiejar = None
        origin = urlsplit(self.host or "")
        self._origin = f"{origin.scheme}://{origin.netloc}"

    @task
    def send(self) -> None:
        """One request."""
        request = _next_request()
        with self.client.request(
            request.method,
            self._origin + request.path,
            name=request.path.partition("?")[0],
            data=request.body or None,  # type: ignore[arg-type]  # bytes go out as they are; Locust's hint forgot them
            headers=dict(request.headers),
            allow_redirects=request.redirects,
            catch_response=True,
        ) as response:
            if response.status_code == request.status:
                response.success()
