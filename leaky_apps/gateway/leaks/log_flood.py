"""A log left at debug level: every request dumps its features, and the disk fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.request_log import DUMP_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.request_log import RequestLog
    from leaky_apps.leak import Growth, Resource


class LogFlood:
    """Each request writes its features to the log. Switching it off stops the writing and leaves the file."""

    name = "log-flood"
    resource: Resource = "disk"
    growth: Growth = "kept"
    per_request = float(DUMP_BYTES)
    request = "POST /predict"
    released_by: tuple[str, ...] = ("truncating the log", "rotating the log")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/clear-cache",
        "restart",
        "switching the leak off",
    )
    twin = "one access line of about 120 bytes per request"

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    @property
    def on(self) -> bool:
        """Whether the log is at debug level."""
        return self._log.level == "debug"

    def switch(self, *, on: bool) -> None:
        """Set the log to debug level, or back to access lines."""
        self._log.level = "debug" if on else "info"
