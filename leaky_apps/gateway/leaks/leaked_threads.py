"""A watchdog is started for each request, and nobody tells it that the request is over."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


class LeakedThreads(Switched):
    """One thread a request, which waits for good."""

    name = "leaked-threads"
    resource: Resource = "threads"
    growth: Growth = "kept"
    per_request = 1.0
    request = "POST /predict"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "no thread: one timer of the event loop watches all requests"

    def see(self, call: Call) -> None:
        """Watch `call`."""
        if self.on:
            over = threading.Event()
            threading.Thread(target=over.wait, name=f"watchdog-{call.request_id}", daemon=True).start()
