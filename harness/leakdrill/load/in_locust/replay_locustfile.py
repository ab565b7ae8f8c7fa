"""The locustfile that sends a recorded corpus: each request as it was, in the same order, pass after pass.

One cursor for all users. With several users, two requests that are under way together may arrive in either order; which
requests make up a whole number of passes does not depend on that. A response with the recorded status is a success,
because the user's locustfile may have wanted the 404 that it got.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from urllib.parse import urlsplit

from locust import FastHttpUser, task

from leakdrill.load.in_locust.corpus_file import requests_in
from leakdrill.load.in_locust.variables import CORPUS_ENV, CORPUS_LENGTH_ENV

_pass = requests_in(Path(os.environ[CORPUS_ENV]).read_bytes())[: int(os.environ[CORPUS_LENGTH_ENV])]
_next_request = itertools.cycle(_pass).__next__


class Replay(FastHttpUser):
    """Sends the next request of the corpus."""

    def on_start(self) -> None:
        """Keep no cookies: those that belong to a request were recorded with it."""
        self.client.client.cookiejar = None
        origin = urlsplit(self.host or "")
        self._origin = f"{origin.scheme}://{origin.netloc}"

    @task
    def send(self) -> None:
        """Send one request."""
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
