"""The number of requests that each replica has answered, by its own count: only this shows how load is spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from leakdrill.machine.http_client import bounded_client
from leakdrill.meters.service import page_text, parse_exposition
from leakdrill.record.events import ReplicaRequestCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.machine.http_access import Access

COUNTER: Final = "http_requests_total"
_TIMEOUT_S: Final = 1.0


class ReplicaRequests:
    """Reads the sum of `http_requests_total` of each of `urls`, without the probes of health and metrics.

    Args:
        urls: where each replica answers now, by its name.
        path: of its metrics.
        access: how they are asked.
    """

    event = ReplicaRequestCounts
    every = 10

    def __init__(self, urls: Callable[[], Mapping[str, str]], path: str, *, access: Access) -> None:
        self._urls = urls
        self._path = path
        self._client = bounded_client(timeout_s=_TIMEOUT_S, access=access)

    def read(self) -> dict[str, float] | None:
        """Requests by replica; one that does not answer is left out, and None when none does."""
        counts = {name: count for name, url in self._urls().items() if (count := self._count(url)) is not None}
        return counts or None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _count(self, url: str) -> float | None:
        try:
            response = self._client.get(url + self._path)
            samples = parse_exposition(page_text(response)) if response.is_success else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError, RecursionError):
            return None
        counted = [value for name, value in samples.items() if name.startswith(COUNTER + "{") and _is_counted(name)]
        return sum(counted) if samples else None


def _is_counted(sample: str) -> bool:
    return not any(f'path="{path}"' in sample for path in ("/health", "/metrics"))
